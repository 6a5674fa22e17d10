/**
 * Runs the workloads: each (store, workload) in a process of its own. In a round each workload goes through all stores
 * before the next begins, and the order of the stores changes with the round, so that a slow minute of the machine
 * hurts all.
 */
import { fork } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Progress } from './progress.mjs'

/** @typedef {import('./child.mjs').Task} Task */
/** @typedef {import('./child.mjs').Answer} Answer */
/** @typedef {import('../types.d.ts').StoreModule} StoreModule */
/** @typedef {import('../types.d.ts').Workload} Workload */

/**
 * @typedef {object} Outcome
 * @property {Map<Workload, Record<string, number[][]>>} figures by store: a list a round, of a figure a measure
 * @property {number[][]} floors a list a round
 * @property {string[]} skipped what a store cannot do
 * @property {string[]} failures
 */

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url))

/** A child that needs longer has hung. */
const PATIENCE_MS = 10 * 60_000

/**
 * @param {Task} task
 * @returns {Promise<Answer>}
 */
function inProcess(task) {
  return new Promise(resolve => {
    const child = fork(CHILD)
    const kill = () => child.kill('SIGKILL')
    const patience = setTimeout(kill, PATIENCE_MS)
    process.once('exit', kill)
    /** @type {Answer | undefined} */
    let answer
    child.once('message', message => {
      answer = /** @type {Answer} */ (message)
    })
    child.once('exit', (code, signal) => {
      clearTimeout(patience)
      process.off('exit', kill)
      resolve(answer ?? { error: `the process ended without an answer (${signal ?? `exit code ${code}`})` })
    })
    child.send(task)
  })
}

/**
 * @param {StoreModule[]} stores
 * @param {Workload[]} workloads
 * @param {string} work an empty folder
 * @param {Pick<import('./options.mjs').Options, 'count' | 'valueBytes' | 'rounds' | 'seconds'>} options
 * @returns {Promise<Outcome>}
 */
export async function runAll(stores, workloads, work, { count, valueBytes, rounds, seconds }) {
  const filled = workloads.some(workload => workload.filled)
  const progress = new Progress(stores.length * (workloads.length * rounds + (filled ? 1 : 0)) + rounds)
  /** @type {Outcome} */
  const outcome = { figures: new Map(), floors: [], skipped: [], failures: [] }
  for (const workload of workloads) {
    outcome.figures.set(workload, Object.fromEntries(stores.map(({ name }) => [name, []])))
  }

  /** @param {string} store where the store lies that the reading workloads share */
  const filledOf = store => join(work, `filled-${store}`)
  const fresh = join(work, 'fresh')

  /** @param {string[]} list @param {string} line */
  function tell(list, line) {
    if (list.includes(line)) return
    list.push(line)
    progress.clear()
    console.error(line)
  }

  /** @param {Pick<Task, 'store' | 'workload' | 'directory'>} what @param {number} [share] */
  async function task(what, share = 1) {
    const title = `${what.store || 'machine'}: ${what.workload || (what.store ? 'filling' : 'floors')}`
    progress.next(title)
    const answer = await inProcess({ ...what, count: Math.ceil(count / share), valueBytes, seconds })
    if ('measured' in answer) return answer.measured
    if ('skipped' in answer) tell(outcome.skipped, `${title}: ${answer.skipped}`)
    else tell(outcome.failures, `${title}: ${answer.error}`)
    return undefined
  }

  /** @param {StoreModule} store @param {Workload} workload */
  async function one({ name, cannot }, workload) {
    const reason = workload.needs?.map(need => cannot?.[need]).find(reason => reason !== undefined)
    if (reason !== undefined) {
      progress.next(`${name}: ${workload.name}`)
      return tell(outcome.skipped, reason)
    }
    if (workload.changes) cpSync(filledOf(name), fresh, { recursive: true })
    const directory = workload.filled && !workload.changes ? filledOf(name) : fresh
    const measured = await task({ store: name, workload: workload.name, directory }, workload.share)
    rmSync(fresh, { recursive: true, force: true })
    if (measured !== undefined) outcome.figures.get(workload)?.[name]?.push(measured)
  }

  /** @type {StoreModule[]} */
  const able = []
  for (const store of stores) {
    if (filled && !(await task({ store: store.name, workload: '', directory: filledOf(store.name) })))
      continue
    able.push(store)
  }
  for (let round = 0; round < rounds; round++) {
    const floors = await task({ store: '', workload: '', directory: fresh })
    if (floors !== undefined) outcome.floors.push(floors)
    rmSync(fresh, { recursive: true, force: true })
    const turn = round % Math.max(1, able.length)
    const order = [...able.slice(turn), ...able.slice(0, turn)]
    for (const workload of workloads) for (const store of order) await one(store, workload)
  }
  progress.clear()
  return outcome
}
