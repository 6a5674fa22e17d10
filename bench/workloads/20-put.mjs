/** Single writes of keys in random order, one after the other and many at a time. */

/**
 * @param {string} name
 * @param {import('../types.d.ts').Durability} durability
 * @param {number} inFlight
 * @param {number} [share]
 * @returns {import('../types.d.ts').Workload}
 */
const put = (name, durability, inFlight, share) => ({
  name,
  unit: 'puts/s',
  values: 'buffer',
  durability,
  filled: false,
  share,
  prepare: ({ data }) => data.keys.map(data.valueFor),
  run: ({ store, data, repeat }, values) =>
    repeat(i => store.put(data.keys[i] ?? '', values[i]), { inFlight }),
})

export default [
  put('put, awaited one by one', 'os', 1),
  put('put, 64 in flight', 'os', 64),
  put('durable put, one by one', 'disk', 1, 10),
  put('durable put, 64 in flight', 'disk', 64, 2),
]
