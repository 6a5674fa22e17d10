import { expect, test } from 'vitest'
import { failure, fresh } from './lib/temporary.js'

const count = 30_000
const key = (i: number) => `key ${String(i).padStart(6, '0')}`
const value = (i: number) => `${i} `.repeat(20)

/** Many pages of entries, in tables; without a cache every page needs its blocks read. */
async function long(cacheBytes: number) {
  const e = await fresh({ cacheBytes })
  for (let from = 0; from < count; from += 1000) {
    await e.batch(
      Array.from({ length: 1000 }, (_, i) => ({ type: 'put', key: key(from + i), value: value(from + i) })),
    )
  }
  await e.flush()
  return e
}

for (const cacheBytes of [0, 64 * 2 ** 20]) {
  test(`pages fetched ahead keep their order, with ${cacheBytes} bytes of cache`, async () => {
    const e = await long(cacheBytes)
    for (const reverse of [false, true]) {
      for (const limit of [count, 12_345]) {
        let seen = 0
        for await (const [k, v] of e.iterator({ reverse, limit })) {
          const i = reverse ? count - 1 - seen : seen
          if (k !== key(i) || v !== value(i)) expect([k, v]).toEqual([key(i), value(i)])
          seen++
        }
        expect(seen).toBe(limit)
      }
    }
    let next = 0
    for (const [k] of e.entriesSync()) expect(k).toBe(key(next++))
    expect(next).toBe(count)
  })

  test(`a seek throws away what was fetched ahead, with ${cacheBytes} bytes of cache`, async () => {
    const e = await long(cacheBytes)
    const it = e.iterator()
    let expected = 0
    for (let round = 0; round < 60; round++) {
      for (const [k] of await it.nextv(1 + ((round * 311) % 2000))) {
        if (k !== key(expected)) expect(k).toBe(key(expected))
        expected++
      }
      if (round % 3 === 2) {
        expected = (round * 7919) % count
        it.seek(key(expected))
      }
    }
    await it.close()
  })
}

test('iterators side by side, and one that is left half-way', async () => {
  const e = await long(0)
  const [a, b, left] = [e.keys(), e.keys({ reverse: true }), e.keys()]
  await left.nextv(5000)
  for (let i = 0; i < count; i += 500) {
    const [x, y] = await Promise.all([a.nextv(500), b.nextv(500)])
    expect([x[0], y[0]]).toEqual([key(i), key(count - 1 - i)])
  }
  await left.close()
  await a.close()
  await b.close()
})

test('the engine is closed while a page is fetched ahead', async () => {
  const e = await long(0)
  const it = e.keys()
  await it.nextv(5000)
  await e.close()
  expect(await failure(() => it.next())).toMatchObject({ code: 'DATABASE_CLOSED' })
})
