/**
 * A user's project: an empty folder in which the packed packages are installed, without Rust and without a network.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { firstLine, npm, root, run } from '../lib/steps.mjs'
import { asCommonJs, asModule, quickStart } from './quick-start.mjs'
import { withRegistry } from './registry.mjs'

/** Takes the folders that have cargo or rustc out of PATH. */
function withoutRust() {
  const usable = (/** @type {string} */ folder) =>
    ['cargo', 'rustc'].every(name => firstLine(join(folder, name), ['--version']) === undefined)
  process.env.PATH = (process.env.PATH ?? '').split(delimiter).filter(usable).join(delimiter)
}

/**
 * Packs, installs `mosskv` in a new folder with the programs of the README and the smoke test beside it, and removes the
 * folder after `use`.
 * @param {(folder: string) => Promise<void>} use
 */
export async function withConsumer(use) {
  await run(process.execPath, [join(root, 'scripts/pack.mjs')])
  withoutRust()
  const folder = mkdtempSync(join(tmpdir(), 'mosskv-consumer-'))
  try {
    const code = quickStart()
    const files = { 'package.json': '{ "private": true }', 'quick-start.mjs': asModule(code) }
    const others = { 'quick-start.cjs': asCommonJs(code), 'quick-start.mts': code }
    for (const [name, text] of Object.entries({ ...files, ...others }))
      writeFileSync(join(folder, name), text)
    cpSync(join(root, 'scripts/package/smoke.mjs'), join(folder, 'smoke.mjs'))
    await withRegistry(async address => {
      const cache = join(folder, '.npm')
      await npm(['install', 'mosskv', '--registry', address, '--cache', cache, '--no-audit', '--no-fund'], {
        cwd: folder,
      })
    })
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Runs the quick start and the smoke test.
 * @param {string} folder
 * @param {string} command the runtime
 * @param {string[]} args what it wants before the name of the program
 */
export async function runPrograms(folder, command, args = []) {
  for (const program of ['quick-start.mjs', 'quick-start.cjs', 'smoke.mjs']) {
    rmSync(join(folder, 'data'), { recursive: true, force: true })
    await run(command, [...args, program], { cwd: folder })
  }
}
