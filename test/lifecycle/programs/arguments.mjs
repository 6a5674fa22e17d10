// Buffers that change after the call, and arguments that are not what they should be.

import { strict as assert } from 'node:assert'
import { MessageChannel } from 'node:worker_threads'
import { Engine } from '../../../dist/index.mjs'

const buffers = { keyEncoding: 'buffer', valueEncoding: 'buffer' }
const bytes = (length, fill) => new Uint8Array(length).fill(fill)
/** Below and above what the write slab holds. */
const LENGTHS = [1, 1000, 200_000]

/** Puts a value of each length, then lets `spoil` at its memory: what was put must be there. */
async function spoiled(context, make, spoil) {
  const e = await context.open(buffers)
  const writes = LENGTHS.map(length => {
    const value = make(length)
    const key = Buffer.from(`k${length}`)
    const write = e.put(key, value)
    const batched = e.batch([{ type: 'put', key: Buffer.from(`b${length}`), value: value }])
    const chained = e.batch().put(Buffer.from(`c${length}`), value)
    spoil(value, key)
    return [write, batched, chained.write()]
  })
  await Promise.all(writes.flat())
  for (const length of LENGTHS) {
    for (const kind of ['k', 'b', 'c']) {
      const found = await e.get(Buffer.from(`${kind}${length}`))
      assert.ok(found?.equals(bytes(length, 7)), `${kind}${length}`)
    }
  }
  await e.close()
  context.reach()
}

const refused = { name: 'MossError', code: 'INVALID_ARGUMENT' }

/** @type {import('../types.js').Case[]} */
export const cases = [
  {
    name: 'key and value are changed right after put',
    run: context =>
      spoiled(
        context,
        length => bytes(length, 7),
        (value, key) => {
          value.fill(9)
          key.fill(9)
        },
      ),
  },
  {
    name: 'the value is detached right after put',
    run: context =>
      spoiled(
        context,
        length => bytes(length, 7),
        value => structuredClone(value.buffer, { transfer: [value.buffer] }),
      ),
  },
  {
    name: 'the value is transferred to another port right after put',
    run: async context => {
      const { port1, port2 } = new MessageChannel()
      await spoiled(
        context,
        length => bytes(length, 7),
        value => port1.postMessage(value, [value.buffer]),
      )
      port1.close()
      port2.close()
    },
  },
  {
    name: 'the value is in a resizable ArrayBuffer that shrinks right after put',
    run: context =>
      spoiled(
        context,
        length => new Uint8Array(new ArrayBuffer(length, { maxByteLength: length * 2 })).fill(7),
        value => value.buffer.resize(0),
      ),
  },
  {
    name: 'detached keys and values, and views out of bounds, are empty or refused, never read',
    async run(context) {
      const e = await context.open(buffers)
      const detached = bytes(100, 7)
      structuredClone(detached.buffer, { transfer: [detached.buffer] })
      const outside = new Uint8Array(new ArrayBuffer(100, { maxByteLength: 100 }), 50, 50)
      outside.buffer.resize(10)
      for (const value of [detached, outside]) {
        await e.put(Buffer.from('k'), value).catch(error => assert.equal(error.code, 'INVALID_ARGUMENT'))
        const found = await e.get(Buffer.from('k'))
        assert.ok(found === undefined || found.length === 0)
        await e.get(value).catch(error => assert.equal(error.code, 'INVALID_ARGUMENT'))
      }
      await e.close()
      context.reach()
    },
  },
  {
    name: 'SharedArrayBuffer is refused everywhere',
    async run(context) {
      const e = await context.open(buffers)
      const shared = new Uint8Array(new SharedArrayBuffer(8))
      const growable = new Uint8Array(new SharedArrayBuffer(8, { maxByteLength: 16 }))
      const key = Buffer.from('k')
      for (const wrong of [shared, growable, Buffer.from(shared.buffer)]) {
        await assert.rejects(e.put(key, wrong), refused)
        await assert.rejects(e.put(wrong, key), refused)
        await assert.rejects(e.get(wrong), refused)
        await assert.rejects(e.getMany([wrong]), refused)
        await assert.rejects(e.batch([{ type: 'put', key, value: wrong }]), refused)
        assert.throws(() => e.batch().put(key, wrong), refused)
        assert.throws(() => e.iterator({ gte: wrong }), refused)
      }
      assert.deepEqual(await e.keys().all(), [])
      await e.close()
      context.reach()
    },
  },
  {
    name: 'values that were returned are the caller’s own',
    async run(context) {
      const e = await context.open(buffers)
      await e.put(Buffer.from('k'), bytes(1000, 7))
      await e.flush()
      for (let i = 0; i < 3; i++) {
        const got = [
          await e.get(Buffer.from('k')),
          (await e.getMany([Buffer.from('k')]))[0],
          (await e.values().all())[0],
        ]
        for (const value of got) {
          assert.ok(value.equals(bytes(1000, 7)))
          value.fill(9)
        }
      }
      await e.close()
      context.reach()
    },
  },
  {
    name: 'keys and values named like members of Object',
    acknowledged: 5,
    async run(context) {
      const names = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString']
      const e = await context.open()
      for (const name of names) {
        await e.put(name, name)
        context.acknowledge(name, name)
      }
      await e.batch(names.map(key => ({ type: 'put', key, value: key })))
      assert.deepEqual((await e.keys().all()).sort(), [...names].sort())
      assert.deepEqual(await e.getMany(names), names)
      await e.close()
      const json = await Engine.open(`${context.directory}/json`, {
        keyEncoding: 'json',
        valueEncoding: 'json',
      })
      const value = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}')
      await json.put('__proto__', value)
      const found = await json.get('__proto__')
      assert.equal(JSON.stringify(found), JSON.stringify(value))
      assert.equal({}.polluted, undefined)
      await json.close()
      for (const options of [JSON.parse('{"__proto__":{"readOnly":true}}'), { constructor: 1 }]) {
        await assert.rejects(context.open(options), refused)
      }
      context.reach()
    },
  },
  {
    name: 'numbers that are none: NaN, -1, 1.5, 2^32, 2^53, infinity, text, bigint',
    async run(context) {
      const wrong = [
        Number.NaN,
        -1,
        1.5,
        2 ** 53,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        '5',
        1n,
        null,
        {},
        [],
      ]
      const options = [
        'memtableBytes',
        'maxTables',
        'cacheBytes',
        'maxOpenFiles',
        'blockBytes',
        'tableBytes',
        'compactionThreads',
      ]
      for (const option of options) {
        for (const value of wrong) {
          await assert.rejects(context.open({ [option]: value }), refused, `${option} ${String(value)}`)
        }
        if (!['memtableBytes', 'cacheBytes'].includes(option)) {
          await assert.rejects(context.open({ [option]: 2 ** 32 }), refused, option)
        }
      }
      for (const value of [...wrong, 2 ** 32, 33]) {
        await assert.rejects(context.open({ filterBitsPerKey: [value] }), refused, String(value))
      }
      const e = await context.open()
      for (const value of [Number.NaN, 1.5, '5', 1n, {}]) {
        assert.throws(() => e.iterator({ limit: value }), refused, `limit ${String(value)}`)
        await assert.rejects(e.iterator().nextv(value), refused, `nextv ${String(value)}`)
      }
      for (const value of [-1, 0, 2 ** 32]) await assert.rejects(e.iterator().nextv(value), refused)
      await e.close()
      context.reach()
    },
  },
]
