/**
 * rocksdb-native: RocksDB by batches of reads and writes, as its README shows; `tryPut` makes no promise an entry.
 * Its write buffer is 64 MiB and its filters have 10 bits already; the size of the cache cannot be set. An iterator
 * fetches 8 entries a call unless `capacity` says more.
 */
import RocksDB from 'rocksdb-native'
import { versionOf } from '../lib/load.mjs'

const PAGE = 1000

/** @type {import('../types.d.ts').StoreModule} */
export default {
  name: 'rocksdb-native',
  version: versionOf('rocksdb-native'),
  settings: { os: { capacity: PAGE } },
  cannot: {
    disk: 'rocksdb-native has no write that reaches the disk before it is acknowledged',
    getSync: 'rocksdb-native has no synchronous get',
    threads: 'rocksdb-native cannot open one database in two threads',
  },
  findings: [
    'rocksdb-native 3.18: no way to sync a write ({ sync: true } is not looked at; strace: no fdatasync for 100 puts)',
  ],

  async open(directory, { values }) {
    const db = new RocksDB(directory)
    await db.ready()

    /** @type {(value: Buffer | null) => import('../types.d.ts').Value | undefined} */
    const decode = values === 'string' ? value => value?.toString() : value => value ?? undefined

    /**
     * @param {{ gte?: string, limit?: number, reverse?: boolean }} range
     * @param {import('../types.d.ts').Visit} visit
     */
    async function scan(range, visit) {
      // A page that is not full ends it: one more than the limit saves a call.
      const capacity = range.limit === undefined ? PAGE : range.limit + 1
      for await (const { key, value } of db.iterator({ ...range, capacity })) {
        visit(key.toString(), values === 'string' ? value.toString() : value)
      }
    }

    return {
      put: (key, value) => db.put(key, value),
      batch(keys, values, from, to) {
        const batch = db.write({ capacity: to - from, autoDestroy: true })
        for (let i = from; i < to; i++) batch.tryPut(/** @type {string} */ (keys[i]), values[i])
        return batch.flush()
      },
      get: async key => decode(await db.get(key)),
      async getMany(keys) {
        const batch = db.read({ capacity: keys.length, autoDestroy: true })
        const asked = keys.map(key => batch.get(key))
        batch.tryFlush()
        return (await Promise.all(asked)).map(decode)
      },
      scan: visit => scan({}, visit),
      scanReverse: visit => scan({ reverse: true }, visit),
      seek: (key, limit, visit) => scan({ gte: key, limit }, visit),
      async settle() {
        await db.flush()
        await db.compactRange()
      },
      close: () => db.close(),
    }
  },
}
