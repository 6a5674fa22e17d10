/**
 * What is left of a run: the text for the terminal, the JSON file, the chart.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, platform, release, totalmem } from 'node:os'
import { dirname } from 'node:path'
import { chart } from './chart.mjs'
import { floors as floorNames } from './floors.mjs'
import { OWN } from './load.mjs'
import { markdown, median, resultTable, row } from './table.mjs'

/** @typedef {import('../types.d.ts').StoreModule} StoreModule */
/** @typedef {import('../types.d.ts').Workload} Workload */
/** @typedef {import('./table.mjs').Row} Row */

/** What the figures were measured on. */
export function machine() {
  const [first] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${cpus().length} × ${first?.model}, ${memory} GiB, ${platform()} ${release()}, Node ${process.version}`
}

/** How many processes wanted to run in the last minute: above the number of cores, the figures are doubtful. */
export const load = () => Number((loadavg()[0] ?? 0).toFixed(1))

/** @param {Workload} workload */
function survivalOf({ durability, closed }) {
  if (closed) return ''
  return durability === 'disk' ? 'power loss' : 'kill'
}

/**
 * @param {import('./run.mjs').Outcome['figures']} figures
 * @returns {Row[]}
 */
export function rowsOf(figures) {
  return [...figures].flatMap(([workload, byStore]) =>
    workload.measures.map((measure, i) => {
      const runs = Object.entries(byStore).map(([store, rounds]) => [
        store,
        rounds.map(round => round[i] ?? 0),
      ])
      return row(measure, survivalOf(workload), Object.fromEntries(runs), OWN)
    }),
  )
}

/**
 * @typedef {object} Run
 * @property {import('./options.mjs').Options} options
 * @property {number[]} load before and after
 * @property {StoreModule[]} stores
 * @property {string[]} leftOut
 * @property {import('./run.mjs').Outcome} outcome
 */

/** Three significant digits, without an exponent. @param {number} number */
const digits = number => String(Number(number.toPrecision(3)))

/** @param {Run} run */
const titleOf = ({ options: { count, valueBytes, rounds, seconds }, load }) =>
  `${count} entries of 16 + ${valueBytes} B, medians of ${rounds} round${rounds === 1 ? '' : 's'}, ` +
  `at most ${seconds} s each; load of the machine ${load.join(' → ')}`

/** @param {string} title @param {string[]} lines */
const list = (title, lines) =>
  lines.length === 0 ? '' : `\n${title}\n${lines.map(line => `- ${line}`).join('\n')}`

/**
 * @param {Run} run
 * @param {Row[]} rows
 */
export function report(run, rows) {
  const { stores, leftOut, outcome } = run
  const floors = floorNames.map((name, i) => [
    name,
    outcome.floors.length === 0 ? '–' : digits(median(outcome.floors.map(round => round[i] ?? 0))),
  ])
  return [
    `${machine()}\n${titleOf(run)}\n`,
    resultTable(
      rows,
      stores.map(({ name }) => name),
    ),
    `\n${markdown([["the machine's floors", 'µs'], ...floors])}`,
    list(
      'versions',
      stores.map(({ name, version }) => `${name}: ${version}`),
    ),
    list(
      'findings',
      stores.flatMap(({ findings = [] }) => findings),
    ),
    list('no figures', [...leftOut, ...outcome.skipped]),
    list('failures', outcome.failures),
  ]
    .filter(part => part !== '')
    .join('\n')
}

/**
 * Writes the JSON file, and the chart beside it; returns the chart's path.
 * @param {Run} run
 * @param {Row[]} rows
 * @param {string} file
 */
export function save(run, rows, file) {
  const { options, load, stores, leftOut, outcome } = run
  const { floors, skipped, failures } = outcome
  const document = {
    machine: machine(),
    date: new Date().toISOString(),
    load,
    options,
    stores: stores.map(({ name, version, settings, cannot, findings }) => ({
      name,
      version,
      settings,
      cannot,
      findings,
    })),
    leftOut,
    skipped,
    failures,
    floors: { unit: 'µs', names: floorNames, rounds: floors },
    rows,
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`)
  const svg = `${file.replace(/\.json$/, '')}.svg`
  const names = stores.map(({ name }) => name)
  writeFileSync(svg, chart(rows, names, { title: machine(), subtitle: titleOf(run) }))
  return svg
}
