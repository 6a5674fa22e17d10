/** Reads in order: everything, everything backwards, and ten entries from a random key on. */

/** @typedef {import('../types.d.ts').Workload} Workload */

const NEXT = 10

/**
 * @param {import('../types.d.ts').Values} values
 * @param {'scan' | 'scanReverse'} method
 * @returns {Workload}
 */
const scan = (values, method) => ({
  name: `${method === 'scan' ? 'full scan' : 'reverse scan'}, ${values}`,
  unit: 'entries/s',
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
  scan('buffer', 'scan'),
  scan('string', 'scan'),
  scan('buffer', 'scanReverse'),
  {
    name: `seek + ${NEXT}, buffer`,
    unit: 'seeks/s',
    values: 'buffer',
    durability: 'os',
    filled: true,
    run: ({ store, data, repeat }) =>
      repeat(async i => {
        const key = data.missing[i] ?? ''
        let last = key
        await store.seek(key, NEXT, (found, value) => {
          data.check(found, value)
          if (found <= last) throw new Error(`out of order: ${last}, ${found}`)
          last = found
        })
      }),
  },
]
