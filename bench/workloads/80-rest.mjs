/** A store that was filled, brought to rest and closed: what it takes on disk, and how long it takes to come back. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const SECTOR = 512

/**
 * The bytes that the files of a folder take on disk: holes do not count.
 * @param {string} folder
 * @returns {number}
 */
function bytesOnDisk(folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    return sum + (entry.isDirectory() ? bytesOnDisk(path) : statSync(path).blocks * SECTOR)
  }, 0)
}

/** @type {Omit<import('../types.d.ts').Workload, 'name' | 'measures' | 'run'>} */
const rest = { values: 'buffer', durability: 'os', filled: true, closed: true }

/** @type {import('../types.d.ts').Workload[]} */
export default [
  {
    ...rest,
    name: 'disk',
    measures: [{ name: 'disk after load and settling', unit: 'MB', less: true, target: { times: 1 } }],
    run: async ({ directory }) => [bytesOnDisk(directory) / 1e6],
  },
  {
    ...rest,
    name: 'reopen',
    measures: [
      { name: 'reopen after a clean close, one get', unit: 'ms', less: true, target: { atMost: 5 } },
    ],
    async run({ module, directory, how, data }) {
      const key = data.keys[0] ?? ''
      const start = performance.now()
      const store = await module.open(directory, how)
      const value = await store.get(key)
      const milliseconds = performance.now() - start
      data.check(key, value)
      await store.close()
      return [milliseconds]
    },
  },
]
