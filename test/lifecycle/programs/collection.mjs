// What nobody closed and nobody can reach any more is collected: it lets go of what it held, and breaks nothing.

import { strict as assert } from 'node:assert'
import { readdirSync } from 'node:fs'
import { Engine } from '../../../dist/index.mjs'

const flags = ['--expose-gc']

/** Collects until `done` says so; fails when it never does. */
async function collect(done) {
  for (let i = 0; i < 300; i++) {
    globalThis.gc()
    await new Promise(resolve => setTimeout(resolve, 10))
    if (await done()) return
  }
  throw new Error(`not collected: ${done}`)
}

/** Whether nobody has the database: `verify` needs it to itself. */
const free = context => () =>
  Engine.verify(context.path).then(
    () => true,
    error => {
      if (error.code !== 'DATABASE_LOCKED') throw error
      return false
    },
  )

/** @type {import('../types.js').Case[]} */
export const cases = [
  {
    name: 'engines are collected unclosed',
    flags,
    acknowledged: 10,
    async run(context) {
      await (async () => {
        for (let i = 0; i < 10; i++) {
          const e = await context.open()
          await e.put(`k${i}`, 'v')
          context.acknowledge(`k${i}`, 'v')
        }
      })()
      await collect(free(context))
      context.reach()
    },
  },
  {
    name: 'engines are collected with iterators, snapshots and batches open',
    flags,
    acknowledged: 1,
    async run(context) {
      await (async () => {
        const e = await context.open()
        await e.put('k', 'v')
        context.acknowledge('k', 'v')
        for (let i = 0; i < 100; i++) {
          e.snapshot()
          await e.iterator().next()
          e.batch().put('x', 'y')
        }
      })()
      await collect(free(context))
      context.reach()
    },
  },
  {
    name: 'iterators and snapshots are collected, and the engine forgets them',
    flags,
    async run(context) {
      const e = await context.open()
      for (let i = 0; i < 100; i++) e.put(`k${i}`, 'v')
      for (let i = 0; i < 200; i++) {
        e.snapshot()
        await e.iterator().next()
        e.keys().next()
        e.batch().put('x', 'y')
      }
      await collect(() => e.stats().snapshots === 0)
      await e.close()
      context.reach()
    },
  },
  {
    name: 'iterators that are collected let go of their tables',
    flags,
    async run(context) {
      const e = await context.open()
      const tables = () => readdirSync(e.location).filter(name => name.endsWith('.mst')).length
      for (const many of [1, 100]) {
        for (let i = 0; i < 100; i++) e.put(`k${i}`, 'v')
        await e.flush()
        for (let i = 0; i < many; i++) await e.iterator({ limit: 2 }).nextv(2)
        for (let i = 0; i < many; i++) await e.iterator().next()
        await e.clear()
        await e.compact()
        await collect(() => tables() === 0)
      }
      await e.close()
      context.reach()
    },
  },
  {
    name: 'an engine that nobody holds finishes its pending calls',
    flags,
    acknowledged: 2000,
    async run(context) {
      const begin = async () => {
        const e = await context.open({ memtableBytes: 64 * 1024, cacheBytes: 0 })
        const calls = []
        for (let i = 0; i < 2000; i++) {
          const [key, value] = [`k${i}`, 'v'.repeat(500)]
          calls.push(e.put(key, value, { durability: 'disk' }).then(() => context.acknowledge(key, value)))
          if (i % 500 === 499) await e.flush()
        }
        // Nothing waits in JavaScript here, where it would hold the engine: the calls are under way in native code.
        return [...calls, e.compact(), e.get('k1', { fillCache: false }), e.flush(), e.compact()]
      }
      const calls = await begin()
      let done = false
      const all = Promise.all(calls).finally(() => {
        done = true
      })
      while (!done) {
        globalThis.gc()
        await new Promise(resolve => setTimeout(resolve, 1))
      }
      await all
      await collect(free(context))
      context.reach()
    },
  },
  {
    name: 'an iterator keeps the database open when nobody holds the engine',
    flags,
    async run(context) {
      const begin = async () => {
        const e = await context.open()
        for (let i = 0; i < 50; i++) e.put(`k${i}`, 'v'.repeat(10_000))
        return e.iterator()
      }
      await (async () => {
        let seen = 0
        for await (const [, value] of await begin()) {
          assert.equal(value.length, 10_000)
          globalThis.gc()
          await new Promise(resolve => setTimeout(resolve, 1))
          seen++
        }
        assert.equal(seen, 50)
      })()
      await collect(free(context))
      context.reach()
    },
  },
]
