import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { mosskv, ok, Terminal } from '../lib/cli.js'
import { closing, place } from '../lib/temporary.js'

describe('mosskv open on a terminal', () => {
  test('puts, gets, scans, goes on after errors, and leaves', async () => {
    const db = place()
    const terminal = new Terminal(['open', db])
    expect(await terminal.until('mosskv> ')).toContain('the first put makes it')
    expect(await terminal.line('get a')).toContain('there is no database')
    expect(await terminal.line(`put 'a b' "it's 1"`)).toBe('')
    expect(await terminal.line('put b 2')).toBe('')
    expect(await terminal.line('get a\\ b')).toContain("it's 1")
    expect(await terminal.line('scan -r --json')).toMatch(
      /\{"key":"b","value":"2"\}\r\n\{"key":"a b","value":"it's 1"\}/,
    )
    expect(await terminal.line('get c')).toContain('there is no key "c" (KEY_NOT_FOUND)')
    expect(await terminal.line('gte b')).toContain('there is no command "gte"; did you mean get?')
    expect(await terminal.line('put b')).toContain('[value] is missing')
    expect(await terminal.line('get "b')).toContain('a " is never closed')
    expect(await terminal.line('')).toBe('')
    expect(await terminal.line('count')).toContain('2')
    expect(await terminal.line('stats')).toMatch(/written +\d+ B in 2 groups/)
    expect(await terminal.line('tree')).toContain('memtable')
    expect(await terminal.line('help')).toContain('help [command]')
    expect(await terminal.line('help scan')).toContain('Usage: scan [options]')
    terminal.type('exit\r')
    expect(await terminal.ended).toBe(0)
    expect(await ok(['scan', db])).toBe("a b\tit's 1\nb\t2\n")
  })

  test('does not keep others from writing until it writes, and sees what they write', async () => {
    const db = place()
    const engine = closing(await Engine.open(db))
    await engine.put('a', '1')
    const terminal = new Terminal(['open', db])
    await terminal.until('mosskv> ')
    expect(await terminal.line('get a')).toContain('1')
    await engine.put('a', 'changed')
    expect(await terminal.line('get a')).toContain('changed')
    expect(await terminal.line('put a 3')).toContain('(DATABASE_LOCKED)')
    await engine.close()
    expect(await terminal.line('put a 3')).toBe('')
    await expect(Engine.open(db)).rejects.toMatchObject({ code: 'DATABASE_LOCKED' })
    terminal.type('\x04')
    expect(await terminal.ended).toBe(0)
    expect(await ok(['get', db, 'a'])).toBe('3\n')
  })

  test('shows what came before an error before it', async () => {
    const db = place()
    await ok(['put', db, 'a', '1'])
    await ok(['put', db, 'b', 'ff', '--value-encoding', 'hex'])
    const terminal = new Terminal(['open', db])
    await terminal.until('mosskv> ')
    expect(await terminal.line('scan --json')).toMatch(/^\{"key":"a","value":"1"\}\r\n.*is not UTF-8/)
    expect(await terminal.line('get a')).toMatch(/^1\r\n$/)
    terminal.type('exit\r')
    expect(await terminal.ended).toBe(0)
  })

  test('keeps its history for the next time, for the eyes of the user alone', async () => {
    const db = place()
    const history = join(dirname(db), 'history')
    await ok(['put', db, 'a', '1'])
    const first = new Terminal(['open', db], { MOSSKV_HISTORY: history })
    await first.until('mosskv> ')
    await first.line('get a')
    first.type('exit\r')
    expect(await first.ended).toBe(0)
    expect(readFileSync(history, 'utf8')).toBe('exit\nget a\n')
    expect(statSync(history).mode & 0o777).toBe(0o600)
    const second = new Terminal(['open', db], { MOSSKV_HISTORY: history })
    await second.until('mosskv> ')
    expect(await second.line('\x1b[A\x1b[A')).toContain('1')
    second.type('exit\r')
    expect(await second.ended).toBe(0)
  })

  test('completes commands, options and keys with Tab', async () => {
    const db = place()
    await ok(['load', db, '--csv'], { input: 'user:ada,1\nuser:alan,2\nzebra,stripes\n' })
    const terminal = new Terminal(['open', db])
    await terminal.until('mosskv> ')
    terminal.type('ge\t')
    await terminal.until('get ')
    terminal.type('z\t')
    await terminal.until('zebra')
    expect(await terminal.line('')).toContain('stripes')
    terminal.type('scan --lim\t')
    await terminal.until('--limit')
    expect(await terminal.line(' 1 --keys')).toContain('user:ada')
    terminal.type('get us\t')
    await terminal.until('user:a')
    expect(await terminal.line('lan')).toContain('2')
    terminal.type('exit\r')
    expect(await terminal.ended).toBe(0)
  })

  test('Ctrl-C stops a scan, empties a line, and does not leave', async () => {
    const db = place()
    const engine = await Engine.open(db)
    for (let i = 0; i < 20_000; i++) engine.put(`key ${i}`, 'x'.repeat(1_000))
    await engine.close()
    const terminal = new Terminal(['open', db])
    await terminal.until('mosskv> ')
    expect(await terminal.line('scan --keys')).toContain('(the first 100; for more: --limit)')
    terminal.type('scan --limit 1000000\r')
    await terminal.until('xxx')
    terminal.lookAway()
    terminal.type('\x03')
    await new Promise(resolve => setTimeout(resolve, 300))
    terminal.look()
    await terminal.until('(stopped)')
    await terminal.until('mosskv> ')
    terminal.type('get nothing')
    await terminal.until('nothing')
    terminal.type('\x03')
    expect(await terminal.line('count --prefix k')).toContain('20000')
    terminal.type('\x03')
    await terminal.until('(to leave: exit, or Ctrl-D)')
    terminal.type('exit\r')
    expect(await terminal.ended).toBe(0)
  })
})

describe('mosskv open in a pipe', () => {
  test('runs one command a line, silently', async () => {
    const input = 'put a 1\n\nput b 2\nscan\nexit\nput c 3\n'
    expect(await ok(['open', place()], { input })).toBe('a\t1\nb\t2\n')
  })

  test('stops at the first error with its line', async () => {
    const db = place()
    const { status, stdout, stderr } = await mosskv(['open', db], { input: 'put a 1\nget b\nput c 3\n' })
    expect([status, stdout, stderr]).toEqual([
      1,
      '',
      'mosskv open: line 2: there is no key "b" (KEY_NOT_FOUND)\n',
    ])
    expect(await ok(['scan', db])).toBe('a\t1\n')
  })

  test('encodings hold for every line, unless it names its own', async () => {
    const input = 'put 00ff cafe\nget 00ff\nget --base64 AP8=\n'
    expect(await ok(['open', place(), '--hex'], { input })).toBe('cafe\nyv4=\n')
  })

  test('--read-only refuses to write', async () => {
    const db = place()
    await ok(['put', db, 'a', '1'])
    const { status, stderr } = await mosskv(['open', db, '--read-only'], { input: 'get a\ndel a\n' })
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining('line 2: the prompt was opened with --read-only'),
    ])
    expect(await ok(['count', db])).toBe('1\n')
  })
})
