import { setImmediate as nextTurn } from 'node:timers/promises'
import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { closing, place } from './lib/temporary.js'

const KEYS = 2000
const VALUE = Buffer.alloc(100, 7)
const key = (i: number) => `key-${String(i % KEYS).padStart(5, '0')}`

async function filled(): Promise<Engine<string, Buffer>> {
  const e = closing(await Engine.open(place(), { valueEncoding: 'buffer' }))
  await e.batch(Array.from({ length: KEYS }, (_, i) => ({ type: 'put' as const, key: key(i), value: VALUE })))
  return e
}

/** How often the event loop turns while `lanes` of them each do `step` `times` times, one after the other. */
async function turnsOf(lanes: number, times: number, step: (i: number) => Promise<unknown>): Promise<number> {
  let turns = 0
  let done = false
  const count = (async () => {
    for (; !done; turns++) await nextTurn()
  })()
  const lane = async (_: unknown, l: number) => {
    for (let i = 0; i < times; i++) await step(l * times + i)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  done = true
  await count
  return turns
}

describe('a program that awaits nothing but answers from memory lets its event loop turn', () => {
  test.each([
    ['gets, one by one', 1, 50_000, 40],
    ['gets, 64 side by side', 64, 1000, 40],
    ['gets, 5,000 side by side', 5000, 40, 15],
  ])('%s', async (_, lanes, times, least) => {
    const e = await filled()
    expect(await turnsOf(lanes, times, i => e.get(key(i)))).toBeGreaterThan(least)
  })

  test('getMany', async () => {
    const e = await filled()
    const keys = Array.from({ length: 100 }, (_, i) => key(i))
    expect(await turnsOf(1, 1000, () => e.getMany(keys))).toBeGreaterThan(40)
  })

  test('puts side by side, of one group each time', async () => {
    const e = await filled()
    const large = Buffer.alloc(1024)
    expect(await turnsOf(64, 200, i => e.put(key(i), large))).toBeGreaterThan(20)
  })

  test('batches', async () => {
    const e = await filled()
    const operations = Array.from({ length: 500 }, (_, i) => ({
      type: 'put' as const,
      key: key(i),
      value: VALUE,
    }))
    expect(await turnsOf(1, 200, () => e.batch(operations))).toBeGreaterThan(20)
  })

  test('pages of iterators, and all of one', async () => {
    const e = await filled()
    const paged = async () => {
      const iterator = e.iterator()
      while ((await iterator.nextv(1000)).length > 0);
    }
    expect(await turnsOf(1, 100, paged)).toBeGreaterThan(15)
    expect(await turnsOf(1, 100, () => e.iterator().all())).toBeGreaterThan(15)
    expect(await turnsOf(4, 25, () => e.values().all())).toBeGreaterThan(5)
  })
})

test('answers keep their order and their values when they wait for a turn', async () => {
  const e = closing(await Engine.open(place()))
  await e.batch(
    Array.from({ length: KEYS }, (_, i) => ({ type: 'put' as const, key: key(i), value: `${i}` })),
  )
  // Ten at once, again and again: every thousandth or so has to wait.
  for (let from = 0; from < 10_000; from += 10) {
    const seen: string[] = []
    const wanted = Array.from({ length: 10 }, (_, i) => `${(from + i) % KEYS}`)
    await Promise.all(wanted.map((_, i) => e.get(key(from + i)).then(value => seen.push(value ?? ''))))
    expect(seen).toEqual(wanted)
  }
})
