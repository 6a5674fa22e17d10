/**
 * @nxtedition/rocksdb: RocksDB behind abstract-level 1. Batches as arrays, pages of entries by `nextv`. The cache has
 * the size that MossKV's has (its own default is 8 MiB) and compactions may use all cores, as RocksDB's tuning guide
 * advises; everything else is its default: ZSTD tables, 64 MiB memtables, Bloom filters of 10 bits.
 */
import { availableParallelism } from 'node:os'
import { RocksLevel } from '@nxtedition/rocksdb'
import { versionOf } from '../lib/load.mjs'

const PAGE = 1000

const common = { cacheSize: 256 * 2 ** 20, parallelism: availableParallelism() }

/** @param {{ code?: string }} error */
function orUndefined(error) {
  if (error.code === 'LEVEL_NOT_FOUND') return undefined
  throw error
}

/** @type {import('../types.d.ts').StoreModule} */
export default {
  name: 'nxtedition-rocksdb',
  version: versionOf('@nxtedition/rocksdb'),
  settings: { os: { ...common, sync: false }, disk: { ...common, sync: true } },
  cannot: { getSync: '@nxtedition/rocksdb has no documented synchronous get' },
  findings: [
    '@nxtedition/rocksdb 12.2: put(key, value, { sync: true }) does not sync (strace: no fdatasync for 100 puts); batch([…], { sync: true }) does, so durable puts are batches of one',
    '@nxtedition/rocksdb: writes run on the thread of the event loop, a write stall of RocksDB stops it',
  ],

  async open(directory, { durability, values, handle }) {
    const valueEncoding = values === 'string' ? 'utf8' : 'buffer'
    const location = /** @type {bigint | undefined} */ (handle) ?? directory
    const db = new RocksLevel(location, { ...common, valueEncoding })
    await db.open()

    /**
     * @param {{ gte?: string, limit?: number, reverse?: boolean }} range
     * @param {import('../types.d.ts').Visit} visit
     */
    async function scan(range, visit) {
      const iterator = db.iterator(range)
      for (;;) {
        const entries = await iterator.nextv(Math.min(range.limit ?? PAGE, PAGE))
        for (const [key, value] of entries) visit(key, value)
        if (entries.length === 0 || entries.length === range.limit) break
      }
      await iterator.close()
    }

    return {
      put:
        durability === 'disk'
          ? (key, value) => db.batch([{ type: 'put', key, value }], { sync: true })
          : (key, value) => db.put(key, value),
      batch(keys, values, from, to) {
        const operations = []
        for (let i = from; i < to; i++) operations.push({ type: 'put', key: keys[i], value: values[i] })
        return db.batch(operations, { sync: durability === 'disk' })
      },
      get: key => db.get(key).catch(orUndefined),
      getMany: keys => db.getMany(keys),
      scan: visit => scan({}, visit),
      scanReverse: visit => scan({ reverse: true }, visit),
      seek: (key, limit, visit) => scan({ gte: key, limit }, visit),
      // It has neither flush nor compact: what is running is waited for.
      async settle() {
        await db.close()
        await db.open()
        const running = ['rocksdb.num-running-compactions', 'rocksdb.compaction-pending']
        while (running.some(name => db.getProperty(name) !== '0'))
          await new Promise(resolve => setTimeout(resolve, 50))
      },
      // To close it in one thread would close it in all: the one that opened the directory does.
      close: async () => (handle === undefined ? db.close() : undefined),
      handle: () => db.handle,
    }
  },
}
