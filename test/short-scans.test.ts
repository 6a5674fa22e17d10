import { readdirSync } from 'node:fs'
import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { closing, failure, fresh, place } from './lib/temporary.js'

const count = 400
const key = (i: number) => `k${String(i).padStart(4, '0')}`
const value = (i: number, length: number) => `${i} `.repeat(length).slice(0, length)

/** `count` entries with values of `length` characters; on disk they are in no cache. */
async function filled(length: number, onDisk = false) {
  const e = await fresh(onDisk ? { cacheBytes: 0 } : {})
  await e.batch(
    Array.from({ length: count }, (_, i) => ({ type: 'put', key: key(i), value: value(i, length) })),
  )
  if (onDisk) await e.flush()
  return e
}

const tables = (e: Engine) => readdirSync(e.location).filter(name => name.endsWith('.mst')).length

describe('iterators of few entries', () => {
  for (const onDisk of [false, true]) {
    for (const length of [0, 20, 127, 128, 1000, 5000, 70_000]) {
      test(`values of ${length} ${onDisk ? 'on disk' : 'in memory'}`, async () => {
        const e = await filled(length, onDisk)
        for (const limit of [0, 1, 2, 10, 127, 128, 129, 500]) {
          for (const [reverse, from] of [
            [false, 0],
            [false, 395],
            [true, 399],
            [true, 3],
          ] as const) {
            const step = reverse ? -1 : 1
            const there = reverse ? from + 1 : count - from
            const expected = Array.from({ length: Math.min(limit, there) }, (_, i) => from + i * step)
            const range = reverse ? { lte: key(from), reverse, limit } : { gte: key(from), limit }
            const it = e.iterator(range)
            const seen = await it.nextv(7)
            for (let entry = await it.next(); entry; entry = await it.next()) seen.push(entry)
            expect(await it.nextv(3)).toEqual([])
            await it.close()
            expect(seen.map(([k]) => k)).toEqual(expected.map(key))
            expect(seen.every(([, v], at) => v === value(expected[at]!, length))).toBe(true)
            expect(await e.keys(range).all()).toEqual(expected.map(key))
            expect([...e.entriesSync(range)].length).toBe(expected.length)
          }
        }
      })
    }
  }

  test('bytes, views and strings that are not ASCII', async () => {
    for (const valueEncoding of ['buffer', 'view'] as const) {
      const e = closing(await Engine.open<string, Uint8Array>(place(), { valueEncoding }))
      const bytes = (i: number) => Buffer.alloc((i * 37) % 300, i)
      for (let i = 0; i < count; i++) await e.put(`é${key(i)}`, bytes(i))
      const kept: Uint8Array[] = []
      for (let i = 0; i < count; i += 10) {
        const entries = await e.iterator({ gte: `é${key(i)}`, limit: 10 }).nextv(10)
        expect(entries.map(([k]) => k)).toEqual(Array.from({ length: 10 }, (_, at) => `é${key(i + at)}`))
        kept.push(...entries.map(([, v]) => v))
      }
      for (const [i, got] of kept.entries()) {
        expect(Buffer.isBuffer(got)).toBe(valueEncoding === 'buffer')
        if (Buffer.compare(got, bytes(i)) !== 0) expect(got).toEqual(bytes(i))
      }
    }
  })

  test('see what was there when they were made, also after their end and a seek', async () => {
    const e = await filled(20)
    const its = [1, 10, 128, 129].map(limit => e.iterator({ gte: key(2), limit }))
    const whole = e.iterator()
    e.put(key(2), 'changed')
    e.clear({ gte: key(3) })
    await e.put('a', 'new')
    await e.flush()
    await e.compact()
    for (const it of its) {
      expect(await it.next()).toEqual([key(2), value(2, 20)])
      await it.nextv(1000)
      expect(await it.next()).toBeUndefined()
      it.seek(key(5))
      expect(await it.next()).toEqual([key(5), value(5, 20)])
      it.seek('a')
      expect(await it.next()).toEqual([key(2), value(2, 20)])
      await it.close()
    }
    expect((await whole.all()).length).toBe(count)
  })

  test('read nothing when the database or they were closed meanwhile', async () => {
    const e = await filled(20)
    const [closed, left] = [e.iterator({ limit: 3 }), e.iterator({ limit: 3 })]
    await closed.close()
    expect(await failure(() => closed.nextv(1))).toMatchObject({ code: 'ITERATOR_CLOSED' })
    expect(await failure(() => closed.seek('a'))).toMatchObject({ code: 'ITERATOR_CLOSED' })
    await e.close()
    expect(await failure(() => left.nextv(1))).toMatchObject({ code: 'DATABASE_CLOSED' })
    expect(await failure(() => e.iterator({ limit: 3 }))).toMatchObject({ code: 'DATABASE_CLOSED' })
    await left.close()
  })

  test('keep tables until they are closed, one by one or many together', async () => {
    for (const many of [1, 40]) {
      const e = await filled(20)
      await e.flush()
      const its = Array.from({ length: many }, () => e.iterator({ limit: 2 }))
      for (const it of its) await it.nextv(2)
      await e.clear()
      await e.flush()
      await e.compact()
      expect(tables(e)).toBeGreaterThan(0)
      await new Promise(setImmediate)
      for (const it of its) {
        expect(tables(e)).toBeGreaterThan(0)
        await it.close()
      }
      await expect.poll(() => tables(e)).toBe(0)
    }
  })

  test('an entry that cannot be decoded does not bring the others out of step', async () => {
    const path = place()
    const text = await Engine.open(path)
    await text.put('"a"', '1')
    await text.put('"b"', '{oops')
    await text.put('"c"', '3')
    await text.put('{oops', '4')
    await text.put('{}', '5')
    await text.close()
    const e = closing(
      await Engine.open<unknown, unknown>(path, { keyEncoding: 'json', valueEncoding: 'json' }),
    )
    const it = e.iterator({ limit: 5 })
    expect(await it.next()).toEqual(['a', 1])
    expect(await failure(() => it.next())).toMatchObject({ code: 'DECODING_FAILED' })
    expect(await it.next()).toEqual(['c', 3])
    expect(await failure(() => it.nextv(2))).toMatchObject({ code: 'DECODING_FAILED' })
    expect(await it.nextv(2)).toEqual([[{}, 5]])
    await it.close()
  })
})
