/** What worker threads of the cases do: `workerData` is { job, directory, ... }, and the job is one of these. */
import { parentPort, workerData } from 'node:worker_threads'
import { Engine } from '../../dist/index.mjs'
import { context } from './run.mjs'

const { job, directory, number = 0, rounds = Number.POSITIVE_INFINITY } = workerData
const { path, acknowledge } = context(directory)
const small = { memtableBytes: 64 * 1024 }
const key = i => `worker ${number} ${i}`

/** Writes and acknowledges one by one, with everything else going on beside it. */
async function write(e) {
  for (let i = 0; i < rounds; i++) {
    await e.put(key(i), 'w'.repeat(100), i % 5 === 0 ? { durability: 'disk' } : undefined)
    acknowledge(key(i), 'w'.repeat(100))
    if (i % 20 === 0) {
      e.flush().catch(() => {})
      e.get(key(i))
      e.keys({ limit: 50 }).all()
      e.snapshot()
    }
  }
}

const jobs = {
  write: async () => {
    const e = await Engine.open(path, small)
    parentPort.postMessage('open')
    await write(e)
    await e.close()
  },

  'large batches': async () => {
    const e = await Engine.open(path, small)
    parentPort.postMessage('open')
    const lane = async (_, lane) => {
      for (let i = lane; i < rounds; i += 3) {
        const value = String(i).padEnd(2000, 'l')
        await e.batch(Array.from({ length: 300 }, (_, j) => ({ type: 'put', key: key(`${i} ${j}`), value })))
        acknowledge(key(`${i} 0`), value)
        acknowledge(key(`${i} 299`), value)
      }
    }
    await Promise.all([0, 1, 2].map(lane))
  },

  'open and close': async () => {
    parentPort.postMessage('open')
    for (let i = 0; i < rounds; i++) {
      const e = await Engine.open(path, small)
      await e.put(key(i), 'o')
      acknowledge(key(i), 'o')
      await e.close()
    }
  },

  throw: async () => {
    const e = await Engine.open(path, small)
    await e.put(key(0), 't')
    acknowledge(key(0), 't')
    for (let i = 1; i < 500; i++) e.put(key(i), 't', { durability: 'disk' })
    e.flush().catch(() => {})
    setImmediate(() => {
      throw new Error('mine')
    })
    await new Promise(() => {})
  },

  exit: async () => {
    const e = await Engine.open(path, small)
    await e.put(key(0), 'e')
    acknowledge(key(0), 'e')
    globalThis.kept = [e, e.iterator(), e.snapshot(), e.batch().put('x', 'y')]
    for (let i = 1; i < 500; i++) e.put(key(i), 'e', { durability: 'disk' })
    e.flush()
    process.exit(0)
  },

  'leave open': async () => {
    const e = await Engine.open(path, small)
    await e.put(key(0), 'l')
    acknowledge(key(0), 'l')
    globalThis.kept = [e, e.iterator(), e.snapshot()]
  },

  'synchronously for ever': async () => {
    const e = await Engine.open(path, small)
    parentPort.postMessage('open')
    for (let i = 0; ; i++) {
      e.putSync(key(i), 's', i % 10 === 0 ? { durability: 'disk' } : undefined)
      acknowledge(key(i), 's')
      e.getSync(key(i))
    }
  },

  count: async () => {
    const e = await Engine.open(path)
    parentPort.postMessage('open')
    await new Promise(resolve => parentPort.once('message', resolve))
    const seen = await e.get('main')
    await e.put(key(0), seen)
    await e.close()
  },
}

await jobs[job]()
