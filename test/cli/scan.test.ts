import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mosskv, ok } from '../lib/cli.js'

describe('mosskv scan and count', () => {
  const directory = mkdtempSync(join(tmpdir(), 'moss-scan-'))
  const db = join(directory, 'db')
  const keys = ['a', 'b:1', 'b:2', 'b:3', 'c']
  beforeAll(async () => {
    await ok(['load', db], { input: keys.map(key => JSON.stringify({ key, value: `v ${key}` })).join('\n') })
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  const ranges: [words: string[], expected: string[]][] = [
    [[], keys],
    [
      ['--prefix', 'b:'],
      ['b:1', 'b:2', 'b:3'],
    ],
    [
      ['--prefix', 'b:', '--gt', 'b:1'],
      ['b:2', 'b:3'],
    ],
    [
      ['--prefix', 'b:', '--gte', 'a', '--lt', 'z'],
      ['b:1', 'b:2', 'b:3'],
    ],
    [
      ['--prefix', 'b:', '--lte', 'b:2'],
      ['b:1', 'b:2'],
    ],
    [
      ['--prefix', 'b:', '--lte', 'b;'],
      ['b:1', 'b:2', 'b:3'],
    ],
    [
      ['--gt', 'a', '--lte', 'b:2'],
      ['b:1', 'b:2'],
    ],
    [
      ['--gte', 'b:3'],
      ['b:3', 'c'],
    ],
    [['--lt', 'b'], ['a']],
    [['--gt', 'c'], []],
    [['--prefix', ''], keys],
  ]
  for (const [words, expected] of ranges) {
    test(`range ${words.join(' ') || '(all)'}`, async () => {
      expect(await ok(['scan', db, '--keys', ...words])).toBe(expected.map(key => `${key}\n`).join(''))
      expect(await ok(['count', db, ...words])).toBe(`${expected.length}\n`)
    })
  }

  test('entries are lines with a tab', async () => {
    expect(await ok(['scan', db, '-p', 'b:', '-r', '-n', '2'])).toBe('b:3\tv b:3\nb:2\tv b:2\n')
    expect(await ok(['scan', db, '--values', '--limit', '1'])).toBe('v a\n')
    expect(await ok(['scan', db, '--limit', '0'])).toBe('')
    expect(await ok(['scan', db, '-n1', '--hex'])).toBe('61\t762061\n')
  })

  test('with --json every line is JSON', async () => {
    expect(await ok(['scan', db, '-n1', '--json'])).toBe('{"key":"a","value":"v a"}\n')
    expect(await ok(['scan', db, '-n1', '--json', '--keys'])).toBe('"a"\n')
    expect(await ok(['scan', db, '-n1', '--json', '--values'])).toBe('"v a"\n')
    expect(await ok(['count', db, '--json'])).toBe('{"count":5}\n')
  })

  test('a prefix of the highest bytes reaches to the end', async () => {
    await ok(['put', db, 'ffff00', '01', '--hex'])
    expect(await ok(['count', db, '--prefix', 'ffff', '--hex'])).toBe('1\n')
    expect(await ok(['count', db, '--prefix', '61ff', '--hex'])).toBe('0\n')
    const { status, stdout, stderr } = await mosskv(['scan', db, '--json'])
    expect([status, stderr]).toEqual([
      1,
      'mosskv scan: the key "\\\\xff\\\\xff\\\\x00" is not UTF-8: say --hex or --base64\n',
    ])
    expect(stdout.split('\n')).toHaveLength(6)
    await ok(['del', db, 'ffff00', '--hex'])
  })

  test('what excludes each other is refused', async () => {
    for (const words of [
      ['--gt', 'a', '--gte', 'a'],
      ['--keys', '--values'],
      ['--hex', '--base64'],
      ['--limit', '-1'],
    ])
      expect((await mosskv(['scan', db, ...words])).status).toBe(2)
  })
})
