/**
 * One worker thread of `threads.mjs`: opens the store, says so, waits for the word, works, says how much it did.
 */
import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { laidOut, makeData } from './data.mjs'
import { loadStore } from './load.mjs'
import { repeater } from './repeat.mjs'

const IN_FLIGHT = 64

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort)
const job = /** @type {import('./threads.mjs').Job} */ (workerData)

/**
 * Reads all keys in an order of its own, as fast as the store can: synchronously, or else with many in flight.
 * @param {import('../types.d.ts').Store} store
 * @param {import('../types.d.ts').Data} data
 */
function reading({ get, getSync }, data) {
  const stride = 7919
  const at = (/** @type {number} */ i) => (i * stride + job.number * 101) % data.keys.length
  const keys = laidOut(data.keys.map((_, i) => data.keys[at(i)] ?? ''))
  const repeat = repeater(job.seconds, job.count)
  if (getSync === undefined) {
    const lane = async (/** @type {() => number} */ take) => {
      for (let i = take(); i >= 0; i = take()) data.check(keys[i] ?? '', await get(keys[i] ?? ''))
    }
    return () => repeat(lane, { inFlight: IN_FLIGHT })
  }
  return () =>
    repeat(async take => {
      for (let i = take(); i >= 0; i = take()) data.check(keys[i] ?? '', getSync(keys[i] ?? ''))
    })
}

/**
 * Writes its share of the keys, many at a time.
 * @param {import('../types.d.ts').Store} store
 * @param {import('../types.d.ts').Data} data
 */
function writing(store, data) {
  const keys = laidOut(data.keys.filter((_, i) => i % job.threads === job.number))
  const values = keys.map(key => data.valueFor(key))
  const repeat = repeater(job.seconds, keys.length)
  const lane = async (/** @type {() => number} */ take) => {
    for (let i = take(); i >= 0; i = take()) await store.put(keys[i] ?? '', values[i] ?? '')
  }
  return () => repeat(lane, { inFlight: IN_FLIGHT })
}

try {
  const module = await loadStore(job.store)
  const store = await module.open(job.directory, job.how)
  const data = makeData(job.count, job.how.values, job.how.valueBytes)
  if (job.work === 'read') await store.scan(() => {})
  const work = job.work === 'read' ? reading(store, data) : writing(store, data)
  port.postMessage({ ready: true })
  await once(port, 'message')
  port.postMessage({ done: await work() })
  await once(port, 'message')
  await store.close()
} catch (error) {
  const { message = String(error), code } = /** @type {NodeJS.ErrnoException} */ (error)
  port.postMessage({ failure: message, code })
}
port.close()
