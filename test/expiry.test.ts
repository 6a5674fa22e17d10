import { setTimeout as sleep } from 'node:timers/promises'
import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { closing, failure, fresh, place } from './lib/temporary.js'

const HOUR = 3_600_000

describe('put with ttl or expiresAt', () => {
  test('the key is absent from every read once its time has come', async () => {
    const e = await fresh()
    const snapshot = e.snapshot()
    const moment = Date.now() + 150
    await Promise.all([
      e.put('a', 'plain'),
      e.put('b', 'short', { expiresAt: moment }),
      e.put('c', 'long', { ttl: HOUR }),
    ])
    const then = e.snapshot()
    expect(await e.getMany(['a', 'b', 'c'])).toEqual(['plain', 'short', 'long'])
    expect(await e.keys().all()).toEqual(['a', 'b', 'c'])
    await sleep(moment - Date.now() + 20)
    expect([await e.get('b'), e.getSync('b'), await e.has('b')]).toEqual([undefined, undefined, false])
    expect(await e.getEntry('b')).toBeUndefined()
    expect(await e.getMany(['a', 'b', 'c'])).toEqual(['plain', undefined, 'long'])
    expect(await e.hasMany(['a', 'b', 'c'])).toEqual([true, false, true])
    expect(await e.iterator().all()).toEqual([
      ['a', 'plain'],
      ['c', 'long'],
    ])
    expect(await e.keys({ reverse: true }).all()).toEqual(['c', 'a'])
    expect(await e.get('b', { snapshot: then })).toBeUndefined()
    snapshot.close()
    then.close()
  })

  test('an expired value hides the older one, in tables and after a reopen too', async () => {
    const path = place()
    const e = await Engine.open(path)
    await e.put('k', 'old')
    await e.flush()
    await e.put('k', 'new', { expiresAt: Date.now() - 1 })
    expect(await e.get('k')).toBeUndefined()
    await e.flush()
    expect(await e.get('k')).toBeUndefined()
    await e.compact()
    expect(await e.get('k')).toBeUndefined()
    await e.close()
    const again = closing(await Engine.open(path))
    expect(await again.get('k')).toBeUndefined()
    expect(await again.keys().all()).toEqual([])
  })

  test('a plain put afterwards lasts, a put with ttl afterwards does not', async () => {
    const e = await fresh()
    await e.put('k', '1', { ttl: HOUR })
    await e.put('k', '2')
    expect(await e.getEntry('k')).toEqual({ value: '2' })
    await e.put('k', '3', { expiresAt: 1 })
    expect(await e.get('k')).toBeUndefined()
  })

  test('survives the log and the tables with its moment', async () => {
    const path = place()
    const expiresAt = Date.now() + HOUR
    const e = await Engine.open(path, { valueEncoding: 'buffer' })
    const large = Buffer.alloc(100_000, 7)
    await e.put('small', Buffer.from('s'), { expiresAt })
    await e.put('large', large, { expiresAt })
    await e.close()
    const again = closing(await Engine.open(path, { valueEncoding: 'buffer' }))
    expect(await again.getEntry('small')).toEqual({ value: Buffer.from('s'), expiresAt })
    expect(await again.getEntry('large')).toEqual({ value: large, expiresAt })
    await again.compact()
    expect(await again.getEntry('large')).toEqual({ value: large, expiresAt })
  })

  test.each(['before', 'after'])('space comes back from values that expire %s the flush', async when => {
    const e = await fresh()
    const value = 'x'.repeat(10_000)
    const entries = () => e.stats().levels.reduce((sum, level) => sum + level.entries, 0)
    let moment = 0
    // On a machine that was too busy the moment passed before the tables were there: another time, with more of it.
    for (let patience = 500; moment <= Date.now(); patience *= 4) {
      await e.clear()
      moment = Date.now() + patience
      await Promise.all(Array.from({ length: 200 }, (_, i) => e.put(`k${i}`, value, { expiresAt: moment })))
      await e.put('kept', value)
      if (when === 'after') await e.compact()
    }
    expect(entries()).toBe(when === 'after' ? 201 : 0)
    await sleep(moment - Date.now() + 20)
    await e.flush()
    await e.compact()
    expect(entries()).toBe(1)
    expect(await e.keys().all()).toEqual(['kept'])
  })

  test('every encoding', async () => {
    const expiresAt = Date.now() + HOUR
    const json = closing(await Engine.open<string, { n: number }>(place(), { valueEncoding: 'json' }))
    await json.put('k', { n: 1 }, { expiresAt })
    expect(await json.getEntry('k')).toEqual({ value: { n: 1 }, expiresAt })
    const text = await fresh()
    await text.put('ключ', 'значение', { expiresAt })
    text.putSync('', '', { expiresAt })
    expect(await text.getEntry('ключ')).toEqual({ value: 'значение', expiresAt })
    expect(await text.getEntry('')).toEqual({ value: '', expiresAt })
    expect(text.getSync('ключ')).toBe('значение')
  })
})

