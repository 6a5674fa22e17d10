/** Reads in order: everything, everything backwards, and ten entries from a random key on. */
import { rate } from '../lib/workload.mjs'

/** @typedef {import('../types.d.ts').Workload} Workload */

const NEXT = 10

/**
 * @param {import('../types.d.ts').Values} values
 * @param {'scan' | 'scanReverse'} method
 * @param {number} target times the best rival
 * @returns {Workload}
 */
const scan = (values, method, target) => ({
  ...rate(`${method === 'scan' ? 'full scan' : 'reverse scan'}, ${values}`, 'entries/s', target),
  values,
  durability: 'os',
  filled: true,
  async run({ store, data, count }) {
    let seen = 0
    let last = ''
    await store[method]((key, value) => {
      data.check(key, value)
      if (seen > 0 && key > last !== (method === 'scan')) throw new Error(`out of order: ${last}, ${key}`)
      last = key
      seen += 1
    })
    if (seen !== count) throw new Error(`${seen} entries instead of ${count}`)
    return seen
  },
})

/** @type {Workload[]} */
export default [
  scan('buffer', 'scan', 4),
  scan('string', 'scan', 1.5),
  scan('buffer', 'scanReverse', 4),
  {
    ...rate(`seek + ${NEXT}, buffer`, 'seeks/s', 3.5),
    values: 'buffer',
    durability: 'os',
    filled: true,
    prepare: ({ data }) => data.missing,
    run: ({ store, data, repeat }, keys) =>
      repeat(async take => {
        let last = ''
        const visit = (/** @type {string} */ found, /** @type {import('../types.d.ts').Value} */ value) => {
          data.check(found, value)
          if (found <= last) throw new Error(`out of order: ${last}, ${found}`)
          last = found
        }
        for (let i = take(); i >= 0; i = take()) {
          last = keys[i]
          await store.seek(last, NEXT, visit)
        }
      }),
  },
]
