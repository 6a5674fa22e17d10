import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { mosskv, ok, Terminal } from '../lib/cli.js'
import { place } from '../lib/temporary.js'

describe('mosskv destroy', () => {
  test('needs --yes where nobody can be asked', async () => {
    const db = place()
    await ok(['put', db, 'a', '1'])
    const { status, stderr } = await mosskv(['destroy', db], { input: 'yes\n' })
    expect([status, stderr]).toEqual([
      2,
      'mosskv destroy: nobody can be asked here: say --yes to remove the database; see mosskv destroy --help\n',
    ])
    expect(await ok(['get', db, 'a'])).toBe('1\n')
    expect(await ok(['destroy', db, '--yes'])).toBe('')
    expect(existsSync(db)).toBe(false)
  })

  test('asks on a terminal, and takes nothing but yes for yes', async () => {
    const db = place()
    await ok(['put', db, 'a', '1'])
    for (const answer of ['y\r', '\r', '\x04', '\x03']) {
      const terminal = new Terminal(['destroy', db])
      expect(await terminal.until('Type yes: ')).toMatch(
        /Remove the database in .* \([\d.]+ k?B\) for ever\? $/,
      )
      terminal.type(answer)
      await terminal.until('nothing was removed')
      expect(await terminal.ended).toBe(1)
    }
    expect(await ok(['get', db, 'a'])).toBe('1\n')
    const terminal = new Terminal(['destroy', db])
    await terminal.until('Type yes: ')
    terminal.type('yes\r')
    await terminal.until('removed')
    expect(await terminal.ended).toBe(0)
    expect(existsSync(db)).toBe(false)
  })

  test('leaves the files of others', async () => {
    const db = place()
    await ok(['put', db, 'a', '1'])
    writeFileSync(join(db, 'notes.txt'), 'mine')
    await ok(['destroy', db, '-y'])
    expect(readdirSync(db)).toEqual(['notes.txt'])
  })
})
