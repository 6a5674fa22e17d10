/** Filling an empty store in batches of 1,000. */
import { laidOut } from '../lib/data.mjs'
import { rate, verify } from '../lib/workload.mjs'

const BATCH = 1000

/** @typedef {import('../types.d.ts').Workload} Workload */

/** @type {Omit<Workload, 'name' | 'measures' | 'prepare'>} */
const fill = {
  values: 'buffer',
  durability: 'os',
  filled: false,
  async run({ store, count }, { keys, values }) {
    for (let from = 0; from < count; from += BATCH)
      await store.batch(keys, values, from, Math.min(from + BATCH, count))
    return count
  },
  verify: ({ store, data }) => verify(store, data, data.keys.length),
}

/** @type {Workload[]} */
export default [
  {
    ...fill,
    ...rate('fillseq, batches of 1,000', 'puts/s', 2),
    prepare({ data }) {
      const keys = laidOut(data.keys.toSorted())
      return { keys, values: keys.map(key => data.valueFor(key)) }
    },
  },
  {
    ...fill,
    ...rate('fillrandom, batches of 1,000', 'puts/s', 4),
    prepare: ({ data }) => ({ keys: data.keys, values: data.keys.map(key => data.valueFor(key)) }),
  },
]
