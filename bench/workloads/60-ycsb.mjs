/**
 * YCSB's core workloads over a full store, one client, each call awaited; zipfian 0.99 over keys in no order. D is not
 * here: what it reads is what it has just written.
 */
import { laidOut } from '../lib/data.mjs'
import { rate } from '../lib/workload.mjs'
import { random, zipfian } from '../lib/zipf.mjs'

const LONGEST_SCAN = 100

/** @typedef {import('../types.d.ts').Workload} Workload */

/** @type {Omit<Workload, 'name' | 'measures' | 'run'>} */
const ycsb = { values: 'buffer', durability: 'os', filled: true }

/**
 * The operations, made before the clock starts: which key, which version of its value a read must find, and the new
 * value where the operation writes.
 * @param {import('../types.d.ts').Context} context
 * @param {number} writes their share of all operations
 */
function plan({ data, count }, writes) {
  const next = random(0x59435342)
  const rank = zipfian(count, next)
  const versions = new Uint16Array(count)
  const at = Uint32Array.from({ length: count }, rank)
  const found = new Uint16Array(count)
  const values = Array.from(at, (key, i) => {
    found[i] = versions[key] ?? 0
    if (next() >= writes) return undefined
    versions[key] = (versions[key] ?? 0) + 1
    return data.valueFor(data.keys[key] ?? '', versions[key])
  })
  return { keys: laidOut(Array.from(at, key => data.keys[key] ?? '')), found, values }
}

/**
 * @param {string} letter
 * @param {string} what
 * @param {number} target times the best rival
 * @param {number} writes their share of all operations
 * @param {boolean} [readFirst] whether a write reads the old value first
 * @returns {Workload}
 */
const readAndUpdate = (letter, what, target, writes, readFirst = false) => ({
  ...ycsb,
  ...rate(`YCSB ${letter}: ${what}`, 'ops/s', target),
  changes: writes > 0,
  prepare: context => plan(context, writes),
  run: ({ store, data, repeat }, { keys, found, values }) =>
    repeat(async take => {
      for (let i = take(); i >= 0; i = take()) {
        const value = values[i]
        if (value === undefined || readFirst) data.check(keys[i], await store.get(keys[i]), found[i])
        if (value !== undefined) await store.put(keys[i], value)
      }
    }),
})

/** @type {Workload[]} */
export default [
  readAndUpdate('A', 'half reads, half updates', 6, 0.5),
  readAndUpdate('B', '95 % reads, 5 % updates', 4, 0.05),
  readAndUpdate('C', 'reads', 3, 0),
  {
    ...ycsb,
    ...rate('YCSB E: 95 % scans of up to 100, 5 % inserts', 'ops/s', 4),
    changes: true,
    prepare({ data, count }) {
      const next = random(0x59435345)
      const rank = zipfian(count, next)
      return Array.from({ length: count }, (_, i) => {
        if (next() < 0.05) return { key: data.missing[i] ?? '', value: data.valueFor(data.missing[i] ?? '') }
        return { key: data.keys[rank()] ?? '', limit: 1 + Math.floor(next() * LONGEST_SCAN) }
      })
    },
    run: ({ store, data, repeat }, operations) =>
      repeat(async take => {
        for (let i = take(); i >= 0; i = take()) {
          const { key, value, limit } = operations[i]
          if (value !== undefined) {
            await store.put(key, value)
            continue
          }
          let last = ''
          await store.seek(key, limit, (found, value) => {
            data.check(found, value)
            if (last === '' ? found !== key : found <= last)
              throw new Error(`out of order: ${last}, ${found}`)
            last = found
          })
          if (last === '') throw new Error(`a scan from ${key} found nothing`)
        }
      }),
  },
  readAndUpdate('F', 'half reads, half reads and updates', 5, 0.5, true),
]
