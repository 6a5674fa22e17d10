/**
 * One store, one workload, one process: started by main.mjs with a task, answers with what it measured.
 */
import { makeData } from './data.mjs'
import { loadStores, loadWorkloads } from './load.mjs'

/** @typedef {import('../types.d.ts').Context} Context */

/**
 * @typedef {object} Task
 * @property {string} store
 * @property {string} workload '' fills the directory instead
 * @property {string} directory
 * @property {number} count entries
 * @property {number} seconds at most
 */

const BATCH = 1000
const LOOK_AT_CLOCK_EVERY = 64

/**
 * @param {number} seconds
 * @param {number} all
 * @returns {Context['repeat']}
 */
function repeater(seconds, all) {
  return async (step, { inFlight = 1, count = all } = {}) => {
    const deadline = performance.now() + seconds * 1000
    let next = 0
    const late = () => next % LOOK_AT_CLOCK_EVERY === 0 && performance.now() > deadline
    const one = async () => {
      while (next < count && !late()) await step(next++)
    }
    await Promise.all(Array.from({ length: inFlight }, one))
    return next
  }
}

/**
 * Writes every key, in random order, and lets the store settle.
 * @param {import('../types.d.ts').Store} store
 * @param {import('../types.d.ts').Data} data
 */
async function fill(store, data) {
  const values = data.keys.map(data.valueFor)
  for (let from = 0; from < values.length; from += BATCH) {
    await store.batch(data.keys, values, from, Math.min(from + BATCH, values.length))
  }
  await store.settle()
}

/** @param {Task} task */
async function measure({ store: storeName, workload: name, directory, count, seconds }) {
  const module = (await loadStores()).find(store => store.name === storeName)
  const workload = (await loadWorkloads()).find(workload => workload.name === name)
  if (module === undefined) throw new Error(`there is no store ${storeName}`)

  const data = makeData(count, workload?.values ?? 'buffer')
  const store = await module.open(directory, workload?.durability ?? 'os', workload?.values ?? 'buffer')
  try {
    if (workload === undefined) {
      await fill(store, data)
      return { done: count, milliseconds: 0 }
    }
    /** @type {Context} */
    const context = { store, data, count, repeat: repeater(seconds, count) }
    if (workload.filled) await store.scan(() => {})
    const prepared = await workload.prepare?.(context)
    const start = performance.now()
    const done = await workload.run(context, prepared)
    return { done, milliseconds: performance.now() - start }
  } finally {
    await store.close()
  }
}

process.once('message', async (/** @type {Task} */ task) => {
  try {
    process.send?.(await measure(task))
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.message : String(error) })
  }
  process.disconnect()
})
