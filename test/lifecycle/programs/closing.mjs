// The engine is closed: what was called before is answered, what is called after is refused.

import { strict as assert } from 'node:assert'

const small = { memtableBytes: 64 * 1024, cacheBytes: 0 }

/** Every way to call an engine and what was opened on it. */
const calls = ({ e, it, snapshot, batch }) => [
  () => e.get('a'),
  async () => e.getSync('a'),
  () => e.getOrThrow('a'),
  () => e.get('a', { snapshot }),
  () => e.getMany(['a']),
  () => e.has('a'),
  () => e.hasMany(['a']),
  () => e.put('a', '1'),
  async () => e.putSync('a', '1'),
  () => e.del('a'),
  () => e.clear(),
  () => e.batch([{ type: 'del', key: 'a' }]),
  async () => e.batch(),
  () => batch.write(),
  async () => batch.put('a', 'b'),
  async () => e.iterator(),
  async () => e.keys(),
  async () => e.values(),
  async () => [...e.entriesSync()],
  async () => e.snapshot(),
  () => e.flush(),
  () => e.compact(),
  () => e.approximateSize(),
  async () => e.stats(),
  () => e.resume(),
  () => it.next(),
  () => it.nextv(2),
  () => it.all(),
  async () => it.seek('a'),
]

/** An engine with everything open on it. */
async function full(context) {
  const e = await context.open(small)
  for (let i = 0; i < 2000; i++) e.put(`k${i}`, 'v'.repeat(100))
  await e.flush()
  return { e, it: e.iterator(), snapshot: e.snapshot(), batch: e.batch().put('x', 'y') }
}

/** @type {import('../types.js').Case[]} */
export const cases = [
  {
    name: 'use after close: every call is refused',
    async run(context) {
      const all = await full(context)
      await all.e.close()
      for (const call of calls(all))
        await assert.rejects(call, { name: 'MossError', code: 'DATABASE_CLOSED' }, String(call))
      await all.it.close()
      await all.batch.close()
      all.snapshot.close()
      all.snapshot.close()
      assert.equal(all.e.lastError, undefined)
      context.reach()
    },
  },
  {
    name: 'use while it closes: every call is refused',
    async run(context) {
      const all = await full(context)
      const closing = all.e.close()
      for (const call of calls(all))
        await assert.rejects(call, { name: 'MossError', code: 'DATABASE_CLOSED' }, String(call))
      await closing
      context.reach()
    },
  },
  {
    name: 'use after close while another engine has the database open',
    async run(context) {
      const all = await full(context)
      const other = await context.open()
      await all.e.close()
      for (const call of calls(all))
        await assert.rejects(call, { name: 'MossError', code: 'DATABASE_CLOSED' }, String(call))
      assert.equal(other.stats().snapshots, 0)
      assert.equal((await other.keys().all()).length, 2000)
      await other.close()
      context.reach()
    },
  },
  {
    name: 'double close, one after the other and at once, and in a listener of close',
    acknowledged: 1,
    async run(context) {
      const e = await context.open()
      let told = 0
      e.on('close', () => {
        told++
        e.close()
      })
      e.put('a', '1').then(() => context.acknowledge('a', '1'))
      await Promise.all([e.close(), e.close(), e[Symbol.asyncDispose]()])
      await e.close()
      assert.equal(told, 1)
      context.reach()
    },
  },
  {
    name: 'close with reads, iterators, writes, flush and compaction under way',
    acknowledged: 100,
    async run(context) {
      const { e, it, snapshot } = await full(context)
      const writes = Array.from({ length: 100 }, (_, i) =>
        e.put(`n${i}`, 'n', { durability: 'disk' }).then(() => context.acknowledge(`n${i}`, 'n')),
      )
      const reads = [
        ...Array.from({ length: 200 }, (_, i) => e.get(`k${i}`, { fillCache: false })),
        e.get('k1', { snapshot }),
        it.next().then(([key]) => key),
        e.iterator({ fillCache: false }).all(),
        e.getMany(['k1', 'none']),
        e.flush(),
        e.compact(),
        e.approximateSize(),
      ]
      await e.close()
      await Promise.all(writes)
      const answers = await Promise.all(reads)
      assert.ok(answers.slice(0, 201).every(value => value === 'v'.repeat(100)))
      assert.equal(answers[201], 'k0')
      assert.equal(answers[202].length, 2100)
      context.reach()
    },
  },
  {
    name: 'close in the middle of for await',
    async run(context) {
      const { e } = await full(context)
      let seen = 0
      await assert.rejects(
        async () => {
          for await (const _ of e.iterator({ fillCache: false })) if (++seen === 500) e.close()
        },
        { code: 'DATABASE_CLOSED' },
      )
      assert.equal(seen, 500)
      await e.close()
      context.reach()
    },
  },
]
