import { describe, expect, test } from 'vitest'
import { failure, fresh } from './lib/temporary.js'

async function letters(count = 5) {
  const e = await fresh()
  await e.batch(
    Array.from({ length: count }, (_, i) => ({
      type: 'put',
      key: String.fromCharCode(97 + i),
      value: String(i),
    })),
  )
  return e
}

describe('iterators', () => {
  test('for await walks entries, keys and values in order', async () => {
    const e = await letters(3)
    const entries: [string, string][] = []
    for await (const [key, value] of e.iterator()) entries.push([key, value])
    expect(entries).toEqual([
      ['a', '0'],
      ['b', '1'],
      ['c', '2'],
    ])
    const keys: string[] = []
    for await (const key of e.keys({ reverse: true })) keys.push(key)
    expect(keys).toEqual(['c', 'b', 'a'])
    const values: string[] = []
    for await (const value of e.values({ gt: 'a' })) values.push(value)
    expect(values).toEqual(['1', '2'])
    expect([...e.entriesSync({ lt: 'c' })]).toEqual(entries.slice(0, 2))
  })

  test('next, nextv and all', async () => {
    const e = await letters()
    const it = e.keys()
    expect(await it.next()).toBe('a')
    expect(await it.nextv(2)).toEqual(['b', 'c'])
    expect(await it.nextv(9)).toEqual(['d', 'e'])
    expect(await it.nextv(9)).toEqual([])
    expect(await it.next()).toBeUndefined()
    await it.close()
    const other = e.keys()
    await other.next()
    expect(await other.all()).toEqual(['b', 'c', 'd', 'e'])
    expect(await failure(() => other.next())).toMatchObject({ code: 'ITERATOR_CLOSED' })
  })

  test('overlapping calls are answered in order', async () => {
    const e = await letters()
    const it = e.keys()
    const answers = await Promise.all([it.next(), it.nextv(2), it.next(), it.next(), it.next()])
    expect(answers).toEqual(['a', ['b', 'c'], 'd', 'e', undefined])
    await it.close()
  })

  test('seek goes forward and back, within the range, and renews the limit', async () => {
    const e = await letters()
    const it = e.keys({ gte: 'b', limit: 2 })
    it.seek('d')
    expect(await it.nextv(9)).toEqual(['d', 'e'])
    it.seek('a')
    expect(await it.nextv(9)).toEqual(['b', 'c'])
    it.seek('cc')
    expect(await it.next()).toBe('d')
    it.seek('z')
    expect(await it.next()).toBeUndefined()
    await it.close()
    const back = e.keys({ reverse: true, lt: 'e' })
    back.seek('cc')
    expect(await back.nextv(9)).toEqual(['c', 'b', 'a'])
    back.seek('z')
    expect(await back.next()).toBe('d')
    await back.close()
  })

  test('see what was there when they were made', async () => {
    const e = await letters(3)
    const it = e.iterator()
    e.put('a', 'changed')
    e.del('b')
    await e.put('d', 'new')
    await e.flush()
    expect(await it.all()).toEqual([
      ['a', '0'],
      ['b', '1'],
      ['c', '2'],
    ])
  })

  test('leaving a loop closes the iterator and releases its snapshot', async () => {
    const e = await letters()
    for await (const key of e.keys()) if (key === 'b') break
    await expect(
      (async () => {
        for await (const _ of e.keys()) throw new Error('mine')
      })(),
    ).rejects.toThrow('mine')
    for (const _ of e.entriesSync()) break
    expect(e.stats().snapshots).toBe(0)
  })

  test('walk over many pages, both ways, also on disk', async () => {
    const e = await fresh({ memtableBytes: 64 * 1024, cacheBytes: 0 })
    const expected: string[] = []
    for (let i = 0; i < 20_000; i++) {
      const key = `key ${String(i).padStart(6, '0')}`
      expected.push(key)
      e.put(key, `value ${i}`.repeat(3))
    }
    await e.flush()
    for (let round = 0; round < 2; round++) {
      const seen: string[] = []
      for await (const [key, value] of e.iterator()) {
        expect(value).toBe(`value ${seen.length}`.repeat(3))
        seen.push(key)
      }
      expect(seen).toEqual(expected)
      expect(await e.keys({ reverse: true }).all()).toEqual([...expected].reverse())
      expect([...e.entriesSync({ limit: 7000 })].length).toBe(7000)
      await e.compact()
    }
  })

  test('closing twice is fine, and next after close is refused', async () => {
    const e = await letters()
    const it = e.iterator()
    const pending = it.nextv(100)
    await it.close()
    await it.close()
    expect((await pending).length).toBe(5)
    expect(await failure(() => it.next())).toMatchObject({ code: 'ITERATOR_CLOSED' })
    expect(await failure(() => it.nextv(1))).toMatchObject({ code: 'ITERATOR_CLOSED' })
    expect(await failure(() => it.seek('a'))).toMatchObject({ code: 'ITERATOR_CLOSED' })
  })
})
