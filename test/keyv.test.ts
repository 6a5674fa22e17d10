import { setTimeout as sleep } from 'node:timers/promises'
import suite, { keyvIteratorTests } from '@keyv/test-suite'
import { Keyv } from 'keyv'
import { Engine } from 'mosskv'
import { KeyvMoss } from 'mosskv/keyv'
import * as vitest from 'vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lastingPlace } from './lib/lasting.js'
import { closing, failure, fresh, place } from './lib/temporary.js'

describe("Keyv's own suite", () => {
  const directory = lastingPlace()
  let engine: Engine
  beforeAll(async () => {
    engine = await Engine.open(directory)
  })
  afterAll(() => engine.close())
  // The newest suite on npm is the one of Keyv 5. It leaves its serializer in `opts`, and wants `false` where Keyv 6 itself
  // answers with a list.
  const changed = '.deleteMany([keys]) with nonexistent keys resolves to false'
  const it = (name: string, body: () => unknown) => test.skipIf(name === changed)(name, body)
  const store = () => Object.assign(new KeyvMoss(engine), { opts: {} })
  suite({ ...vitest, it } as never, Keyv as never, store)
  keyvIteratorTests(vitest as never, Keyv as never, store)
})

describe('the contract of Keyv 6 for storage', () => {
  test('Keyv uses it as it is, with absolute expiry', () => {
    const store = new KeyvMoss(place())
    expect(store.capabilities).toMatchObject({ compatible: true, store: 'keyvStorage', expires: true })
    expect(new Keyv({ store }).store).toBe(store)
  })

  test('set, get, has and delete say what was there', async () => {
    const store = new KeyvMoss(await fresh())
    expect([await store.get('k'), await store.has('k'), await store.delete('k')]).toEqual([
      undefined,
      false,
      false,
    ])
    expect(await store.set('k', 'v')).toBe(true)
    expect([await store.get('k'), await store.has('k'), await store.delete('k')]).toEqual(['v', true, true])
    expect(await store.has('k')).toBe(false)
  })

  test('the calls for many keys, and for none', async () => {
    const store = new KeyvMoss(await fresh())
    expect(
      await store.setMany([
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ]),
    ).toEqual([true, true])
    expect(await store.getMany(['a', 'x', 'b'])).toEqual(['1', undefined, '2'])
    expect(await store.hasMany(['a', 'x'])).toEqual([true, false])
    expect(await store.deleteMany(['a', 'x'])).toEqual([true, false])
    expect(await store.has('a')).toBe(false)
    for (const call of [store.setMany([]), store.getMany([]), store.hasMany([]), store.deleteMany([])]) {
      expect(await call).toEqual([])
    }
  })

  test('a key ends at its moment, one in the past at once', async () => {
    const store = new KeyvMoss(await fresh())
    const moment = Date.now() + 200
    await store.set('a', '1', moment - 0.5)
    await store.setMany([
      { key: 'b', value: '2', expires: moment },
      { key: 'c', value: '3' },
    ])
    await store.set('d', '4', -1)
    await store.set('e', '5', Number.POSITIVE_INFINITY)
    expect(await store.getMany(['a', 'b', 'c', 'd', 'e'])).toEqual(['1', '2', '3', undefined, '5'])
    await sleep(moment - Date.now() + 20)
    expect(await store.hasMany(['a', 'b', 'c', 'd', 'e'])).toEqual([false, false, true, false, true])
  })

  test('a ttl of Keyv reaches the engine', async () => {
    const engine = await fresh()
    const keyv = new Keyv({ store: new KeyvMoss(engine), namespace: 'n' })
    const before = Date.now()
    await keyv.set('k', 'v', 60_000)
    const entry = await engine.getEntry('n:k')
    expect(entry?.expiresAt).toBeGreaterThanOrEqual(before + 60_000)
    expect(entry?.expiresAt).toBeLessThanOrEqual(Date.now() + 60_000)
  })

  test('a call keeps the namespace it was made in', async () => {
    const engine = await fresh()
    const store = new KeyvMoss(engine, { namespace: 'a' })
    const set = store.set('k', 'v')
    const walk = store.iterator()
    store.namespace = 'b'
    await set
    expect(await engine.keys().all()).toEqual(['a:k'])
    expect((await walk.next()).value).toEqual(['k', 'v'])
    expect(await store.has('k')).toBe(false)
  })

  test('clear and iterator keep to the namespace', async () => {
    const engine = await fresh()
    const [a, b, all] = [
      new KeyvMoss(engine, { namespace: 'a' }),
      new KeyvMoss(engine, { namespace: 'b' }),
      new KeyvMoss(engine),
    ]
    await Promise.all([a.set('1', 'x'), b.set('2', 'y'), all.set('a', 'z'), all.set('a;', 'z')])
    const seen = []
    for await (const entry of a.iterator()) seen.push(entry)
    expect(seen).toEqual([['1', 'x']])
    await a.clear()
    expect(await engine.keys().all()).toEqual(['a', 'a;', 'b:2'])
    await all.clear()
    expect(await engine.keys().all()).toEqual([])
  })
})

describe('the database behind it', () => {
  test('a directory is opened by the first call and closed by disconnect', async () => {
    const path = place()
    const store = new KeyvMoss(path, { durability: 'disk' })
    await store.set('k', 'v')
    expect(await failure(() => Engine.open(path, { errorIfExists: true }))).toBeDefined()
    await store.disconnect()
    await store.disconnect()
    const engine = closing(await Engine.open(path))
    expect(await engine.get('k')).toBe('v')
  })

  test('an engine that was given stays open', async () => {
    const engine = await fresh()
    await new KeyvMoss(engine).disconnect()
    expect(engine.closed).toBe(false)
  })

  test('a database that cannot be opened is an error of every call, until it can', async () => {
    const path = place()
    const store = new KeyvMoss(path, { createIfMissing: false })
    expect(await failure(() => store.get('k'))).toMatchObject({ code: 'DATABASE_NOT_FOUND' })
    expect(await failure(() => store.set('k', 'v'))).toMatchObject({ code: 'DATABASE_NOT_FOUND' })
    await (await Engine.open(path)).close()
    expect(await store.get('k')).toBeUndefined()
    await store.disconnect()
  })

  test('JSON values without a serializer', async () => {
    const engine = closing(await Engine.open<string, object>(place(), { valueEncoding: 'json' }))
    const keyv = new Keyv({ store: new KeyvMoss(engine), serialization: false })
    await keyv.set('k', { n: 1 })
    expect(await keyv.get('k')).toEqual({ n: 1 })
  })
})
