// Finds and loads the binary of this platform: beside the sources in a checkout, else from the optional package that npm
// has installed for it. What goes wrong becomes one message: which package, why, and how to get it.

import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { MossError } from './errors.js'

/** What the binary exports: `native/native.d.ts`. */
type Addon = typeof import('../native/native.js')

/** What the manifest of a platform's package says: `scripts/pack.mjs` writes it. */
interface PlatformPackage {
  version: string
  binaryBytes: number
}

const PLATFORMS = [
  'linux-x64-gnu',
  'linux-x64-musl',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
  'win32-arm64-msvc',
]

const load = createRequire(__filename)

function packageOf(platform: string): string {
  return `@mosskv/native-${platform}`
}

/** The dynamic linker that an ELF program asks for; `undefined` for anything else. */
function interpreter(program: string): string | undefined {
  const file = openSync(program, 'r')
  try {
    const read = (offset: number, length: number) => {
      const bytes = Buffer.alloc(length)
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset))
    }
    const header = read(0, 64)
    if (header.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return undefined
    const [start, size, count] = [
      header.readBigUInt64LE(32),
      header.readUInt16LE(54),
      header.readUInt16LE(56),
    ]
    for (let i = 0; i < count; i++) {
      const segment = read(Number(start) + i * size, 56)
      if (segment.readUInt32LE(0) !== 3) continue // PT_INTERP
      const length = Math.min(Number(segment.readBigUInt64LE(32)), 4096)
      return read(Number(segment.readBigUInt64LE(8)), length).toString('latin1')
    }
  } catch {
    // A truncated or unreadable program: nothing is known.
  } finally {
    closeSync(file)
  }
  return undefined
}

/** The C library of this process: every other one's binaries would fail to load, or worse. */
function libc(): 'gnu' | 'musl' {
  return interpreter(process.execPath)?.includes('ld-musl') ? 'musl' : 'gnu'
}

function platform(): string {
  const { platform, arch } = process
  if (platform === 'linux') return `linux-${arch}-${libc()}`
  if (platform === 'win32') return `win32-${arch}-msvc`
  return `${platform}-${arch}`
}

function ownVersion(): string {
  return (
    JSON.parse(readFileSync(join(dirname(__filename), '../package.json'), 'utf8')) as { version: string }
  ).version
}

function resolves(request: string): string | undefined {
  try {
    return load.resolve(request)
  } catch {
    return undefined
  }
}

function failure(problem: string, remedy: string, cause?: unknown): MossError {
  const message = `cannot load the native part of mosskv: ${problem}. ${remedy}`
  return new MossError('NATIVE_NOT_FOUND', message, cause === undefined ? {} : { cause })
}

const REINSTALL = 'remove node_modules and install again'

/** The package of `wanted` is not there: why, as far as the other packages tell. */
function missing(wanted: string, version: string): MossError {
  const name = packageOf(wanted)
  const others = PLATFORMS.filter(other => resolves(`${packageOf(other)}/package.json`) !== undefined)
  const get = `\`npm install ${name}@${version}\` gets it`
  if (others.length > 0) {
    return failure(
      `the package ${name} is not installed; ${others.map(packageOf).join(', ')} is, so node_modules comes from ` +
        'another platform (copied, or made in another container)',
      `On this machine, ${REINSTALL}; or, in addition, ${get}`,
    )
  }
  return failure(
    `the package ${name} is not installed. It is an optional dependency of mosskv, and those were left out ` +
      '(--omit=optional, --no-optional), or the lockfile was made without them, or a bundler moved mosskv away from ' +
      'its node_modules',
    `Delete node_modules and the lockfile and install with --include=optional; or ${get}; or tell the bundler that ` +
      'mosskv is external',
  )
}

/** The file is there and the system refuses it. */
function refused(wanted: string, file: string, cause: unknown): MossError {
  const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
  if (/GLIBC(XX)?_[\d.]+' not found/.test(reason!)) {
    return failure(
      `${file} needs a newer C library than this system has (${reason})`,
      'Use a system with glibc 2.17 or newer',
      cause,
    )
  }
  if (/failed to map segment|not permitted/.test(reason!)) {
    return failure(
      `the system forbids to run code from ${file} (${reason})`,
      'Put node_modules on a file system that is not mounted `noexec`',
      cause,
    )
  }
  return failure(
    `${file} is there and cannot be loaded, so it is damaged or not for ${wanted} (${reason})`,
    `To get it again, ${REINSTALL}`,
    cause,
  )
}

/** To run code of a file that was cut off kills the process (SIGBUS), so its length is looked at first. */
function checkLength(file: string, expected: number): void {
  const length = statSync(file, { throwIfNoEntry: false })?.size
  if (length === expected) return
  const what =
    length === undefined ? 'gone from its package' : `damaged: ${length} bytes instead of ${expected}`
  throw failure(`${file} is ${what}`, `To get it again, ${REINSTALL}`)
}

function open(wanted: string, file: string): Addon {
  try {
    return load(file) as Addon
  } catch (cause) {
    throw refused(wanted, file, cause)
  }
}

/**
 * The native code for this platform.
 * @throws `MossError` `NATIVE_NOT_FOUND`: there is none for this platform, or its package is missing, of another version,
 * or damaged. The message says which package it is and how to get it.
 * @internal
 */
export function loadAddon(): Addon {
  const wanted = platform()
  const built = resolves(`../native/mosskv.${wanted}.node`)
  if (built !== undefined) return open(wanted, built)
  if (!PLATFORMS.includes(wanted)) {
    throw failure(
      `there is no binary for ${wanted}, only for ${PLATFORMS.join(', ')}`,
      'Use one of these, or build mosskv from its sources',
    )
  }
  const version = ownVersion()
  const manifest = resolves(`${packageOf(wanted)}/package.json`)
  if (manifest === undefined) throw missing(wanted, version)
  const installed = JSON.parse(readFileSync(manifest, 'utf8')) as PlatformPackage
  if (installed.version !== version) {
    throw failure(
      `mosskv is ${version} and ${packageOf(wanted)} is ${installed.version}: they belong together and must be the same`,
      `\`npm install ${packageOf(wanted)}@${version}\` or ${REINSTALL}`,
    )
  }
  const file = join(dirname(manifest), `mosskv.${wanted}.node`)
  checkLength(file, installed.binaryBytes)
  return open(wanted, file)
}
