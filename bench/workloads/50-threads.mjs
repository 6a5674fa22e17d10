/** One store in two worker threads: reads as fast as the store can, and puts of different keys, 64 in flight. */
import { endThreads, runThreads, startThreads } from '../lib/threads.mjs'
import { rate } from '../lib/workload.mjs'

const THREADS = 2
/** Each thread writes one key of so many that are looked at afterwards. */
const VERIFIED = 500

/** @type {Omit<import('../types.d.ts').Workload, 'name' | 'measures' | 'filled' | 'prepare'>} */
const together = {
  values: 'buffer',
  durability: 'os',
  needs: ['threads'],
  run: async (_context, workers) =>
    (await runThreads(workers)).reduce((sum, done, i) => {
      workers[i].done = done
      return sum + done
    }, 0),
}

/** @type {import('../types.d.ts').Workload[]} */
export default [
  {
    ...together,
    ...rate(`${THREADS} workers reading`, 'gets/s', 2),
    filled: true,
    prepare: context => startThreads(context, 'read', THREADS),
    verify: (_context, workers) => endThreads(workers),
  },
  {
    ...together,
    ...rate(`${THREADS} workers writing, 64 in flight each`, 'puts/s', 8),
    filled: false,
    prepare: context => startThreads(context, 'write', THREADS),
    async verify({ store, data }, workers) {
      for (const [number, { done }] of workers.entries()) {
        for (let i = 0; i < done; i += Math.ceil(done / VERIFIED)) {
          const key = data.keys[i * THREADS + number] ?? ''
          data.check(key, await store.get(key))
        }
      }
      await endThreads(workers)
    },
  },
]
