/**
 * MossKV beside the stores people would pick instead, in one run: `node main.mjs --help` shows the options. Prints a
 * table of medians with MossKV's ratio to the best rival of each row, and writes a JSON file and a chart.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadStores, loadWorkloads, OWN } from './lib/load.mjs'
import { readOptions, usage } from './lib/options.mjs'
import { load, report, rowsOf, save } from './lib/report.mjs'
import { runAll } from './lib/run.mjs'

/** @param {string} message */
function refuse(message) {
  console.error(`${message}\n\n${usage}`)
  process.exit(2)
}

function options() {
  try {
    return readOptions(process.argv.slice(2))
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

/** @param {import('./lib/options.mjs').Options} options */
async function main(options) {
  const before = load()
  const all = await loadStores()
  const stores = all.stores.filter(({ name }) => options.stores?.includes(name) ?? true)
  const leftOut = all.leftOut.filter(line => options.stores?.some(name => line.startsWith(name)) ?? true)
  for (const line of leftOut) console.error(line)
  const workloads = (await loadWorkloads()).filter(({ name }) => name.includes(options.only))
  if (workloads.length === 0) refuse(`no workload has "${options.only}" in its name`)
  if (stores.length === 0)
    refuse(
      `there is no store "${options.stores}"; there are: ${all.stores.map(({ name }) => name).join(', ')}`,
    )

  const work = mkdtempSync(join(options.dir, `${OWN}-bench-`))
  process.once('exit', () => rmSync(work, { recursive: true, force: true }))
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
    process.once(signal, () => process.exit(1))

  const outcome = await runAll(stores, workloads, work, options)
  const run = { options, load: [before, load()], stores, leftOut, outcome }
  const rows = rowsOf(outcome.figures)
  console.log(report(run, rows))

  const time = new Date().toISOString().replaceAll(':', '-')
  const file = options.out ?? fileURLToPath(new URL(`results/${time}.json`, import.meta.url))
  console.log(`\nwritten to ${file}\n       and ${save(run, rows, file)}`)
  process.exitCode = outcome.failures.length === 0 ? 0 : 1
}

const asked = options()
if (asked === undefined) console.log(usage)
else await main(asked)
