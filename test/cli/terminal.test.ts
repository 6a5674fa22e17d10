import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ok, Terminal } from '../lib/cli.js'
import { place } from '../lib/temporary.js'

describe('on a terminal', () => {
  test('load shows how far it is, and takes that away', async () => {
    const db = place()
    const file = join(dirname(db), 'many.jsonl')
    const lines = Array.from({ length: 300_000 }, (_, i) =>
      JSON.stringify({ key: `key ${i}`, value: `value ${i}` }),
    )
    writeFileSync(file, lines.join('\n'))
    const terminal = new Terminal(['load', db, file])
    const progress = await terminal.until('loaded 300,000 entries')
    expect(progress).toMatch(/[█░]{24} \d+ % {2}ETA [\d.]+ s {2}[\d,]+ entries {2}[\d,]+\/s {2}[\d.]+ MB/)
    expect(progress.endsWith('\r\x1b[K')).toBe(true)
    await terminal.until('/s)')
    expect(await terminal.ended).toBe(0)
    expect(await ok(['count', db])).toBe('300000\n')
  })

  test('stored control characters do not reach it', async () => {
    const db = place()
    await ok(['put', db, 'evil\x1b[2J', 'a\nb\x07\u202e'])
    await ok(['put', db, 'raw', 'ff00', '--value-encoding', 'hex'])
    const scan = new Terminal(['scan', db])
    await scan.ended
    expect(scan.shown).toBe('evil\\x1b[2J\ta\\nb\\x07\\u202e\r\nraw\t\\xff\\x00\r\n')
    const get = new Terminal(['get', db, 'evil\x1b[2J'])
    await get.ended
    expect(get.shown).toBe('a\r\nb\\x07\\u202e\r\n')
    expect(await ok(['get', db, 'evil\x1b[2J'])).toBe('a\nb\x07\u202e\n')
  })

  test('put asks for the value it misses', async () => {
    const terminal = new Terminal(['put', place(), 'a'])
    await terminal.until('[value] is missing')
    expect(await terminal.ended).toBe(2)
  })
})
