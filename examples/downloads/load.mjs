/**
 * Loads the whole file: one batch after the other, each with the packages and their index entries.
 */
import { statSync } from 'node:fs'
import { readCounts } from './counts.mjs'
import { insertion } from './keys.mjs'
import { Progress, megabytes, thousands } from './report.mjs'

const PACKAGES_A_BATCH = 1000

/**
 * @param {import('mosskv').Engine} engine
 * @param {string} path
 * @param {import('./expected.mjs').Expected} expected sees every pair
 * @param {{ limit: number, report: import('./report.mjs').Report }} options
 */
export async function load(engine, path, expected, { limit, report }) {
  const progress = new Progress(limit, statSync(path).size)
  const start = performance.now()
  let loaded = 0
  let read = 0
  /** @type {import('./keys.mjs').Operation[]} */
  let operations = []
  /** The batch under way: the next one is prepared meanwhile. */
  let writing = Promise.resolve()

  const write = async () => {
    await writing
    writing = engine.batch(operations)
    operations = []
  }

  reading: for await (const { pairs, bytes } of readCounts(path)) {
    read = bytes
    for (const pair of pairs) {
      if (loaded === limit) break reading
      expected.add(pair)
      operations.push(...insertion(pair))
      loaded += 1
      if (operations.length >= 2 * PACKAGES_A_BATCH) await write()
    }
    progress.update(loaded, bytes)
  }
  await write()
  await writing
  progress.clear()

  const took = (performance.now() - start) / 1000
  report.line(
    `${thousands(loaded)} packages (${thousands(2 * loaded)} entries) from ${megabytes(read)} of JSON: ` +
      `${thousands(loaded / took)} packages/s`,
  )
  await engine.flush()
}
