/**
 * MossKV beside the stores people would pick instead, in one run.
 *
 *     node main.mjs [--quick | --smoke] [--count N] [--rounds N] [--seconds N]
 *                   [--stores a,b] [--only TEXT] [--dir PATH] [--out FILE]
 *
 * Every (store, workload) runs in a process of its own. In a round each workload goes through all stores before the
 * next begins, and the order of the stores changes with the round, so that a slow minute of the machine hurts all.
 * Shown are medians over the rounds, and MossKV's ratio to the best rival of that row.
 */
import { fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, platform, release, tmpdir, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadStores, loadWorkloads } from './lib/load.mjs'
import { Progress } from './lib/progress.mjs'
import { resultTable } from './lib/table.mjs'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    count: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    stores: { type: 'string' },
    only: { type: 'string', default: '' },
    dir: { type: 'string', default: tmpdir() },
    out: { type: 'string' },
  },
})

/** Quick: a first impression. Smoke: proves that everything runs, measures nothing worth reading. */
const size = options.smoke
  ? { count: 5_000, rounds: 1, seconds: 0.2 }
  : options.quick
    ? { count: 200_000, rounds: 1, seconds: 1.5 }
    : { count: 1_000_000, rounds: 3, seconds: 4 }

/** @param {'count' | 'rounds' | 'seconds'} name */
function number(name) {
  const value = options[name] === undefined ? size[name] : Number(options[name])
  if (value > 0) return value
  console.error(`--${name} must be a number above 0, not ${options[name]}`)
  process.exit(2)
}

const CHILD = fileURLToPath(new URL('lib/child.mjs', import.meta.url))

/** A child that needs longer has hung. */
const PATIENCE_MS = 5 * 60_000

/**
 * @param {import('./lib/child.mjs').Task} task
 * @returns {Promise<{ done: number, milliseconds: number } | { error: string }>}
 */
function inProcess(task) {
  return new Promise(resolve => {
    const child = fork(CHILD)
    const kill = () => child.kill('SIGKILL')
    const patience = setTimeout(kill, PATIENCE_MS)
    process.once('exit', kill)
    /** @type {any} */
    let answer
    child.once('message', message => {
      answer = message
    })
    child.once('exit', (code, signal) => {
      clearTimeout(patience)
      process.off('exit', kill)
      resolve(answer ?? { error: `the process ended without an answer (${signal ?? `exit code ${code}`})` })
    })
    child.send(task)
  })
}

const count = number('count')
const rounds = number('rounds')
const seconds = number('seconds')
const wanted = options.stores?.split(',')
const stores = (await loadStores()).filter(({ name }) => wanted?.includes(name) ?? true)
const workloads = (await loadWorkloads()).filter(({ name }) => name.includes(options.only))

const work = mkdtempSync(join(options.dir, 'mosskv-bench-'))
process.once('exit', () => rmSync(work, { recursive: true, force: true }))
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => process.exit(1))

const filled = workloads.some(workload => workload.filled)
const progress = new Progress(stores.length * (workloads.length * rounds + (filled ? 1 : 0)))
/** @type {string[]} */
const failures = []
/** @type {import('./lib/table.mjs').Row[]} */
const rows = workloads.map(workload => ({
  workload,
  rates: Object.fromEntries(stores.map(({ name }) => [name, []])),
}))

/** @param {string} store @param {string} workload @param {string} directory @param {number} [share] */
async function task(store, workload, directory, share = 1) {
  progress.next(`${store}: ${workload || 'filling'}`)
  const answer = await inProcess({ store, workload, directory, count: Math.ceil(count / share), seconds })
  if (!('error' in answer)) return answer
  progress.clear()
  console.error(`${store}: ${workload || 'filling'}: ${answer.error}`)
  failures.push(`${store}: ${workload || 'filling'}: ${answer.error}`)
  return undefined
}

/** @param {string} store where the store lies that the reading workloads share */
const filledOf = store => join(work, `filled-${store}`)

if (filled) for (const { name } of stores) await task(name, '', filledOf(name))
for (let round = 0; round < rounds; round++) {
  const order = stores.map((_, i) => stores[(i + round) % stores.length])
  for (const { workload, rates } of rows) {
    for (const store of order) {
      if (store === undefined) continue
      const fresh = join(work, 'fresh')
      const answer = await task(
        store.name,
        workload.name,
        workload.filled ? filledOf(store.name) : fresh,
        workload.share,
      )
      rmSync(fresh, { recursive: true, force: true })
      if (answer !== undefined) rates[store.name]?.push((answer.done / answer.milliseconds) * 1000)
    }
  }
}
progress.clear()

const machine = `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()}, Node ${process.version}`
console.log(`${machine}\n${count} entries of 16 + 100 B, ${rounds} rounds, at most ${seconds} s each\n`)
console.log(
  resultTable(
    rows,
    stores.map(({ name }) => name),
  ),
)

const file =
  options.out ??
  fileURLToPath(new URL(`results/${new Date().toISOString().replaceAll(':', '-')}.json`, import.meta.url))
mkdirSync(dirname(file), { recursive: true })
const settings = Object.fromEntries(stores.map(({ name, settings }) => [name, settings]))
writeFileSync(
  file,
  `${JSON.stringify({ machine, count, rounds, seconds, settings, failures, rows }, null, 2)}\n`,
)
console.log(`\nwritten to ${file}`)
process.exitCode = failures.length === 0 ? 0 : 1
