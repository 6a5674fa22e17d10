import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { closing, failure, fresh, place } from './lib/temporary.js'

describe('encodings', () => {
  test('utf8 keeps every well-formed string', async () => {
    const e = await fresh()
    const strings = [
      'ascii',
      'é',
      'ÿ',
      '中文',
      '😀',
      '\0',
      'a\0b',
      '\ufffd',
      '\ufeff',
      'é'.repeat(40),
      '中'.repeat(30_000),
    ]
    for (const text of strings) {
      await e.put(text.slice(0, 100), text)
      expect(await e.get(text.slice(0, 100))).toBe(text)
      expect(e.getSync(text.slice(0, 100))).toBe(text)
    }
    const all = new Map(await e.iterator().all())
    for (const text of strings) expect(all.get(text.slice(0, 100))).toBe(text)
    expect(await e.getMany(strings.map(text => text.slice(0, 100)))).toEqual(strings)
  })

  test('utf8 lengths around the sizes of a varint', async () => {
    const e = await fresh()
    for (const letter of ['a', 'é', '中', '😀']) {
      for (let length = 0; length < 140; length++) {
        const text = letter.repeat(length)
        await e.put(`k${text}`, text)
        expect(await e.get(`k${text}`), `${length} times ${letter}`).toBe(text)
      }
      for (const length of [5461, 5462, 8191, 8192, 16_383, 16_384, 20_000]) {
        await e.put('k', letter.repeat(length))
        expect(await e.get('k')).toBe(letter.repeat(length))
      }
    }
  })

  test('half a surrogate pair is refused, because it has no UTF-8', async () => {
    const e = await fresh()
    for (const call of [
      () => e.put('\ud800', 'v'),
      () => e.put('k', 'x\udc00y'),
      () => e.put('k', `${'long '.repeat(20)}\udc00`),
      () => e.get('\ud800'),
      () => e.getMany(['ok', '\ud800']),
      () => e.del('\ud800'),
    ]) {
      expect(await failure(call)).toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    expect(await e.keys().all()).toEqual([])
  })

  test('buffer gives Buffers of their own', async () => {
    const e = closing(await Engine.open(place(), { keyEncoding: 'buffer', valueEncoding: 'buffer' }))
    const key = Buffer.from([0, 255, 128])
    for (const size of [0, 1, 48, 49, 100, 65_536, 100_000]) {
      const value = Buffer.alloc(size, 7)
      await e.put(key, value)
      const got = await e.get(key)
      expect(Buffer.isBuffer(got)).toBe(true)
      expect(got).toEqual(value)
      got?.fill(9)
      expect(e.getSync(key)).toEqual(value)
      expect(await e.getMany([key])).toEqual([value])
      const [entry] = await e.iterator().all()
      expect(entry).toEqual([key, value])
      expect(Buffer.isBuffer(entry?.[0])).toBe(true)
    }
    await e.put(new Uint8Array([1, 2]), new Uint8Array([3]))
    expect(await e.get(new Uint8Array([1, 2]))).toEqual(Buffer.from([3]))
  })

  test('view gives plain Uint8Arrays', async () => {
    const e = closing(await Engine.open(place(), { keyEncoding: 'view', valueEncoding: 'view' }))
    const key = new Uint8Array([1, 2, 3])
    await e.put(key, new Uint8Array([4, 5]))
    for (const value of [
      await e.get(key),
      e.getSync(key),
      (await e.getMany([key]))[0],
      (await e.values().all())[0],
    ]) {
      expect(value).toBeInstanceOf(Uint8Array)
      expect(Buffer.isBuffer(value)).toBe(false)
      expect([...(value as Uint8Array)]).toEqual([4, 5])
    }
  })

  test('json keeps what JSON can hold', async () => {
    interface User {
      name: string
      tags: string[]
    }
    const e = closing(await Engine.open<string, User>(place(), { valueEncoding: 'json' }))
    const user = { name: 'Ada', tags: ['a', 'é', '😀'] }
    await e.put('ada', user)
    const got: User | undefined = await e.get('ada')
    expect(got).toEqual(user)
    expect(await e.iterator().all()).toEqual([['ada', user]])
    const wrong: unknown[] = [undefined, null, () => 1, Symbol('x'), 10n, { x: 10n }]
    const circle: Record<string, unknown> = {}
    circle.self = circle
    for (const value of [...wrong, circle]) {
      expect(await failure(() => e.put('k', value as never))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    const raw = closing(await Engine.open(place(), { keyEncoding: 'json', valueEncoding: 'json' }))
    await raw.put({ a: 1 }, [1, false, 0, ''])
    expect(await raw.get({ a: 1 })).toEqual([1, false, 0, ''])
    await raw.put('zero', 0)
    expect(await raw.get('zero')).toBe(0)
  })

  test('bytes that are not JSON are a DECODING_FAILED', async () => {
    const path = place()
    const text = await Engine.open(path)
    await text.put('k', '{oops')
    await text.close()
    const e = closing(await Engine.open(path, { valueEncoding: 'json' }))
    expect(await failure(() => e.get('k'))).toMatchObject({ code: 'DECODING_FAILED' })
    expect(await failure(() => e.getSync('k'))).toMatchObject({ code: 'DECODING_FAILED' })
    expect(await failure(() => e.iterator().all())).toMatchObject({ code: 'DECODING_FAILED' })
  })
})