describe('batches', () => {
  test('operations expire one by one', async () => {
    const e = await fresh()
    const expiresAt = Date.now() + HOUR
    const seen: unknown[] = []
    e.on('write', operations => seen.push(...operations))
    await e.batch([
      { type: 'put', key: 'a', value: '1', expiresAt },
      { type: 'put', key: 'b', value: '2' },
      { type: 'put', key: 'c', value: '3', expiresAt: 0 },
    ])
    await e.batch().put('d', '4', { expiresAt }).put('e', '5').write()
    expect(await e.getEntry('a')).toEqual({ value: '1', expiresAt })
    expect(await e.getEntry('b')).toEqual({ value: '2' })
    expect(await e.has('c')).toBe(false)
    expect(await e.getEntry('d')).toEqual({ value: '4', expiresAt })
    expect(await e.getEntry('e')).toEqual({ value: '5' })
    await e.put('f', '6', { expiresAt })
    expect(seen.at(-1)).toEqual({ type: 'put', key: 'f', value: '6', expiresAt })
    expect(seen).toHaveLength(6)
  })

  test('a ttl counts from the call', async () => {
    const e = await fresh()
    const before = Date.now()
    await e.batch([{ type: 'put', key: 'a', value: '1', ttl: HOUR }])
    const { expiresAt } = (await e.getEntry('a')) ?? {}
    expect(expiresAt).toBeGreaterThanOrEqual(before + HOUR)
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + HOUR)
  })
})

describe('wrong expiries', () => {
  const wrong: [object, string][] = [
    [{ ttl: 0 }, 'ttl'],
    [{ ttl: -1 }, 'ttl'],
    [{ ttl: 1.5 }, 'ttl'],
    [{ ttl: Number.NaN }, 'ttl'],
    [{ ttl: '5' }, 'ttl'],
    [{ ttl: 9e15 }, 'ttl'],
    [{ ttl: null }, 'ttl'],
    [{ expiresAt: -1 }, 'expiresAt'],
    [{ expiresAt: Number.POSITIVE_INFINITY }, 'expiresAt'],
    [{ expiresAt: new Date() }, 'expiresAt'],
    [{ ttl: 1, expiresAt: 1 }, 'both'],
  ]

  test.each(wrong)('%o is refused by name, and nothing is written', async (options, named) => {
    const e = await fresh()
    const calls = [
      () => e.put('k', 'v', options),
      () => e.putSync('k', 'v', options),
      () => e.batch([{ type: 'put', key: 'k', value: 'v', ...options }]),
      () => e.batch().put('k', 'v', options),
    ]
    for (const call of calls) {
      const error = await failure(call)
      expect(error.code).toBe('INVALID_ARGUMENT')
      expect(error.message).toContain(named)
    }
    expect(await e.keys().all()).toEqual([])
  })

  test('del and clear take no expiry', async () => {
    const e = await fresh()
    expect(await failure(() => e.del('k', { ttl: 1 } as object))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await failure(() => e.clear({}, { ttl: 1 } as object))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('half of a surrogate pair is refused', async () => {
    const e = await fresh()
    const error = await failure(() => e.put('k', 'a\ud800', { ttl: 1 }))
    expect([error.code, error.message.startsWith('value is')]).toEqual(['INVALID_ARGUMENT', true])
  })
})
