/** Single writes of keys in random order, one after the other and many at a time. */
import { rate, verify } from '../lib/workload.mjs'

/**
 * @param {string} name
 * @param {import('../types.d.ts').Durability} durability
 * @param {number} inFlight
 * @param {number} target times the best rival
 * @param {number} [share]
 * @returns {import('../types.d.ts').Workload}
 */
const put = (name, durability, inFlight, target, share) => ({
  ...rate(name, 'puts/s', target),
  values: 'buffer',
  durability,
  filled: false,
  needs: durability === 'disk' ? ['disk'] : [],
  share,
  // The first write of a fresh store may create files: it is not timed.
  async prepare({ store, data }) {
    const [first = ''] = data.missing
    await store.put(first, data.valueFor(first))
    return data.keys.map(key => data.valueFor(key))
  },
  run: ({ store, data, repeat }, values) =>
    repeat(
      async take => {
        for (let i = take(); i >= 0; i = take()) await store.put(data.keys[i] ?? '', values[i])
      },
      { inFlight },
    ),
  verify: ({ store, data }, _values, done) => verify(store, data, Number(done)),
})

export default [
  put('put, awaited one by one', 'os', 1, 8),
  put('put, 64 in flight', 'os', 64, 6),
  put('durable put, one by one', 'disk', 1, 1.5, 10),
  put('durable put, 64 in flight', 'disk', 64, 9, 2),
]
