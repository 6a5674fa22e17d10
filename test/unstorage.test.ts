import { setTimeout as sleep } from 'node:timers/promises'
import { Engine } from 'mosskv'
import standard, { mossDriver } from 'mosskv/unstorage'
import { createStorage, restoreSnapshot, type StorageValue, snapshot } from 'unstorage'
import { describe, expect, test } from 'vitest'
import { closing, failure, place } from './lib/temporary.js'

/** A storage over a fresh database. */
async function storage(ttl?: number) {
  const engine = closing(await Engine.open(place(), { valueEncoding: 'buffer' }))
  const driver = mossDriver(ttl === undefined ? { engine } : { engine, ttl })
  return { engine, driver, storage: createStorage({ driver }) }
}

// The behaviours of unstorage's own driver test (test/drivers/utils.ts there), which it does not publish.
describe('a driver of unstorage', () => {
  test('nothing is there at first', async () => {
    const { storage: s } = await storage()
    expect([await s.hasItem('s1:a'), await s.getItem('s2:a'), await s.getKeys()]).toEqual([false, null, []])
  })

  test('a snapshot is restored', async () => {
    const { storage: s } = await storage()
    await restoreSnapshot(s, { initial: 'works', 'a:b': { c: 1 } })
    expect(await s.getItem('initial')).toBe('works')
    expect(await snapshot(s, '')).toEqual({ initial: 'works', 'a:b': { c: 1 } })
  })

  test('items are set, found and removed; a query is no part of the key', async () => {
    const { storage: s } = await storage()
    await s.setItem('s1:a', 'data')
    await s.setItem('s3:a?q=1', 'data')
    expect([await s.hasItem('s1:a'), await s.getItem('s1:a'), await s.getItem('s3:a?q=2')]).toEqual([
      true,
      'data',
      'data',
    ])
    await s.removeItem('s1:a')
    expect([await s.hasItem('s1:a'), await s.getItem('s1:a')]).toEqual([false, null])
  })

  test('keys of all, of a base, and down to a depth', async () => {
    const { storage: s } = await storage()
    for (const key of ['top', 'a:x', 'a:b:y', 'a:b:z', 'ab:x', 'a;x']) await s.setItem(key, 'v')
    expect(await s.getKeys()).toEqual(['a:b:y', 'a:b:z', 'a:x', 'a;x', 'ab:x', 'top'])
    expect(await s.getKeys('a')).toEqual(['a:b:y', 'a:b:z', 'a:x'])
    expect(await s.getKeys('a:b')).toEqual(['a:b:y', 'a:b:z'])
    expect(await s.getKeys(undefined, { maxDepth: 0 })).toEqual(['a;x', 'top'])
    expect(await s.getKeys('a', { maxDepth: 1 })).toEqual(['a:x'])
  })

  test('clear removes a base or all, also of an empty storage', async () => {
    const { driver, storage: s } = await storage()
    for (const key of ['a:x', 'a:y', 'ab:x', 'b:x']) await s.setItem(key, 'v')
    await driver.clear('a', {})
    expect(await s.getKeys()).toEqual(['ab:x', 'b:x'])
    await s.clear()
    await s.clear()
    expect(await s.getKeys()).toEqual([])
  })

  test('values are what JSON makes of them, falsy ones too', async () => {
    const { storage: s } = await storage()
    const values = { object: { json: 'works' }, true: true, false: false, zero: 0, text: 'ключ', empty: '' }
    for (const [key, value] of Object.entries(values)) await s.setItem(key, value)
    for (const [key, value] of Object.entries(values)) expect(await s.getItem(key)).toEqual(value)
    await s.setItem('date', { toJSON: () => 'SERIALIZED' })
    expect(await s.getItem('date')).toBe('SERIALIZED')
    class Odd {}
    await expect(s.setItem('odd', new Odd())).rejects.toThrow('Cannot stringify value')
  })

  test('raw values are stored as they are', async () => {
    const { engine, storage: s } = await storage()
    const bytes = new Uint8Array([0, 1, 2, 255, 128])
    for (const value of [bytes, Buffer.from(bytes), bytes.buffer, new DataView(bytes.buffer)]) {
      await s.setItemRaw('raw.bin', value)
      expect(Buffer.from((await s.getItemRaw('raw.bin')) as Buffer)).toEqual(Buffer.from(bytes))
    }
    expect(await engine.get('raw.bin')).toEqual(Buffer.from(bytes))
    await s.setItemRaw('text', 'as it is')
    expect(String(await s.getItemRaw('text'))).toBe('as it is')
    expect(await s.getItemRaw('missing')).toBeNull()
    expect(await failure(() => s.setItemRaw('odd', { a: 1 }))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('many items at once', async () => {
    const { storage: s } = await storage()
    const items: { key: string; value: StorageValue }[] = [
      { key: 't:1', value: 'one' },
      { key: 't:2', value: { two: 2 } },
    ]
    await s.setItems(items)
    expect(await s.getItems(['t:1', { key: 't:2?q=1' }, 't:3'])).toEqual([
      { key: 't:1', value: 'one' },
      { key: 't:2', value: { two: 2 } },
      { key: 't:3', value: null },
    ])
  })

  test('mounted under a base', async () => {
    const { driver } = await storage()
    const s = createStorage().mount('moss', driver)
    await s.setItem('moss:a:b', 'v')
    await s.setItem('other', 'v')
    expect(await driver.getKeys('', {})).toEqual(['a:b'])
    expect((await s.getKeys()).sort()).toEqual(['moss:a:b', 'other'])
    expect(await s.getKeys('moss:a')).toEqual(['moss:a:b'])
    await s.clear('moss')
    expect(await s.getKeys()).toEqual(['other'])
  })
})

describe('expiry', () => {
  test('a ttl is in seconds, of the call or of the driver', async () => {
    const { engine, storage: s } = await storage(100)
    const left = async (key: string) => {
      const { expiresAt } = (await engine.getEntry(key)) ?? {}
      return expiresAt === undefined ? undefined : Math.round((expiresAt - Date.now()) / 1000)
    }
    await s.setItem('driver', 'v')
    await s.setItem('call', 'v', { ttl: 7 })
    await s.setItemRaw('raw', Buffer.from('v'), { ttl: 8 })
    await s.setItems(
      [
        { key: 'many', value: 'v', options: { ttl: 9 } },
        { key: 'common', value: 'v' },
      ],
      { ttl: 10 },
    )
    await s.setItem('never', 'v', { ttl: 0 })
    const keys = ['driver', 'call', 'raw', 'many', 'common', 'never']
    expect(await Promise.all(keys.map(left))).toEqual([100, 7, 8, 9, 10, undefined])
    expect(await failure(() => s.setItem('k', 'v', { ttl: -1 }))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('an expired item is absent', async () => {
    const { storage: s } = await storage()
    await s.setItem('a:short', 'v', { ttl: 0.1 })
    await s.setItem('a:long', 'v')
    await sleep(150)
    expect([await s.hasItem('a:short'), await s.getItem('a:short')]).toEqual([false, null])
    expect(await s.getKeys('a')).toEqual(['a:long'])
    expect(await s.getItems(['a:short'])).toEqual([{ key: 'a:short', value: null }])
  })

  test('getMeta tells size and time left', async () => {
    const { engine, driver, storage: s } = await storage()
    await s.setItem('plain', 'four')
    await s.setItem('short', 'v', { ttl: 60 })
    expect(await s.getMeta('plain')).toEqual({ size: 4 })
    const expiresAt = new Date((await engine.getEntry('short'))?.expiresAt ?? 0)
    expect(await s.getMeta('short')).toEqual({ size: 1, ttl: 60, expiresAt })
    expect(await driver.getMeta('missing', {})).toBeNull()
    await s.setMeta('plain', { author: 'Ada' })
    expect(await s.getMeta('plain')).toEqual({ size: 4, author: 'Ada' })
  })
})

describe('watch', () => {
  test('tells of writes, also of those past unstorage, until it is stopped', async () => {
    const { engine, storage: s } = await storage()
    const seen: unknown[] = []
    const stop = await s.watch((event, key) => seen.push([event, key]))
    await s.setItem('a', 'v')
    await s.setItems([{ key: 'b:c', value: 'v' }])
    await s.removeItem('a')
    await engine.put('past', Buffer.from('v'))
    expect(seen).toEqual([
      ['update', 'a'],
      ['update', 'b:c'],
      ['remove', 'a'],
      ['update', 'past'],
    ])
    await stop()
    await s.setItem('a', 'v')
    expect(seen).toHaveLength(4)
    expect(engine.listenerCount('write')).toBe(0)
  })
})

describe('the database behind it', () => {
  test('a location is opened by the first call, closed by dispose, and may be used again', async () => {
    const location = place()
    const driver = mossDriver({ location, durability: 'disk' })
    const s = createStorage({ driver })
    await s.setItem('k', 'v')
    expect((await driver.getInstance()).location).toBe(location)
    await s.dispose()
    await s.dispose()
    await Engine.verify(location)
    expect(await s.getItem('k')).toBe('v')
    await s.dispose()
  })

  test('an engine that was given stays open', async () => {
    const { engine, storage: s } = await storage()
    await s.dispose()
    expect(engine.closed).toBe(false)
  })

  test('without a database it is refused; the default export is the driver', async () => {
    expect(await failure(() => mossDriver({}))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(standard).toBe(mossDriver)
  })
})
