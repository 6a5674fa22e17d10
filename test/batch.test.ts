import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { closing, failure, fresh, place } from './lib/temporary.js'

describe('array batches', () => {
  test('do all their operations, later ones over earlier ones', async () => {
    const e = await fresh()
    await e.put('gone', 'x')
    await e.batch([
      { type: 'put', key: 'a', value: '1' },
      { type: 'put', key: 'a', value: '2' },
      { type: 'del', key: 'gone' },
      { type: 'put', key: 'b', value: '3' },
    ])
    expect(await e.iterator().all()).toEqual([
      ['a', '2'],
      ['b', '3'],
    ])
    await e.batch([])
  })

  test('do nothing when one operation is wrong', async () => {
    const e = await fresh()
    const wrong: [unknown, string][] = [
      [{ type: 'put', key: 'b' }, 'operations[1].value'],
      [{ type: 'put', key: null, value: 'x' }, 'operations[1].key'],
      [{ type: 'del' }, 'operations[1].key'],
      [{ type: 'merge', key: 'b' }, 'operations[1].type'],
      [null, 'operations[1]'],
      [7, 'operations[1]'],
    ]
    for (const [operation, name] of wrong) {
      const error = await failure(() => e.batch([{ type: 'put', key: 'a', value: '1' }, operation as never]))
      expect(error.code).toBe('INVALID_ARGUMENT')
      expect(error.message).toContain(name)
    }
    expect(await failure(() => e.batch({} as never))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await failure(() => (e.batch as (x: unknown) => unknown)(undefined))).toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    expect(await e.keys().all()).toEqual([])
  })

  test('hold a million small operations', async () => {
    const e = await fresh()
    const operations = Array.from({ length: 100_000 }, (_, i) => ({
      type: 'put' as const,
      key: String(i).padStart(8, '0'),
      value: `v${i}`,
    }))
    await e.batch(operations)
    expect(await e.get('00099999')).toBe('v99999')
    expect((await e.keys().all()).length).toBe(100_000)
  })
})

describe('chained batches', () => {
  test('write what was added, in order', async () => {
    const e = await fresh()
    await e.put('z', 'old')
    const batch = e.batch().put('a', '1').put('b', '2').del('a').clearRange({ gte: 'y' }).put('c', '3')
    expect(batch.length).toBe(5)
    expect(await e.keys().all()).toEqual(['z'])
    await batch.write()
    expect(await e.iterator().all()).toEqual([
      ['b', '2'],
      ['c', '3'],
    ])
  })

  test('are refused after write or close', async () => {
    const e = await fresh()
    const written = e.batch().put('a', '1')
    await written.write({ durability: 'disk' })
    const closed = e.batch().put('b', '1')
    await closed.close()
    await closed.close()
    for (const batch of [written, closed]) {
      expect(await failure(() => batch.put('c', '1'))).toMatchObject({ code: 'BATCH_CLOSED' })
      expect(await failure(() => batch.write())).toMatchObject({ code: 'BATCH_CLOSED' })
    }
    expect(await e.keys().all()).toEqual(['a'])
  })

  test('keep what they held when an operation is wrong, and forget it on clear', async () => {
    const e = await fresh()
    const batch = e.batch().put('a', '1')
    expect(await failure(() => batch.put('b', undefined as never))).toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    expect(await failure(() => batch.put('\ud800', 'x'))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(batch.length).toBe(1)
    await batch.write()
    await e.batch().put('x', '1').clear().put('y', '2').write()
    expect(await e.keys().all()).toEqual(['a', 'y'])
  })
})

describe('clear', () => {
  test('removes the range and nothing else', async () => {
    const e = await fresh()
    const fill = () => e.batch(['a', 'b', 'c', 'd'].map(key => ({ type: 'put', key, value: key })))
    const cases: [object | undefined, string[]][] = [
      [{ gte: 'b', lt: 'd' }, ['a', 'd']],
      [{ gt: 'b', lte: 'd' }, ['a', 'b']],
      [{ gt: 'a' }, ['a']],
      [{ lte: 'c' }, ['d']],
      [{ gte: 'd', lt: 'b' }, ['a', 'b', 'c', 'd']],
      [{ gt: 'b', lt: 'b' }, ['a', 'b', 'c', 'd']],
      [{ gte: 'b', lte: 'b' }, ['a', 'c', 'd']],
      [{}, []],
      [undefined, []],
    ]
    for (const [range, left] of cases) {
      await fill()
      await e.clear(range)
      expect(await e.keys().all(), JSON.stringify(range)).toEqual(left)
      expect(await e.getMany(['a', 'b', 'c', 'd'])).toEqual(
        ['a', 'b', 'c', 'd'].map(key => (left.includes(key) ? key : undefined)),
      )
    }
    await e.put('after', '1')
    expect(await e.get('after')).toBe('1')
  })

  test('reaches the largest key there is', async () => {
    const e = closing(await Engine.open(place(), { keyEncoding: 'buffer' }))
    const largest = Buffer.alloc(64 * 1024, 0xff)
    await e.put(largest, 'v')
    await e.put(Buffer.from('a'), 'v')
    await e.clear({ gt: Buffer.from('a') })
    expect(await e.get(largest)).toBeUndefined()
    expect(await e.get(Buffer.from('a'))).toBe('v')
  })
})
