// The process ends, in every way Node knows, with work under way.

import { Engine } from '../../../dist/index.mjs'

const many = Array.from({ length: 1000 }, (_, i) => [`k${i}`, `v${i}`.repeat(20)])
const small = { memtableBytes: 64 * 1024 }

/** Puts everything, durably, without waiting; acknowledges what is acknowledged. */
const putAll = ({ acknowledge }, e) => {
  for (const [key, value] of many) {
    e.put(key, value, { durability: 'disk' }).then(() => acknowledge(key, value))
  }
}

/** One write that is certain. */
const certain = async ({ acknowledge }, e) => {
  await e.put('certain', '1')
  acknowledge('certain', '1')
}

/** @type {import('../types.js').Case[]} */
export const cases = [
  {
    name: 'the program ends with everything open',
    acknowledged: 1,
    async run(context) {
      const e = await context.open(small)
      await certain(context, e)
      globalThis.kept = [e, e.iterator(), e.snapshot(), e.batch().put('a', 'b')]
      await globalThis.kept[1].next()
      context.reach()
    },
  },
  {
    name: 'the program ends with pending puts, which are waited for',
    acknowledged: 1000,
    async run(context) {
      putAll(context, await context.open(small))
      context.reach()
    },
  },
  {
    name: 'process.exit in the turn that wrote',
    acknowledged: 1,
    async run(context) {
      const e = await context.open(small)
      await certain(context, e)
      putAll(context, e)
      context.reach()
      process.exit(0)
    },
  },
  {
    name: 'process.exit in the callback of a put',
    acknowledged: 2,
    async run(context) {
      const e = await context.open(small)
      await certain(context, e)
      putAll(context, e)
      e.put('last', '1', { durability: 'disk' }).then(() => {
        context.acknowledge('last', '1')
        context.reach()
        process.exit(0)
      })
      await new Promise(() => {})
    },
  },
  {
    name: 'process.exit with reads of the disk and iterators under way',
    acknowledged: 1000,
    async run(context) {
      const e = await context.open({ ...small, cacheBytes: 0 })
      putAll(context, e)
      await e.flush()
      for (let i = 0; i < 1000; i++) e.get(`k${i}`, { fillCache: false })
      for (let i = 0; i < 50; i++) e.iterator({ fillCache: false }).all()
      e.getMany(many.map(([key]) => key))
      context.reach()
      process.exit(0)
    },
  },
  {
    name: 'process.exit while an open is under way',
    acknowledged: 1,
    async run(context) {
      const e = await context.open(small)
      await certain(context, e)
      for (let i = 0; i < 8; i++) Engine.open(`${context.path}-${i}`)
      setImmediate(() => {
        context.reach()
        process.exit(0)
      })
      await new Promise(() => {})
    },
  },
  {
    name: 'process.exit while a close is under way',
    acknowledged: 1,
    async run(context) {
      const e = await context.open()
      await certain(context, e)
      for (let i = 0; i < 20_000; i++) e.put(`x${i}`, 'x'.repeat(200))
      e.close()
      await new Promise(setImmediate)
      context.reach()
      process.exit(0)
    },
  },
  {
    name: 'process.exit while flush and compaction run',
    acknowledged: 1,
    async run(context) {
      const e = await context.open(small)
      for (let round = 0; round < 5; round++) {
        for (const [key, value] of many) e.put(key, value)
        await e.flush()
      }
      await certain(context, e)
      e.flush()
      e.compact()
      setTimeout(() => {
        context.reach()
        process.exit(0)
      }, 2)
      await new Promise(() => {})
    },
  },
  {
    name: 'process.exit while writes wait behind flushes',
    acknowledged: 200,
    async run(context) {
      const e = await context.open({ ...small, maxTables: 1 })
      let number = 0
      setInterval(() => {
        for (let i = 0; i < 200; i++) {
          const [key, value] = [`k${number++}`, 'v'.repeat(2000)]
          e.put(key, value).then(() => context.acknowledge(key, value))
        }
      }, 1)
      setTimeout(() => {
        context.reach()
        process.exit(0)
      }, 200)
      await new Promise(() => {})
    },
  },
  {
    name: 'process.exit in an event listener',
    acknowledged: 1,
    async run(context) {
      const e = await context.open(small)
      e.on('flush', () => {
        context.reach()
        process.exit(0)
      })
      await certain(context, e)
      for (;;) await e.put('k', 'v'.repeat(1000))
    },
  },
  {
    name: 'a synchronous write in an exit listener is kept',
    acknowledged: 2,
    async run(context) {
      const e = await context.open(small)
      await certain(context, e)
      process.on('exit', () => {
        e.putSync('last words', '1', { durability: 'disk' })
        context.acknowledge('last words', '1')
        if (e.getSync('certain') === '1') context.reach()
      })
    },
  },
  {
    name: 'beforeExit writes again and closes',
    acknowledged: 2,
    async run(context) {
      const e = await context.open(small)
      await certain(context, e)
      let rounds = 0
      process.on('beforeExit', async () => {
        if (rounds++ > 0) return
        await e.put('before exit', '1')
        context.acknowledge('before exit', '1')
        await e.close()
        context.reach()
      })
    },
  },
  {
    name: 'an uncaught exception with pending work',
    status: 1,
    stderr: /Error: mine/,
    acknowledged: 1,
    async run(context) {
      const e = await context.open(small)
      await certain(context, e)
      putAll(context, e)
      e.flush().catch(() => {})
      e.keys().all()
      setImmediate(() => {
        context.reach()
        throw new Error('mine')
      })
      await new Promise(() => {})
    },
  },
  {
    name: 'an uncaughtException listener that goes on',
    acknowledged: 2,
    async run(context) {
      const e = await context.open(small)
      process.on('uncaughtException', async () => {
        await e.put('after', '1')
        context.acknowledge('after', '1')
        await e.close()
        context.reach()
      })
      await certain(context, e)
      e.put('x', '1').then(() => setImmediate(() => Promise.reject(new Error('mine'))))
    },
  },
  {
    name: 'an unhandled rejection of a call ends the process as any other',
    status: 1,
    stderr: /INVALID_ARGUMENT/,
    acknowledged: 1,
    async run(context) {
      const e = await context.open(small)
      await certain(context, e)
      context.reach()
      e.put('k', 5)
      await new Promise(resolve => setTimeout(resolve, 10_000))
    },
  },
  {
    name: 'a SIGTERM listener that closes',
    acknowledged: 1,
    async run(context) {
      const e = await context.open(small)
      const going = setInterval(() => putAll(context, e), 5)
      process.on('SIGTERM', async () => {
        clearInterval(going)
        await e.close()
        context.reach()
      })
      await certain(context, e)
      setTimeout(() => process.kill(process.pid, 'SIGTERM'), 30)
    },
  },
  {
    name: 'SIGTERM without a listener',
    signal: 'SIGTERM',
    acknowledged: 1,
    async run(context) {
      const e = await context.open(small)
      await certain(context, e)
      setTimeout(() => {
        putAll(context, e)
        context.reach()
        process.kill(process.pid, 'SIGTERM')
      }, 5)
      await new Promise(resolve => setTimeout(resolve, 10_000))
    },
  },
]
