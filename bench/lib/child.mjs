/**
 * One store, one workload, one process: started by run.mjs with a task, answers with what it measured.
 */
import { makeData } from './data.mjs'
import { measureFloors } from './floors.mjs'
import { loadStore, loadWorkloads } from './load.mjs'
import { repeater } from './repeat.mjs'

/** @typedef {import('../types.d.ts').Context} Context */

/**
 * @typedef {object} Task
 * @property {string} store '' measures the machine's floors instead
 * @property {string} workload '' fills the directory instead
 * @property {string} directory
 * @property {number} count entries
 * @property {number} valueBytes
 * @property {number} seconds at most
 */

/**
 * @typedef {{ measured: number[] } | { skipped: string } | { error: string }} Answer one figure for each measure of
 * the workload; or why the store cannot do it; or what went wrong
 */

const BATCH = 1000

/** What stores throw when the database is open in another thread and cannot be shared. */
const LOCKED = ['DATABASE_LOCKED', 'LEVEL_LOCKED']

/**
 * Writes every key, in random order, and lets the store settle.
 * @param {Context} context
 */
async function fill({ store, data }) {
  const values = data.keys.map(key => data.valueFor(key))
  for (let from = 0; from < values.length; from += BATCH) {
    await store.batch(data.keys, values, from, Math.min(from + BATCH, values.length))
  }
  await store.settle()
}

/**
 * @param {Context} context
 * @param {import('../types.d.ts').Workload} workload
 */
async function time(context, workload) {
  if (workload.filled && !workload.closed) await context.store.scan(() => {})
  const prepared = await workload.prepare?.(context)
  const start = performance.now()
  const done = await workload.run(context, prepared)
  const seconds = (performance.now() - start) / 1000
  await workload.verify?.(context, prepared, done)
  return typeof done === 'number' ? [done / seconds] : done
}

/**
 * @param {Task} task
 * @returns {Promise<number[]>}
 */
async function measure({ store: name, workload: workloadName, directory, count, valueBytes, seconds }) {
  if (name === '') return measureFloors(directory, seconds)
  const module = await loadStore(name)
  const workload = (await loadWorkloads()).find(workload => workload.name === workloadName)
  const how = {
    durability: workload?.durability ?? 'os',
    values: workload?.values ?? 'buffer',
    valueBytes: workload?.valueBytes ?? valueBytes,
    threads: workload?.needs?.includes('threads') ?? false,
  }
  const data = makeData(count, how.values, how.valueBytes)
  const context = { module, directory, how, data, count, seconds, repeat: repeater(seconds, count) }
  const nothing = /** @type {import('../types.d.ts').Store} */ ({})
  if (workload?.closed) return time({ ...context, store: nothing }, workload)

  const store = await module.open(directory, how)
  try {
    if (workload !== undefined) return await time({ ...context, store }, workload)
    await fill({ ...context, store })
    return []
  } finally {
    await store.close()
  }
}

process.once('message', async (/** @type {Task} */ task) => {
  /** @type {Answer} */
  let answer
  try {
    answer = { measured: await measure(task) }
  } catch (error) {
    const { message = String(error), code = '' } = /** @type {NodeJS.ErrnoException} */ (error)
    const workload = (await loadWorkloads()).find(({ name }) => name === task.workload)
    const locked = LOCKED.includes(code) && workload?.needs?.includes('threads')
    answer = locked ? { skipped: `two threads cannot open one database (${code})` } : { error: message }
  }
  // Threads of a workload that failed may still wait: they must not keep the process.
  process.send?.(answer, () => process.exit())
})
