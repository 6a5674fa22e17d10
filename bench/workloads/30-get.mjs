/** Reads of single keys, uniformly at random. */
import { laidOut } from '../lib/data.mjs'
import { rate } from '../lib/workload.mjs'

/** @typedef {import('../types.d.ts').Workload} Workload */

/** @type {Pick<Workload, 'durability' | 'filled'>} */
const read = { durability: 'os', filled: true }

const MANY = 100

/** The order in which keys are read: not the one in which they were written. @type {Workload['prepare']} */
const shuffled = ({ data }) => {
  const stride = 7919
  return laidOut(data.keys.map((_, i) => data.keys[(i * stride + 1) % data.keys.length] ?? ''))
}

/**
 * @param {import('../types.d.ts').Values} values
 * @param {number} inFlight
 * @param {number} target times the best rival
 * @returns {Workload}
 */
const get = (values, inFlight, target) => ({
  ...read,
  ...rate(`get, ${inFlight === 1 ? 'awaited' : `${inFlight} in flight`}, ${values}`, 'gets/s', target),
  values,
  prepare: shuffled,
  run: ({ store, data, repeat }, keys) =>
    repeat(
      async take => {
        for (let i = take(); i >= 0; i = take()) data.check(keys[i], await store.get(keys[i]))
      },
      { inFlight },
    ),
})

/**
 * @param {import('../types.d.ts').Values} values
 * @param {number} target times the best rival
 * @returns {Workload}
 */
const getSync = (values, target) => ({
  ...read,
  ...rate(`getSync, ${values}`, 'gets/s', target),
  values,
  needs: ['getSync'],
  prepare: shuffled,
  run({ store, data, repeat }, keys) {
    const getSync = /** @type {(key: string) => import('../types.d.ts').Value | undefined} */ (store.getSync)
    return repeat(async take => {
      for (let i = take(); i >= 0; i = take()) data.check(keys[i], getSync(keys[i]))
    })
  },
})

/** @type {Workload[]} */
export default [
  get('buffer', 1, 4),
  get('string', 1, 2.5),
  get('buffer', 64, 5),
  getSync('buffer', 3),
  getSync('string', 2.5),
  {
    ...read,
    ...rate(`getMany of ${MANY}, buffer`, 'keys/s', 6),
    values: 'buffer',
    prepare: shuffled,
    async run({ store, data, count, repeat }, keys) {
      const lane = async (/** @type {() => number} */ take) => {
        for (let i = take(); i >= 0; i = take()) {
          const asked = keys.slice(i * MANY, (i + 1) * MANY)
          const values = await store.getMany(asked)
          for (let j = 0; j < MANY; j++) data.check(asked[j], values[j])
        }
      }
      return (await repeat(lane, { count: Math.floor(count / MANY) })) * MANY
    },
  },
  {
    ...read,
    ...rate('get of a missing key, awaited', 'gets/s', 5),
    values: 'buffer',
    prepare: ({ data }) => data.missing,
    run: ({ store, repeat }, keys) =>
      repeat(async take => {
        for (let i = take(); i >= 0; i = take()) {
          if ((await store.get(keys[i])) !== undefined) throw new Error(`a missing key was found: ${keys[i]}`)
        }
      }),
  },
]
