// Several databases, several handles, several processes; and workers in a process whose main thread has no engine.

import { strict as assert } from 'node:assert'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** The engine, for the cases that want it; the others must not load it. */
const load = async () => (await import('../../../dist/index.mjs')).Engine

const program = new URL('../other-process.mjs', import.meta.url)

/** What another process says when it opens the database of `context`. */
async function other(context, options = {}) {
  const child = fork(program, [context.path, JSON.stringify(options)])
  const [answer] = await once(child, 'message')
  await once(child, 'exit')
  return answer
}

/** @type {import('../types.js').Case[]} */
export const cases = [
  {
    name: 'two engines of one thread share a database; closing one leaves the other',
    acknowledged: 101,
    async run(context) {
      const [first, second] = await Promise.all([context.open(), context.open()])
      const writes = Array.from({ length: 100 }, (_, i) =>
        first.put(`k${i}`, 'v', { durability: 'disk' }).then(() => context.acknowledge(`k${i}`, 'v')),
      )
      const read = first.keys().all()
      await first.close()
      await Promise.all(writes)
      assert.equal((await read).length, 100)
      await assert.rejects(first.put('a', '1'), { code: 'DATABASE_CLOSED' })
      await assert.rejects(
        first.close().then(() => first.get('a')),
        { code: 'DATABASE_CLOSED' },
      )
      await second.put('b', '2')
      context.acknowledge('b', '2')
      assert.equal(await second.get('k99'), 'v')
      await second.close()
      assert.equal((await other(context)).value, '2')
      context.reach()
    },
  },
  {
    name: 'contradictory options: the first hold, but readOnly, durability and encodings are each one its own',
    async run(context) {
      const first = await context.open({ memtableBytes: 64 * 1024, valueEncoding: 'buffer' })
      const second = await context.open({ memtableBytes: 2 ** 20, valueEncoding: 'json', durability: 'disk' })
      const reader = await context.open({ readOnly: true })
      await second.put('k', { a: 1 })
      assert.deepEqual(await first.get('k'), Buffer.from('{"a":1}'))
      assert.equal(await reader.get('k'), '{"a":1}')
      for (const call of [
        () => reader.put('k', '1'),
        () => reader.del('k'),
        () => reader.clear(),
        () => reader.batch([{ type: 'put', key: 'k', value: '1' }]),
        () => reader.flush(),
        () => reader.compact(),
        async () => reader.putSync('k', '1'),
      ]) {
        await assert.rejects(call, { code: 'READ_ONLY' }, String(call))
      }
      await assert.rejects(context.open({ errorIfExists: true }), { code: 'DATABASE_EXISTS' })
      await first.close()
      await second.close()
      assert.equal(await reader.get('k'), '{"a":1}')
      await reader.close()
      context.reach()
    },
  },
  {
    name: 'a writer opens beside a reader that was there before it',
    acknowledged: 2,
    async run(context) {
      const before = await context.open()
      await before.put('a', '1')
      context.acknowledge('a', '1')
      await before.close()
      const reader = await context.open({ readOnly: true })
      const writer = await context.open()
      await writer.put('b', '2')
      context.acknowledge('b', '2')
      await reader.close()
      assert.equal(await writer.get('b'), '2')
      await writer.close()
      context.reach()
    },
  },
  {
    name: 'a second process is refused with the pid of the first, and may read',
    acknowledged: 1,
    async run(context) {
      const e = await context.open()
      await e.put('b', '2')
      context.acknowledge('b', '2')
      const refused = await other(context)
      assert.equal(refused.code, 'DATABASE_LOCKED')
      assert.match(refused.message, new RegExp(`pid ${process.pid}\\b`))
      assert.deepEqual(await other(context, { readOnly: true }), { value: '2' })
      await e.put('a', '1')
      await e.close()
      assert.deepEqual(await other(context), { value: '2' })
      context.reach()
    },
  },
  {
    name: 'a forked child neither holds nor releases the lock',
    acknowledged: 1,
    async run(context) {
      const e = await context.open()
      const waits = fork(program, ['wait'])
      await once(waits, 'message')
      await other(context)
      await e.put('b', '2')
      context.acknowledge('b', '2')
      assert.equal((await other(context)).code, 'DATABASE_LOCKED')
      await e.close()
      assert.deepEqual(await other(context), { value: '2' })
      waits.kill('SIGKILL')
      await once(waits, 'exit')
      context.reach()
    },
  },
  {
    name: '100 databases at once',
    acknowledged: 100,
    async run(context) {
      const Engine = await load()
      const engines = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          Engine.open(`${context.directory}/${i}`, { memtableBytes: 64 * 1024, cacheBytes: 2 ** 20 }),
        ),
      )
      await Promise.all(
        engines.map(async (e, i) => {
          await e.put('k', `${i}`)
          context.acknowledge('k', `${i}`, `${i}`)
        }),
      )
      await Promise.all(engines.map(e => e.close()))
      context.reach()
    },
  },
  {
    name: 'open right after a close that nobody waited for, 50 times',
    acknowledged: 50,
    async run(context) {
      for (let i = 0; i < 50; i++) {
        const e = await context.open()
        await e.put(`k${i}`, 'v')
        context.acknowledge(`k${i}`, 'v')
        if (i > 0) assert.equal(await e.get(`k${i - 1}`), 'v')
        e.close()
      }
      context.reach()
    },
  },
  {
    name: 'the engine is loaded by workers only, one after the other: its code stays in memory',
    acknowledged: 20,
    async run(context) {
      for (let number = 0; number < 20; number++) {
        const data = { job: number % 2 ? 'exit' : 'leave open', directory: context.directory, number }
        await once(new Worker(new URL('../worker.mjs', import.meta.url), { workerData: data }), 'exit')
      }
      context.reach()
    },
  },
]
