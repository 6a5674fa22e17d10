/** Reads of single keys, uniformly at random. */

/** @typedef {import('../types.d.ts').Workload} Workload */

/** @type {Pick<Workload, 'unit' | 'durability' | 'filled'>} */
const read = { unit: 'gets/s', durability: 'os', filled: true }

const MANY = 100

/** The order in which keys are read: not the one in which they were written. @type {Workload['prepare']} */
const shuffled = ({ data }) => {
  const stride = 7919
  return data.keys.map((_, i) => data.keys[(i * stride + 1) % data.keys.length])
}

/**
 * @param {import('../types.d.ts').Values} values
 * @param {number} inFlight
 * @returns {Workload}
 */
const get = (values, inFlight) => ({
  ...read,
  name: `get, ${inFlight === 1 ? 'awaited' : `${inFlight} in flight`}, ${values}`,
  values,
  prepare: shuffled,
  run: ({ store, data, repeat }, keys) =>
    repeat(
      async i => {
        data.check(keys[i], await store.get(keys[i]))
      },
      { inFlight },
    ),
})

/**
 * @param {import('../types.d.ts').Values} values
 * @returns {Workload}
 */
const getSync = values => ({
  ...read,
  name: `getSync, ${values}`,
  values,
  prepare: shuffled,
  async run({ store, data, count, repeat }, keys) {
    const turns = Math.ceil(count / MANY)
    const done = await repeat(
      turn => {
        const end = Math.min(count, (turn + 1) * MANY)
        for (let i = turn * MANY; i < end; i++) data.check(keys[i], store.getSync(keys[i]))
      },
      { count: turns },
    )
    return Math.min(count, done * MANY)
  },
})

/** @type {Workload[]} */
export default [
  get('buffer', 1),
  get('string', 1),
  get('buffer', 64),
  getSync('buffer'),
  getSync('string'),
  {
    ...read,
    name: `getMany of ${MANY}, buffer`,
    unit: 'keys/s',
    values: 'buffer',
    prepare: shuffled,
    async run({ store, data, count, repeat }, keys) {
      const step = async (/** @type {number} */ i) => {
        const asked = keys.slice(i * MANY, (i + 1) * MANY)
        const values = await store.getMany(asked)
        for (let j = 0; j < asked.length; j++) data.check(asked[j], values[j])
      }
      return (await repeat(step, { count: Math.floor(count / MANY) })) * MANY
    },
  },
  {
    ...read,
    name: 'get of a missing key, awaited',
    values: 'buffer',
    run: ({ store, data, repeat }) =>
      repeat(async i => {
        const key = data.missing[i] ?? ''
        if ((await store.get(key)) !== undefined) throw new Error(`a missing key was found: ${key}`)
      }),
  },
]
