/**
 * From a fresh clone to a package that can be imported: what is missing is installed, what has changed is built.
 */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Failure, firstLine, npm, root, say, since } from './steps.mjs'
import { unlessDone } from './stamp.mjs'

const OLDEST_NODE = 20

function requireNode() {
  const [major] = process.versions.node.split('.', 1)
  if (Number(major) >= OLDEST_NODE) return
  throw new Failure(`Node ${OLDEST_NODE} or newer is needed (this is ${process.version}): https://nodejs.org`)
}

/** Finds cargo, also where rustup puts it when the shell does not know yet; returns its version. */
function requireCargo() {
  const home = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'bin')
  if (existsSync(home)) process.env.PATH = `${process.env.PATH}${delimiter}${home}`
  const version = firstLine('cargo', ['--version'])
  if (version !== undefined) return version
  throw new Failure(
    'Rust is needed and `cargo` was not found: get it from https://rustup.rs, then run this again.',
  )
}

/**
 * Installs a folder's packages exactly as its lockfile says.
 * @param {string} folder relative to the root; '' is the root itself
 */
function install(folder) {
  const inputs = ['package.json', 'package-lock.json'].map(name => join(folder, name))
  const modules = join(folder, 'node_modules')
  return unlessDone(
    {
      stamp: join(modules, '.mosskv-install.json'),
      inputs,
      words: [process.version, process.platform, process.arch],
      outputs: [join(modules, '.package-lock.json')],
    },
    () => {
      say(`installing the packages of ${folder || 'the root'}`)
      return npm(['ci', '--no-audit', '--no-fund'], { cwd: join(root, folder) })
    },
  )
}

/** @param {string} cargo its version */
function buildNative(cargo) {
  return unlessDone(
    {
      stamp: 'target/.stamps/native.json',
      inputs: [
        'package.json',
        'Cargo.toml',
        'Cargo.lock',
        'rust-toolchain.toml',
        '.cargo',
        'crates/engine',
        'crates/node',
        'package-lock.json',
      ],
      words: [cargo, process.platform, process.arch, process.env.RUSTFLAGS ?? ''],
      outputs: ['native'],
    },
    () => {
      say('building the engine (cargo, release); the first time takes a minute or two')
      return npm(['run', '--silent', 'build:native'])
    },
  )
}

function buildTypeScript() {
  return unlessDone(
    {
      stamp: 'target/.stamps/typescript.json',
      inputs: [
        'package.json',
        'package-lock.json',
        'tsconfig.json',
        'tsconfig.build.json',
        'ts',
        'native/native.d.ts',
      ],
      outputs: ['dist'],
    },
    () => {
      say('building the TypeScript')
      return npm(['run', '--silent', 'build:ts'])
    },
  )
}

/**
 * Installs and builds everything that `folders` need besides the root. A second call does nothing but compare.
 * @param {string[]} folders folders with a package.json of their own
 */
export async function prepare(...folders) {
  const start = performance.now()
  requireNode()
  const cargo = requireCargo()
  let did = await install('')
  did = (await buildNative(cargo)) || did
  did = (await buildTypeScript()) || did
  for (const folder of folders) did = (await install(folder)) || did
  say(did ? `installed and built in ${since(start)}` : `up to date (${since(start)})`)
}
