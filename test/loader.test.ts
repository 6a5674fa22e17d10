import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageRoot } from './lib/child.js'
import { place } from './lib/temporary.js'

const binary = readdirSync(join(packageRoot, 'native')).find(name => name.endsWith('.node'))!
const here = binary.split('.')[1]!
const away = here === 'darwin-x64' ? 'win32-x64-msvc' : 'darwin-x64'
const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))

/** A project with mosskv in it, without any platform package. */
function project() {
  const folder = place()
  const main = join(folder, 'node_modules/mosskv')
  cpSync(join(packageRoot, 'dist'), join(main, 'dist'), { recursive: true })
  cpSync(join(packageRoot, 'package.json'), join(main, 'package.json'))
  return folder
}

/** Adds the package of `platform`, with the binary that works here; returns the binary's path. */
function install(folder: string, platform: string, installed = version) {
  const path = join(folder, 'node_modules/@mosskv', `native-${platform}`)
  mkdirSync(path, { recursive: true })
  const file = join(path, `mosskv.${platform}.node`)
  cpSync(join(packageRoot, 'native', binary), file)
  const binaryBytes = statSync(file).size
  writeFileSync(join(path, 'package.json'), JSON.stringify({ version: installed, binaryBytes }))
  return file
}

const report = `
  try { require('mosskv'); console.log(JSON.stringify({ loaded: true })) }
  catch ({ name, code, message, cause }) { console.log(JSON.stringify({ name, code, message, cause: cause?.message })) }`

/** What importing mosskv does there, after `before` has run in the same process. */
function load(folder: string, before = '') {
  const args = ['-e', before + report]
  return JSON.parse(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' }))
}

const pretend = (name: string, value: string) =>
  `Object.defineProperty(process, '${name}', { value: ${JSON.stringify(value)} });`

/** A program that asks for `linker`, as far as its headers go: an ELF header and one PT_INTERP segment. */
function program(linker: string) {
  const bytes = Buffer.alloc(256)
  bytes.write('\x7fELF\x02\x01', 'latin1')
  bytes.writeBigUInt64LE(64n, 32)
  bytes.writeUInt16LE(56, 54)
  bytes.writeUInt16LE(1, 56)
  bytes.writeUInt32LE(3, 64)
  bytes.writeBigUInt64LE(128n, 72)
  bytes.writeBigUInt64LE(BigInt(linker.length + 1), 96)
  bytes.write(linker, 128)
  return bytes
}

describe('the loader', () => {
  test('takes the package of this platform', () => {
    const folder = project()
    install(folder, here)
    expect(load(folder)).toEqual({ loaded: true })
  })

  test('says that optional dependencies were left out', () => {
    const error = load(project())
    expect(error).toMatchObject({ name: 'MossError', code: 'NATIVE_NOT_FOUND' })
    expect(error.message).toContain(`the package @mosskv/native-${here} is not installed`)
    expect(error.message).toContain('--omit=optional')
    expect(error.message).toContain(`\`npm install @mosskv/native-${here}@${version}\``)
  })

  test('says that node_modules comes from another platform', () => {
    const folder = project()
    install(folder, away)
    const { code, message } = load(folder)
    expect(code).toBe('NATIVE_NOT_FOUND')
    expect(message).toContain(
      `the package @mosskv/native-${here} is not installed; @mosskv/native-${away} is`,
    )
    expect(message).toContain('another platform')
  })

  test('says for which platforms there are binaries', () => {
    const folder = project()
    install(folder, here)
    const { code, message } = load(folder, pretend('platform', 'sunos') + pretend('arch', 'ia32'))
    expect(code).toBe('NATIVE_NOT_FOUND')
    expect(message).toContain('there is no binary for sunos-ia32, only for linux-x64-gnu, ')
  })

  test('refuses a package of another version', () => {
    const folder = project()
    install(folder, here, '0.0.9')
    const { code, message } = load(folder)
    expect(code).toBe('NATIVE_NOT_FOUND')
    expect(message).toContain(`mosskv is ${version} and @mosskv/native-${here} is 0.0.9`)
  })

  test('says that the binary was cut off, and does not load it', () => {
    const folder = project()
    const file = install(folder, here)
    const bytes = statSync(file).size
    truncateSync(file, 10_000)
    const { code, message } = load(folder)
    expect(code).toBe('NATIVE_NOT_FOUND')
    expect(message).toContain(`mosskv.${here}.node is damaged: 10000 bytes instead of ${bytes}`)
    expect(message).toContain('remove node_modules and install again')
  })

  test('says that the binary is damaged', () => {
    const folder = project()
    const file = install(folder, here)
    writeFileSync(file, Buffer.alloc(statSync(file).size))
    const { code, message, cause } = load(folder)
    expect(code).toBe('NATIVE_NOT_FOUND')
    expect(message).toMatch(/mosskv\.\S+\.node is there and cannot be loaded, so it is damaged/)
    expect(message).toContain('remove node_modules and install again')
    expect(message).toContain(cause.split('\n')[0])
  })

  test('says that the binary is gone', () => {
    const folder = project()
    rmSync(install(folder, here))
    expect(load(folder).message).toContain(`mosskv.${here}.node is gone from its package`)
  })
})

describe.runIf(process.platform === 'linux')('the loader on Linux', () => {
  test('takes the C library of the running program', () => {
    const folder = project()
    install(folder, here)
    for (const [linker, libc] of [
      ['/lib/ld-musl-x86_64.so.1', 'musl'],
      ['/lib64/ld-linux-x86-64.so.2', 'gnu'],
    ]) {
      writeFileSync(join(folder, 'node'), program(linker!))
      const { message } = load(folder, pretend('execPath', join(folder, 'node')) + pretend('arch', 'arm64'))
      expect(message).toContain(`@mosskv/native-linux-arm64-${libc} is not installed`)
    }
  })

  test.runIf(here.endsWith('gnu'))('says that the C library is too old', () => {
    const folder = project()
    const file = install(folder, here)
    const bytes = readFileSync(file)
    bytes.write('GLIBC_9.99', bytes.indexOf('GLIBC_2.'), 'latin1')
    writeFileSync(file, bytes)
    const { code, message } = load(folder)
    expect(code).toBe('NATIVE_NOT_FOUND')
    expect(message).toContain('needs a newer C library than this system has')
    expect(message).toContain('glibc 2.17')
  })

  const namespaces = spawnSync('unshare', ['-rm', 'true']).status === 0

  test.runIf(namespaces)('says that the file system forbids to run code', () => {
    const folder = project()
    const mounted = join(folder, 'mounted')
    install(folder, here)
    mkdirSync(mounted)
    const script =
      'mount -t tmpfs -o noexec tmpfs mounted && cp -r node_modules mounted && cd mounted && "$0" -e "$1"'
    const out = execFileSync('unshare', ['-rm', 'sh', '-c', script, process.execPath, report], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect(JSON.parse(out).message).toContain('not mounted `noexec`')
  })
})
