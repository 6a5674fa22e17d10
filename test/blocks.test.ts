import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { closing, failure, place } from './lib/temporary.js'

const key = (batch: number, i: number) => `${batch} ${i}`

async function opened(): Promise<Engine<string, Buffer>> {
  return closing(await Engine.open(place(), { valueEncoding: 'buffer' }))
}

/** Puts of `count` values of `length` bytes of its own. */
function puts(batch: number, count: number, length: number) {
  return Array.from({ length: count }, (_, i) => ({
    type: 'put' as const,
    key: key(batch, i),
    value: Buffer.alloc(length, `${batch}.${i}.`),
  }))
}

async function expectAll(e: Engine<string, Buffer>, batch: number, count: number, length: number) {
  const found = await e.getMany(Array.from({ length: count }, (_, i) => key(batch, i)))
  for (const [i, value] of found.entries()) {
    expect(value?.equals(Buffer.alloc(length, `${batch}.${i}.`)), key(batch, i)).toBe(true)
  }
}

describe('large batches, which are committed from where they were encoded', () => {
  test('of every size: in the slab, in a block, committed at once or in the background, and larger than a block', async () => {
    const e = await opened()
    const shapes: [number, number][] = [
      [1, 10],
      [63, 1024],
      [64, 1024],
      [65, 1024],
      [250, 1024],
      [1000, 1024],
      [4000, 1024],
      [4200, 1024],
      [9000, 1024],
      [2, 3_000_000],
      [1, 5_000_000],
      [1000, 10],
    ]
    for (const [batch, [count, length]] of shapes.entries()) await e.batch(puts(batch, count, length))
    for (const [batch, [count, length]] of shapes.entries()) await expectAll(e, batch, count, length)
  })

  test('more at once than there are blocks; their values may be changed as soon as batch returns', async () => {
    const e = await opened()
    const all: Promise<void>[] = []
    for (let batch = 0; batch < 30; batch++) {
      const operations = puts(batch, 400, 1000)
      all.push(e.batch(operations))
      for (const { value } of operations) value.fill(0)
      // Some in a turn of their own, some together with others.
      if (batch % 3 === 0) await null
    }
    await Promise.all(all)
    for (let batch = 0; batch < 30; batch++) await expectAll(e, batch, 400, 1000)
  })

  test('in one turn with small writes before, between and behind them: what comes last counts', async () => {
    const e = await opened()
    const writes = [
      e.put(key(0, 0), Buffer.from('before')),
      e.batch(puts(0, 500, 1000)),
      e.put(key(0, 1), Buffer.from('between')),
      e.batch(puts(1, 500, 1000)),
      e.del(key(1, 0)),
      e.put('long', Buffer.alloc(300_000, 'long')),
    ]
    expect(new Set(writes).size, 'they share one promise').toBe(1)
    await Promise.all(writes)
    expect(await e.get(key(0, 0))).toEqual(Buffer.alloc(1000, '0.0.'))
    expect(await e.get(key(0, 1))).toEqual(Buffer.from('between'))
    expect(await e.get(key(1, 0))).toBe(undefined)
    expect(await e.get(key(1, 499))).toEqual(Buffer.alloc(1000, '1.499.'))
    expect(await e.get('long')).toEqual(Buffer.alloc(300_000, 'long'))
  })

  test('one that is refused half-way leaves nothing, and its block is used again', async () => {
    const e = await opened()
    for (let i = 0; i < 20; i++) {
      const operations: unknown[] = puts(0, 500, 1000)
      operations.push({ type: 'put', key: 'wrong', value: 5 })
      const error = await failure(() => e.batch(operations as never))
      expect(error.message).toContain('operations[500].value')
    }
    expect(await e.keys().all()).toEqual([])
    await e.batch(puts(1, 500, 1000))
    await expectAll(e, 1, 500, 1000)
  })

  test('one whose encoding writes another', async () => {
    const e = closing(await Engine.open<string, unknown>(place(), { valueEncoding: 'json' }))
    const text = 'x'.repeat(1000)
    const inner: Promise<void>[] = []
    const value = (i: number) => ({
      toJSON() {
        if (i === 150) {
          inner.push(
            e.batch(
              Array.from({ length: 300 }, (_, j) => ({ type: 'put', key: key(1, j), value: `${text}${j}` })),
            ),
          )
        }
        return `${text}${i}`
      },
    })
    await e.batch(Array.from({ length: 300 }, (_, i) => ({ type: 'put', key: key(0, i), value: value(i) })))
    await Promise.all(inner)
    for (const batch of [0, 1]) {
      for (let i = 0; i < 300; i++) expect(await e.get(key(batch, i))).toBe(`${text}${i}`)
    }
  })

  test('of two databases in turn, and synchronously', async () => {
    const [a, b] = [await opened(), await opened()]
    await Promise.all([a.batch(puts(0, 600, 1000)), b.batch(puts(1, 600, 1000)), a.batch(puts(2, 600, 1000))])
    a.putSync('sync', Buffer.alloc(200_000, 's'))
    await expectAll(a, 0, 600, 1000)
    await expectAll(b, 1, 600, 1000)
    await expectAll(a, 2, 600, 1000)
    expect(a.getSync('sync')).toEqual(Buffer.alloc(200_000, 's'))
  })
})
