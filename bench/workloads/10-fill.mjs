/** Filling an empty store in batches of 1,000. */

const BATCH = 1000

/** @typedef {import('../types.d.ts').Workload} Workload */

/** @type {Pick<Workload, 'unit' | 'values' | 'durability' | 'filled' | 'run'>} */
const fill = {
  unit: 'puts/s',
  values: 'buffer',
  durability: 'os',
  filled: false,
  async run({ store, count }, { keys, values }) {
    for (let from = 0; from < count; from += BATCH)
      await store.batch(keys, values, from, Math.min(from + BATCH, count))
    return count
  },
}

/** @type {Workload[]} */
export default [
  {
    ...fill,
    name: 'fillseq, batches of 1,000',
    prepare({ data }) {
      const keys = data.keys.toSorted()
      return { keys, values: keys.map(data.valueFor) }
    },
  },
  {
    ...fill,
    name: 'fillrandom, batches of 1,000',
    prepare: ({ data }) => ({ keys: data.keys, values: data.keys.map(data.valueFor) }),
  },
]
