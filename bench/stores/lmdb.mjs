/**
 * lmdb: LMDB, a memory-mapped tree. Reads are synchronous, writes of one turn are committed together, as its README
 * recommends. `noSync` survives the kill of the process (its pages are written, not mapped writable); without it and
 * without overlapping sync, the promise of a write resolves when the disk has it.
 *
 * `getBinaryFast` would be faster, but its bytes change with the next read; here every value is the caller's own.
 */
import { open } from 'lmdb'
import { versionOf } from '../lib/load.mjs'

/** @typedef {import('../types.d.ts').Value} Value */

/** @type {import('../types.d.ts').StoreModule} */
export default {
  name: 'lmdb',
  version: versionOf('lmdb'),
  settings: {
    os: { noSync: true, overlappingSync: false },
    disk: { noSync: false, overlappingSync: false },
  },
  findings: [
    'lmdb: with its default options a put awaited one by one pays an fdatasync (strace: 100 for 100 puts)',
  ],

  async open(directory, { durability, values }) {
    const encoding = values === 'string' ? 'string' : 'binary'
    const db = /** @type {import('lmdb').RootDatabase<any, string>} */ (
      open({ path: directory, encoding, ...this.settings[durability] })
    )
    /** @type {(key: string) => Value | undefined} */
    const get = values === 'string' ? key => db.get(key) : key => db.getBinary(key)

    return {
      put: (key, value) => db.put(key, value),
      batch: (keys, values, from, to) =>
        db.batch(() => {
          for (let i = from; i < to; i++) db.put(/** @type {string} */ (keys[i]), values[i])
        }),
      get,
      getSync: get,
      getMany: async keys => keys.map(get),
      async scan(visit) {
        for (const { key, value } of db.getRange()) visit(key, value)
      },
      async scanReverse(visit) {
        for (const { key, value } of db.getRange({ reverse: true })) visit(key, value)
      },
      async seek(start, limit, visit) {
        for (const { key, value } of db.getRange({ start, limit })) visit(key, value)
      },
      settle: async () => {
        await db.flushed
      },
      close: () => db.close(),
    }
  },
}
