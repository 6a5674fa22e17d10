import { expect, test } from 'vitest'
import { fresh } from './lib/temporary.js'

/** Texts of all lengths around those at which pages and stretches of a page end. */
function texts(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) =>
    letter.repeat([3, 40, 200, 1023, 1024, 1025, 5000][i % 7]! + i),
  )
}

const count = 400
const key = (i: number, letter = 'k') => `${letter}${String(i).padStart(5, '0')}`

for (const [what, keyLetter, valueLetter] of [
  ['ASCII', 'k', 'v'],
  ['ASCII keys and other values', 'k', 'é'],
  ['other keys and ASCII values', '中', 'v'],
  ['neither in ASCII', 'é', '😀'],
] as const) {
  test(`strings come out of pages as they went in: ${what}`, async () => {
    const e = await fresh()
    const values = texts(valueLetter, count)
    const entries = values.map((value, i) => [key(i, keyLetter), value] as [string, string])
    await e.batch(entries.map(([key, value]) => ({ type: 'put', key, value })))
    expect(await e.iterator().all()).toEqual(entries)
    expect(await e.values({ reverse: true }).all()).toEqual(values.toReversed())
    const seen: [string, string][] = []
    for await (const entry of e.iterator()) seen.push(entry)
    expect(seen).toEqual(entries)
    expect([...e.entriesSync()]).toEqual(entries)
  })
}

test('one value that is not ASCII among many that are', async () => {
  const e = await fresh()
  const values = Array.from({ length: count }, (_, i) => (i === 200 ? 'naïve – 中 – 😀' : `plain ${i}`))
  await e.batch(values.map((value, i) => ({ type: 'put', key: key(i), value })))
  expect(await e.values().all()).toEqual(values)
  expect((await e.keys().all()).length).toBe(count)
})

test('a seek inside a page reads on from there', async () => {
  const e = await fresh()
  await e.batch(Array.from({ length: count }, (_, i) => ({ type: 'put', key: key(i), value: `value ${i}` })))
  const it = e.iterator()
  expect((await it.nextv(3)).length).toBe(3)
  it.seek(key(300))
  expect(await it.nextv(2)).toEqual([
    [key(300), 'value 300'],
    [key(301), 'value 301'],
  ])
  it.seek(key(2))
  expect(await it.next()).toEqual([key(2), 'value 2'])
  await it.close()
})
