import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { mosskv, ok } from '../lib/cli.js'
import { place } from '../lib/temporary.js'

describe('mosskv load', () => {
  test('JSON lines come from files and pipes, in any number', async () => {
    const db = place()
    const file = join(dirname(db), 'some.jsonl')
    // More than one batch, more than one piece of the file, characters of several bytes.
    const lines = Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ key: `é${i}`, value: `v${i}€` }))
    writeFileSync(file, `\ufeff${lines.join('\r\n')}`)
    expect(await ok(['load', db, file])).toBe('')
    expect(await ok(['count', db])).toBe('20000\n')
    expect(await ok(['get', db, 'é12345'])).toBe('v12345€\n')
    const input = '{"key":"a","value":"1"}\n\n{"key":"a","value":"2"}\n'
    expect(JSON.parse(await ok(['load', db, file, '-', '--json'], { input }))).toMatchObject({
      entries: 20_002,
    })
    expect(await ok(['get', db, 'a'])).toBe('2\n')
  })

  const wrong: [line: string, message: string][] = [
    ['{"key":"b"', 'line 2 is not JSON; it begins "{\\"key\\":\\"b\\""'],
    ['{"key":"b"}', 'line 2 must be {"key":…,"value":…}'],
    ['["b","1"]', 'line 2 must be {"key":…,"value":…}'],
    ['{"key":"b","value":"1","ttl":5}', 'line 2 has a member "ttl": allowed are key and value'],
    [
      '{"key":"b","value":{}}',
      'line 2: the value is an object, not a string (values that are JSON: --value-encoding json)',
    ],
    ['{"key":"b","value":null}', 'line 2: the value is null, not a string'],
    ['{"key":"b","value":"\\ud800"}', 'line 2: the value has half of a surrogate pair'],
  ]
  for (const [line, message] of wrong) {
    test(`a wrong line is named, and what stands before it is loaded: ${line}`, async () => {
      const db = place()
      const input = `{"key":"a","value":"1"}\n${line}\n{"key":"c","value":"3"}\n`
      const { status, stderr } = await mosskv(['load', db], { input })
      expect([status, stderr]).toEqual([
        1,
        `mosskv load: standard input, ${message}; 1 entry loaded before\n`,
      ])
      expect(await ok(['scan', db])).toBe('a\t1\n')
    })
  }

  test('a key that is too long is an error of the engine', async () => {
    const db = place()
    const { status, stderr } = await mosskv(['load', db], {
      input: `{"key":"${'k'.repeat(70_000)}","value":""}`,
    })
    expect(status).toBe(1)
    expect(stderr).toMatch(/^mosskv load: .*70000 bytes.*; 0 entries loaded before \(INVALID_ARGUMENT\)\n$/)
  })

  test('input that is not UTF-8 is refused with its line', async () => {
    const db = place()
    const good = '{"key":"a","value":"1"}\n'
    const { status, stderr } = await mosskv(['load', db], { input: Buffer.from([0xff, 0xfe]) })
    expect([status, stderr]).toEqual([
      1,
      'mosskv load: standard input is not UTF-8 text (from line 1 on); 0 entries loaded before\n',
    ])
    const cut = Buffer.concat([Buffer.from(good), Buffer.from('€').subarray(0, 2)])
    expect((await mosskv(['load', db], { input: cut })).stderr).toContain(
      '(from line 2 on); 1 entry loaded before',
    )
  })

  test('files that cannot be read are refused before anything is made', async () => {
    const db = place()
    expect((await mosskv(['load', db, '/no/such/file'])).stderr).toBe(
      'mosskv load: there is no file /no/such/file (ENOENT)\n',
    )
    expect((await mosskv(['load', db, dirname(db)])).stderr).toContain('is a directory')
    expect((await mosskv(['load', db, '-', '-'])).status).toBe(2)
    expect((await mosskv(['count', db])).stderr).toContain('there is no database')
  })

  test('values are JSON of any kind with --value-encoding json', async () => {
    const db = place()
    const input =
      '{"key":"a","value":{"n":[1,true,"x"]}}\n{"key":"b","value":"text"}\n{"key":"c","value":0}\n'
    await ok(['load', db, '--value-encoding', 'json'], { input })
    expect(await ok(['get', db, 'b'])).toBe('"text"\n')
    expect(await ok(['dump', db, '--value-encoding', 'json'])).toBe(input)
  })
})
