// Very large values, and very many calls.

import { strict as assert } from 'node:assert'

const GIB = 2 ** 30
const MIB = 2 ** 20

/** Milliseconds after which a slow machine has done enough. */
const TIME = 15_000

/** @type {import('../types.js').Case[]} */
export const cases = [
  {
    name: 'a value of 1 GiB is stored, one byte more is refused, and so is a string of that length',
    async run(context) {
      const e = await context.open({ valueEncoding: 'buffer' })
      const value = Buffer.alloc(GIB + 1)
      value[GIB - 1] = 7
      await assert.rejects(e.put('too large', value), { code: 'INVALID_ARGUMENT' })
      await e.put('a', value.subarray(0, GIB))
      const found = await e.get('a')
      assert.equal(found.length, GIB)
      assert.equal(found[GIB - 1], 7)
      const text = await context.open()
      await assert.rejects(text.get('a'), { code: 'INVALID_ARGUMENT' })
      assert.throws(() => text.getSync('a'), { code: 'INVALID_ARGUMENT' })
      await e.del('a')
      await text.close()
      await e.close()
      context.reach()
    },
  },
  {
    name: '10 million gets in one turn: memory stays flat',
    flags: ['--expose-gc'],
    async run(context) {
      const e = await context.open()
      for (let i = 0; i < 1000; i++) e.put(`k${i}`, `value ${i}`)
      await e.put('last', 'v')
      const turn = count => {
        let promise
        for (let i = 0; i < count; i++) promise = e.get(`k${i % 1000}`)
        return promise
      }
      // One turn, without an await: what is resolved and dropped must be collected on the way.
      turn(300_000)
      globalThis.gc()
      const before = process.memoryUsage().rss
      const start = performance.now()
      let done = 0
      let most = before
      while (done < 10e6 && performance.now() - start < TIME) {
        turn(100_000)
        done += 100_000
        most = Math.max(most, process.memoryUsage().rss)
      }
      assert.ok(done >= 1e6, `only ${done} gets`)
      // A promise and a timer each, not collected, would be 100 bytes at least: 100 MB a million.
      assert.ok(most - before < 48 * MIB, `${done} gets grew the process by ${(most - before) / MIB} MiB`)
      assert.equal(await turn(1), 'value 0')
      await e.close()
      context.reach()
    },
  },
  {
    name: 'iterators, snapshots and batches by the hundred thousand: memory stays flat',
    flags: ['--expose-gc'],
    async run(context) {
      const e = await context.open()
      for (let i = 0; i < 100; i++) e.put(`k${i}`, `value ${i}`)
      const round = async () => {
        for (let i = 0; i < 10_000; i++) {
          const it = e.iterator({ limit: 3 })
          await it.next()
          await it.close()
          e.snapshot().close()
          await e.batch().put('x', 'y').close()
        }
        globalThis.gc()
        return process.memoryUsage().rss
      }
      await round()
      const before = await round()
      const start = performance.now()
      let after = before
      for (let i = 0; i < 8 && performance.now() - start < TIME; i++) after = await round()
      assert.ok(after - before < 32 * MIB, `grew by ${(after - before) / MIB} MiB`)
      assert.equal(e.stats().snapshots, 0)
      await e.close()
      context.reach()
    },
  },
]
