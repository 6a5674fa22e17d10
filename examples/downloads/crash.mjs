/**
 * Kills a writing process with SIGKILL, and proves that nothing it had been told is written is lost.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { packageKey, rankKey } from './keys.mjs'
import { thousands } from './report.mjs'

/** @typedef {import('./counts.mjs').Pair} Pair */

const WRITER = fileURLToPath(new URL('crash-writer.mjs', import.meta.url))

/** No acknowledgement for this long is a failure. */
const PATIENCE_MS = 20_000

/**
 * What the writer had said when it died.
 * @typedef {object} Testimony
 * @property {Map<string, number>} acknowledged the last count of each package whose write had been acknowledged
 * @property {Map<string, number>} pending counts on their way: written or not, both are right
 * @property {number} acknowledgements
 */

/**
 * Starts the writer and kills it once it has reported `enough` acknowledged updates, in the middle of others.
 * @param {{ directory: string, packagesFile: string, seed: number, enough: number }} how
 * @returns {Promise<Testimony>}
 */
async function killWriter({ directory, packagesFile, seed, enough }) {
  const child = spawn(process.execPath, [WRITER, directory, packagesFile, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const closed = once(child, 'close')
  const deadline = setTimeout(kill, PATIENCE_MS)

  /** @type {Testimony} */
  const said = { acknowledged: new Map(), pending: new Map(), acknowledgements: 0 }
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, name, count] = /** @type {[string, string, string]} */ (JSON.parse(line))
    if (word === 'issued') {
      said.pending.set(name, Number(count))
      continue
    }
    said.acknowledged.set(name, Number(count))
    said.pending.delete(name)
    said.acknowledgements += 1
    deadline.refresh()
    if (said.acknowledgements === enough) kill()
  }
  const [code, signal] = await closed
  clearTimeout(deadline)
  process.off('exit', kill)
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself (${signal ?? `exit code ${code}`})`)
  if (said.acknowledgements < enough)
    throw new Error(`the writer fell silent after ${said.acknowledgements} updates`)
  return said
}

/**
 * One round: kill a writer, reopen, check every package that it touched. Brings `packages` and `totals` up to date.
 * @param {object} how
 * @param {(use: (engine: import('mosskv').Engine) => Promise<void>) => Promise<void>} how.open opens, lets use, closes
 * @param {string} how.directory closed
 * @param {string} how.packagesFile where to put the packages that may be updated
 * @param {Pair[]} how.packages
 * @param {import('./expected.mjs').Totals} how.totals of the whole database
 * @param {number} how.seed
 * @param {number} how.enough
 * @param {import('./report.mjs').Report} how.report
 */
export async function crash({ open, directory, packagesFile, packages, totals, seed, enough, report }) {
  writeFileSync(packagesFile, JSON.stringify(packages))
  const said = await killWriter({ directory, packagesFile, seed, enough })

  const start = performance.now()
  await open(async engine => {
    const reopened = performance.now() - start
    let lost = 0
    let stray = 0
    for (const pair of packages) {
      const { name, count: before } = pair
      if (!said.acknowledged.has(name) && !said.pending.has(name)) continue
      const known = said.acknowledged.get(name) ?? before
      const pending = said.pending.get(name)
      const found = Number(await engine.get(packageKey(name)))
      if (found !== known && found !== pending) {
        lost += 1
        continue
      }
      for (const count of new Set([before, known, pending ?? known, found])) {
        if ((await engine.has(rankKey({ name, count }))) !== (count === found)) stray += 1
      }
      totals.remove(pair)
      pair.count = found
      totals.add(pair)
    }
    report.check(
      lost === 0,
      `killed after ${thousands(said.acknowledgements)} acknowledged updates of ${thousands(said.acknowledged.size)} ` +
        `packages, ${said.pending.size} more under way; reopened in ${reopened.toFixed(0)} ms: nothing lost`,
      `${lost} packages lost an acknowledged update`,
    )
    report.check(stray === 0, 'and each of them has exactly its one index entry', `${stray} entries wrong`)
  })
}
