/**
 * classic-level: LevelDB. Batches as arrays, pages of entries by `nextv`, as its README recommends. The write buffer
 * and the cache have the size that MossKV's have. Its default write reaches the operating system before it is
 * acknowledged; `sync: true` reaches the disk. Worker threads share one database with `multithreading: true`.
 */
import { ClassicLevel } from 'classic-level'
import { versionOf } from '../lib/load.mjs'

/** @typedef {import('../types.d.ts').Value} Value */

const PAGE = 1000

const common = { writeBufferSize: 64 * 2 ** 20, cacheSize: 256 * 2 ** 20 }

/** @type {import('../types.d.ts').StoreModule} */
export default {
  name: 'classic-level',
  version: versionOf('classic-level'),
  settings: { os: { ...common, sync: false }, disk: { ...common, sync: true } },

  async open(directory, { durability, values, threads }) {
    const valueEncoding = values === 'string' ? 'utf8' : 'buffer'
    const db = /** @type {ClassicLevel<string, any>} */ (
      new ClassicLevel(directory, { ...common, valueEncoding })
    )
    await db.open({ multithreading: threads ?? false })
    const written = { sync: durability === 'disk' }

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
      put: (key, value) => db.put(key, value, written),
      batch(keys, values, from, to) {
        /** @type {{ type: 'put', key: string, value: Value }[]} */
        const operations = []
        for (let i = from; i < to; i++) {
          operations.push({
            type: 'put',
            key: /** @type {string} */ (keys[i]),
            value: /** @type {Value} */ (values[i]),
          })
        }
        return db.batch(operations, written)
      },
      get: key => db.get(key),
      getSync: key => db.getSync(key),
      getMany: keys => db.getMany(keys),
      scan: visit => scan({}, visit),
      scanReverse: visit => scan({ reverse: true }, visit),
      seek: (key, limit, visit) => scan({ gte: key, limit }, visit),
      settle: () => db.compactRange('\0', '\x7f'),
      close: () => db.close(),
    }
  },
}
