/**
 * How late the event loop's timers are while the store is written to as fast as it takes it: batches of 1,000 values
 * of 1 KiB, one awaited after the other, with one turn of the loop in between. The histogram has a resolution of 1 ms
 * and counts it: an idle loop shows a little more than 1 ms.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { verify } from '../lib/workload.mjs'

const BATCH = 1000
/** So many entries are made before the clock starts; the load goes round in them. */
const MOST = 100_000
/** So many times as long as other workloads: spikes are rare. */
const LONGER = 5
const NANOSECONDS = 1e6

const name = 'loop delay at full 1 KiB write load'
/** @type {Pick<import('../types.d.ts').Measure, 'unit' | 'less' | 'target'>} */
const delay = { unit: 'ms', less: true, target: { times: 1 } }

/** @type {import('../types.d.ts').Workload[]} */
export default [
  {
    name,
    measures: [
      { ...delay, name: `${name}, p99` },
      { ...delay, name: `${name}, max` },
      { name: 'what is written meanwhile', unit: 'puts/s' },
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
      const start = performance.now()
      let done = 0
      while (performance.now() - start < seconds * LONGER * 1000) {
        const from = done % values.length
        const to = Math.min(from + BATCH, values.length)
        await store.batch(data.keys, values, from, to)
        done += to - from
        await turn()
      }
      const rate = (done / (performance.now() - start)) * 1000
      await wait(2)
      histogram.disable()
      return [histogram.percentile(99) / NANOSECONDS, histogram.max / NANOSECONDS, rate]
    },
    verify: ({ store, data }, values) => verify(store, data, Math.min(values.length, BATCH)),
  },
]
