/**
 * How late the event loop's timers are while the store is written to as fast as it takes it: batches of 1,000 values
 * of 1 KiB, one awaited after the other, with one turn of the loop in between; or 64 puts in flight, awaited and
 * nothing else. The histogram has a resolution of 1 ms and counts it: an idle loop shows a little more than 1 ms.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { verify } from '../lib/workload.mjs'

const BATCH = 1000
const IN_FLIGHT = 64
/** So many entries are made before the clock starts; the load goes round in them. */
const MOST = 100_000
/** So many times as long as other workloads: spikes are rare. */
const LONGER = 5
const NANOSECONDS = 1e6

/** @type {Pick<import('../types.d.ts').Measure, 'unit' | 'less' | 'target'>} */
const delay = { unit: 'ms', less: true, target: { times: 1 } }

/**
 * @param {string} name
 * @param {string} meanwhile what the rate of writes is called
 * @param {(store: import('../types.d.ts').Store, data: import('../types.d.ts').Data, values: import('../types.d.ts').Value[], going: () => boolean) => Promise<number>} write
 *   writes for as long as it is `going`, and returns how many it wrote
 * @returns {import('../types.d.ts').Workload}
 */
const loop = (name, meanwhile, write) => ({
  name,
  measures: [
    { ...delay, name: `${name}, p99` },
    { ...delay, name: `${name}, max` },
    { name: meanwhile, unit: 'puts/s' },
  ],
  values: 'buffer',
  valueBytes: 1024,
  durability: 'os',
  filled: false,
  prepare: ({ data }) => data.keys.slice(0, MOST).map(key => data.valueFor(key)),
  async run({ store, data, seconds }, values) {
    const histogram = monitorEventLoopDelay({ resolution: 1 })
    histogram.enable()
    await wait(20)
    histogram.reset()
    // The first delay after a reset is not counted, and a store that never lets the loop turn has no other.
    await wait(5)
    const start = performance.now()
    const done = await write(store, data, values, () => performance.now() - start < seconds * LONGER * 1000)
    const rate = (done / (performance.now() - start)) * 1000
    await wait(2)
    histogram.disable()
    return [histogram.percentile(99) / NANOSECONDS, histogram.max / NANOSECONDS, rate]
  },
  verify: ({ store, data }, values) => verify(store, data, Math.min(values.length, BATCH)),
})

export default [
  loop(
    'loop delay at full 1 KiB write load',
    'what is written meanwhile',
    async (store, data, values, going) => {
      let done = 0
      while (going()) {
        const from = done % values.length
        const to = Math.min(from + BATCH, values.length)
        await store.batch(data.keys, values, from, to)
        done += to - from
        await turn()
      }
      return done
    },
  ),
  loop(
    'loop delay with 64 puts of 1 KiB in flight',
    'what is put meanwhile',
    async (store, data, values, going) => {
      let next = 0
      const lane = async () => {
        while (going()) {
          const i = next++ % values.length
          await store.put(data.keys[i] ?? '', values[i] ?? '')
        }
      }
      await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
      return next
    },
  ),
]
