/**
 * What workloads have in common.
 */

/** So many of the keys that were written are read back. */
const VERIFIED = 1000

/**
 * The name and the one measure of a workload that counts operations a second.
 * @param {string} name
 * @param {string} unit
 * @param {number} times the best rival: what MossKV wants to reach
 * @returns {Pick<import('../types.d.ts').Workload, 'name' | 'measures'>}
 */
export const rate = (name, unit, times) => ({ name, measures: [{ name, unit, target: { times } }] })

/**
 * Throws unless the first `done` keys have their values; looks at some, the last one among them.
 * @param {import('../types.d.ts').Store} store
 * @param {import('../types.d.ts').Data} data
 * @param {number} done
 */
export async function verify(store, data, done) {
  const stride = Math.max(1, Math.floor(done / VERIFIED))
  for (let i = done - 1; i >= 0; i -= stride) {
    const key = data.keys[i] ?? ''
    data.check(key, await store.get(key))
  }
}
