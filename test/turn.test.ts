import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { closing, failure, fresh, place } from './lib/temporary.js'

describe('the calls of one turn', () => {
  test('ten thousand puts are one group', async () => {
    const e = await fresh()
    const before = e.stats().groups
    await Promise.all(Array.from({ length: 10_000 }, (_, i) => e.put(`key ${i}`, `value ${i}`)))
    expect(e.stats().groups).toBe(before + 1)
    expect((await e.keys().all()).length).toBe(10_000)
  })

  test('a read sees the writes before it and none after it', async () => {
    for (const durability of ['memory', 'os', 'disk'] as const) {
      const e = await fresh({ durability })
      const answers: Promise<unknown>[] = []
      for (let i = 0; i < 50; i++) {
        e.put('k', `${i}`)
        answers.push(e.get('k'))
        answers.push(e.getMany(['k']))
        answers.push(e.iterator().all())
        answers.push(e.iterator({ limit: 1 }).next())
        if (i % 10 === 9) {
          e.del('k')
          answers.push(e.has('k'))
          e.put('k', 'again')
        }
      }
      const expected: unknown[] = []
      for (let i = 0; i < 50; i++) {
        expected.push(`${i}`, [`${i}`], [['k', `${i}`]], ['k', `${i}`])
        if (i % 10 === 9) expected.push(false)
      }
      expect(await Promise.all(answers), durability).toEqual(expected)
    }
  })

  test('also when the memtable is full and a write has to wait', async () => {
    const e = await fresh({ memtableBytes: 64 * 1024 })
    const value = (i: number) => `${i} `.padEnd(20_000, '.')
    const answers: Promise<unknown>[] = []
    const snapshots = []
    for (let i = 0; i < 100; i++) {
      e.put('k', value(i))
      answers.push(e.get('k'), e.values().all())
      snapshots.push(e.snapshot())
      e.put('k', 'later')
    }
    const expected = Array.from({ length: 100 }, (_, i) => [value(i), [value(i)]]).flat()
    expect(await Promise.all(answers)).toEqual(expected)
    for (const [i, snapshot] of snapshots.entries()) {
      expect(await e.get('k', { snapshot })).toBe(value(i))
      snapshot.close()
    }
    for (let i = 0; i < 100; i++) {
      e.put('k', value(i))
      const read = e.get('k')
      e.put('k', 'later')
      if (i % 10 === 0) expect(e.getSync('k')).toBe('later')
      expect(await read).toBe(value(i))
    }
  })

  test('sync calls among them keep their place too', async () => {
    for (const durability of ['os', 'disk'] as const) {
      const e = await fresh({ durability })
      const first = e.put('k', '1')
      const read = e.get('k')
      const second = e.put('k', '2')
      expect(e.getSync('k')).toBe('2')
      e.put('k', '3')
      e.putSync('k', '4')
      expect(e.getSync('k')).toBe('4')
      expect([...e.entriesSync()]).toEqual([['k', '4']])
      expect(await read).toBe('1')
      await Promise.all([first, second])
      expect(await e.get('k')).toBe('4')
    }
  })

  test('two databases do not mix', async () => {
    const [a, b] = [await fresh(), await fresh()]
    const all: Promise<void>[] = []
    for (let i = 0; i < 1000; i++) {
      all.push(a.put(`a${i}`, 'x'.repeat(i)))
      all.push(b.put(`b${i}`, 'y'.repeat(i)))
    }
    await Promise.all(all)
    expect((await a.keys().all()).every(key => key.startsWith('a'))).toBe(true)
    expect((await b.keys().all()).every(key => key.startsWith('b'))).toBe(true)
    expect((await a.values().all()).length).toBe(1000)
    expect(await b.get('b999')).toBe('y'.repeat(999))
  })

  test('small and large values in one turn keep their order', async () => {
    const e = await fresh()
    for (const size of [1, 70_000, 2, 40_000, 40_000, 200_000, 3]) e.put('k', String(size).padEnd(size, '.'))
    for (let i = 0; i < 30; i++) e.put(`k${i}`, `${i}`.padEnd(i * 5_000, '.'))
    await e.put('end', '1')
    expect(await e.get('k')).toBe('3..')
    for (let i = 0; i < 30; i++) expect(await e.get(`k${i}`)).toBe(`${i}`.padEnd(i * 5_000, '.'))
  })

  test('a refused call among them changes nothing else', async () => {
    const e = await fresh()
    const good = e.put('a', '1')
    const bad = failure(() => e.put('b', 5 as never))
    const also = failure(() => e.put('x'.repeat(70_000), '1'))
    const more = e.put('c', '3')
    await Promise.all([good, more])
    expect((await bad).code).toBe('INVALID_ARGUMENT')
    expect((await also).code).toBe('INVALID_ARGUMENT')
    expect(await e.keys().all()).toEqual(['a', 'c'])
  })

  test('bytes are copied at the call', async () => {
    const e = closing(await Engine.open(place(), { keyEncoding: 'buffer', valueEncoding: 'buffer' }))
    for (const size of [3, 100, 100_000]) {
      const [key, value] = [Buffer.alloc(3, 1), Buffer.alloc(size, 2)]
      const put = e.put(key, value)
      const get = e.get(key)
      const batch = e.batch().put(key, value)
      key.fill(9)
      value.fill(9)
      await put
      await batch.write()
      expect(await get).toEqual(Buffer.alloc(size, 2))
      expect(await e.keys().all()).toEqual([Buffer.alloc(3, 1)])
      expect(await e.get(Buffer.alloc(3, 1))).toEqual(Buffer.alloc(size, 2))
      const moved = new Uint8Array(size).fill(4)
      const second = e.put(Buffer.alloc(3, 1), moved)
      structuredClone(moved.buffer, { transfer: [moved.buffer] })
      await second
      expect(await e.get(Buffer.alloc(3, 1))).toEqual(Buffer.alloc(size, 4))
    }
  })

  test('the event loop turns while everything is answered from memory', async () => {
    const e = await fresh()
    await e.put('k', 'v')
    let turned = false
    setImmediate(() => {
      turned = true
    })
    let reads = 0
    while (!turned && reads < 100_000) {
      await e.get('k')
      reads++
    }
    expect(turned).toBe(true)
    turned = false
    setImmediate(() => {
      turned = true
    })
    let writes = 0
    while (!turned && writes < 100_000) {
      await e.put('k', 'v')
      writes++
    }
    expect(turned).toBe(true)
  })
})
