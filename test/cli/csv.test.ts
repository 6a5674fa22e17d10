import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { mosskv, ok } from '../lib/cli.js'
import { place } from '../lib/temporary.js'

describe('CSV', () => {
  const nasty: [string, string][] = [
    ['', ''],
    ['comma,', 'a,b'],
    ['key', 'value'],
    ['line\nfeed', '\n\n'],
    ['quote"', '""'],
    ['return\r', '\r\nx\r'],
    ['spaces ', ' x '],
    ['unicode', 'é€😀'],
  ]

  test('any text comes back as it was', async () => {
    const [db, copy] = [place(), place()]
    const engine = await Engine.open(db)
    await engine.batch(nasty.map(([key, value]) => ({ type: 'put', key, value })))
    await engine.close()
    const csv = await ok(['dump', db, '--csv'])
    await ok(['load', copy, '--csv'], { input: csv })
    expect(await ok(['dump', copy])).toBe(await ok(['dump', db]))
    expect(await ok(['count', copy])).toBe(`${nasty.length}\n`)
  })

  test('a first line key,value is skipped, and only there', async () => {
    const db = place()
    const input = 'key,value\na,1\nkey,value\n'
    expect(JSON.parse(await ok(['load', db, '--csv', '--json'], { input }))).toMatchObject({ entries: 2 })
    expect(await ok(['scan', db])).toBe('a\t1\nkey\tvalue\n')
  })

  test('lines may end in CRLF, the last one in nothing, and be empty', async () => {
    const db = place()
    await ok(['load', db, '--csv'], { input: 'a,1\r\n\r\n"b","2"\r\n\nc,"3"' })
    expect(await ok(['scan', db])).toBe('a\t1\nb\t2\nc\t3\n')
  })

  const wrong: [input: string, message: string][] = [
    ['a,1\nb\n', 'line 2 has 1 field: it must have 2, key and value'],
    ['"a\n\n",1\nb,2,3\n', 'line 4 has 3 fields: it must have 2, key and value'],
    ['a,1\nb,2"3\n', 'line 2 has a quote inside a field without quotes: write it as "…""…"'],
    ['a,1\nb,"2"3\n', 'line 2 has "3" behind a closing quote'],
    ['a,1\nb,"2\n\n', 'line 2 has a quote that is never closed'],
  ]
  for (const [input, message] of wrong) {
    test(`what is no CSV is refused: ${message}`, async () => {
      const { status, stderr } = await mosskv(['load', place(), '--csv'], { input })
      expect([status, stderr]).toEqual([
        1,
        `mosskv load: standard input, ${message}; 1 entry loaded before\n`,
      ])
    })
  }
})
