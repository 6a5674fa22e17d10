import { describe, expect, test } from 'vitest'
import { failure, fresh } from './lib/temporary.js'

describe('put, get and del', () => {
  test('the example of the README', async () => {
    const e = await fresh({ memtableBytes: 64 * 2 ** 20, maxTables: 10 })
    await e.put('1', '1')
    expect(await e.get('1')).toBe('1')
    await e.del('1')
    expect(await e.get('1')).toBeUndefined()
    expect(await failure(() => e.getOrThrow('1'))).toMatchObject({ name: 'MossError', code: 'KEY_NOT_FOUND' })
  })

  test('a second put wins, and del of a missing key is fine', async () => {
    const e = await fresh()
    await e.put('a', '1')
    await e.put('a', '2')
    await e.del('b')
    expect(await e.get('a')).toBe('2')
    expect(await e.getOrThrow('a')).toBe('2')
  })

  test('the sync twins', async () => {
    const e = await fresh()
    e.putSync('a', '1')
    expect(e.getSync('a')).toBe('1')
    expect(e.getSync('b')).toBeUndefined()
    e.put('b', '2')
    expect(e.getSync('b')).toBe('2')
    e.putSync('b', '3', { durability: 'disk' })
    expect(await e.get('b')).toBe('3')
  })

  test('empty keys and values are keys and values', async () => {
    const e = await fresh()
    await e.put('', '')
    expect(await e.get('')).toBe('')
    expect(await e.has('')).toBe(true)
    await e.del('')
    expect(await e.has('')).toBe(false)
  })

  test('keys that are special in JavaScript are not special', async () => {
    const e = await fresh()
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '0', '-0', 'NaN']
    await Promise.all(names.map(name => e.put(name, `value of ${name}`)))
    for (const name of names) expect(await e.get(name)).toBe(`value of ${name}`)
    expect((await e.keys().all()).sort()).toEqual([...names].sort())
  })

  test('has, hasMany and getMany keep the order of what was asked', async () => {
    const e = await fresh()
    await e.batch([
      { type: 'put', key: 'a', value: '1' },
      { type: 'put', key: 'c', value: '' },
    ])
    expect(await e.has('a')).toBe(true)
    expect(await e.has('b')).toBe(false)
    expect(await e.hasMany(['c', 'b', 'a', 'a'])).toEqual([true, false, true, true])
    expect(await e.getMany(['c', 'b', 'a', 'a'])).toEqual(['', undefined, '1', '1'])
    expect(await e.getMany([])).toEqual([])
  })

  test('values of every size come back whole', async () => {
    const e = await fresh()
    const sizes = [
      0, 1, 47, 48, 49, 127, 128, 129, 16_383, 16_384, 65_535, 65_536, 65_537, 200_000, 3_000_000,
    ]
    const value = (size: number) => 'abcdefghij'.repeat(Math.ceil(size / 10)).slice(0, size)
    await Promise.all(sizes.map(size => e.put(`size ${size}`, value(size))))
    for (const size of sizes) expect(await e.get(`size ${size}`)).toBe(value(size))
    expect(await e.getMany(sizes.map(size => `size ${size}`))).toEqual(sizes.map(value))
    const all = new Map(await e.iterator().all())
    for (const size of sizes) expect(all.get(`size ${size}`)).toBe(value(size))
  })

  test('the longest key is 64 KiB', async () => {
    const e = await fresh()
    const longest = 'k'.repeat(64 * 1024)
    await e.put(longest, 'v')
    expect(await e.get(longest)).toBe('v')
    expect(await e.keys().all()).toEqual([longest])
    for (const call of [
      () => e.put(`${longest}k`, 'v'),
      () => e.get(`${longest}k`),
      () => e.del(`${longest}k`),
    ]) {
      expect(await failure(call)).toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })

  test('reads find what went to tables', async () => {
    const e = await fresh()
    for (let i = 0; i < 2000; i++) e.put(`key ${i}`, `value ${i}`)
    await e.flush()
    e.put('key 7', 'newer')
    e.del('key 8')
    await e.flush()
    await e.compact()
    expect(await e.get('key 7')).toBe('newer')
    expect(await e.get('key 8')).toBeUndefined()
    expect(await e.get('key 1999')).toBe('value 1999')
    expect(e.getSync('key 1000')).toBe('value 1000')
    expect(await e.getMany(['key 1', 'key 8', 'key 9'])).toEqual(['value 1', undefined, 'value 9'])
    expect(await e.approximateSize()).toBeGreaterThan(1000)
    expect(e.stats().levels.some(level => level.tables > 0)).toBe(true)
  })
})
