/**
 * MossKV: batches as arrays, pages of entries by `nextv`.
 */
import { Engine } from 'mosskv'
import { versionOf } from '../lib/load.mjs'

const PAGE = 1000

const common = { memtableBytes: 64 * 2 ** 20, cacheBytes: 256 * 2 ** 20 }

/** @type {import('../types.d.ts').StoreModule} */
export default {
  name: 'mosskv',
  version: versionOf('mosskv'),
  settings: {
    os: { ...common, durability: 'os' },
    disk: { ...common, durability: 'disk' },
  },

  async open(directory, { durability, values }) {
    // The types of strings; what the values are is known only here, at run time.
    const engine = /** @type {import('mosskv').Engine<string, string>} */ (
      await Engine.open(directory, {
        ...this.settings[durability],
        valueEncoding: values === 'string' ? 'utf8' : 'buffer',
      })
    )

    /**
     * @param {{ gte?: string, limit?: number, reverse?: boolean }} range
     * @param {import('../types.d.ts').Visit} visit
     */
    async function scan(range, visit) {
      const iterator = engine.iterator(range)
      for (;;) {
        const entries = await iterator.nextv(Math.min(range.limit ?? PAGE, PAGE))
        for (const [key, value] of entries) visit(key, value)
        if (entries.length === 0 || entries.length === range.limit) break
      }
      await iterator.close()
    }

    return {
      put: (key, value) => engine.put(key, /** @type {string} */ (value)),
      batch(keys, values, from, to) {
        /** @type {{ type: 'put', key: string, value: string }[]} */
        const operations = []
        for (let i = from; i < to; i++) {
          operations.push({
            type: 'put',
            key: /** @type {string} */ (keys[i]),
            value: /** @type {string} */ (values[i]),
          })
        }
        return engine.batch(operations)
      },
      get: key => engine.get(key),
      getSync: key => engine.getSync(key),
      getMany: keys => engine.getMany(keys),
      scan: visit => scan({}, visit),
      scanReverse: visit => scan({ reverse: true }, visit),
      seek: (key, limit, visit) => scan({ gte: key, limit }, visit),
      async settle() {
        await engine.flush()
        await engine.compact()
      },
      close: () => engine.close(),
    }
  },
}
