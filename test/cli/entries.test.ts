import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { mosskv, ok } from '../lib/cli.js'
import { place } from '../lib/temporary.js'

describe('mosskv get, put and del', () => {
  test('what is put can be got, and is silent', async () => {
    const db = place()
    expect(await ok(['put', db, 'user:1', 'Ada Lovelace é'])).toBe('')
    expect(await ok(['get', db, 'user:1'])).toBe('Ada Lovelace é\n')
    expect(await ok(['get', db, 'user:1', '--json'])).toBe('{"key":"user:1","value":"Ada Lovelace é"}\n')
    expect(await ok(['put', db, 'user:1', ''])).toBe('')
    expect(await ok(['get', db, 'user:1'])).toBe('\n')
  })

  test('a value comes through standard input and goes out again byte for byte', async () => {
    const db = place()
    const value = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256))
    await ok(['put', db, 'file'], { input: value })
    expect((await mosskv(['get', db, 'file', '--raw'])).bytes).toEqual(value)
    expect((await mosskv(['get', db, 'file'])).bytes).toEqual(Buffer.concat([value, Buffer.from('\n')]))
    await ok(['put', db, 'text', '--value-encoding', 'hex'], { input: '00ff\n' })
    expect((await mosskv(['get', db, 'text', '--raw'])).bytes).toEqual(Buffer.of(0, 255))
  })

  test('a key that is not there is an error that names it', async () => {
    const db = place()
    await ok(['put', db, 'a', '1'])
    const { status, stdout, stderr } = await mosskv(['get', db, 'b'])
    expect([status, stdout, stderr]).toEqual([1, '', 'mosskv get: there is no key "b" (KEY_NOT_FOUND)\n'])
  })

  test('keys and values are bytes in hexadecimal or base64', async () => {
    const db = place()
    await ok(['put', db, '00ff', 'CAFE', '--hex'])
    expect(await ok(['get', db, '00ff', '--hex'])).toBe('cafe\n')
    expect(await ok(['get', db, 'AP8=', '--base64'])).toBe('yv4=\n')
    expect(await ok(['get', db, '00ff', '--key-encoding', 'hex', '--value-encoding', 'base64'])).toBe(
      'yv4=\n',
    )
    const { status, stderr } = await mosskv(['get', db, '00ff', '--key-encoding', 'hex', '--json'])
    expect([status, stderr]).toEqual([
      1,
      'mosskv get: the value of "00ff" is not UTF-8: say --hex or --base64\n',
    ])
    expect((await mosskv(['put', db, '0g', '00', '--hex'])).stderr).toBe(
      'mosskv put: the key "0g" is not hexadecimal (pairs of 0-9, a-f); see mosskv put --help\n',
    )
    expect((await mosskv(['put', db, 'AP8', '', '--base64'])).stderr).toContain('the key "AP8" is not base64')
  })

  test('values can be JSON, as a program with valueEncoding json keeps them', async () => {
    const db = place()
    await ok(['put', db, 'a', '{ "n": 1 }', '--value-encoding', 'json'])
    const engine = await Engine.open(db, { valueEncoding: 'json' })
    expect(await engine.get('a')).toEqual({ n: 1 })
    await engine.close()
    expect(await ok(['get', db, 'a', '--json', '--value-encoding', 'json'])).toBe(
      '{"key":"a","value":{"n":1}}\n',
    )
    expect((await mosskv(['put', db, 'a', '{', '--value-encoding', 'json'])).status).toBe(2)
  })

  test('a key that begins with a dash goes after --', async () => {
    const db = place()
    await ok(['put', db, '--', '-5', '-v'])
    expect(await ok(['get', db, '--', '-5'])).toBe('-v\n')
  })

  test('del removes keys, and ranges', async () => {
    const db = place()
    await ok(['load', db, '--csv'], { input: 'a:1,x\na:2,x\nb:1,x\nb:2,x\nc,x\n' })
    await ok(['del', db, 'c', 'a:2', 'never there'])
    expect(await ok(['scan', db, '--keys'])).toBe('a:1\nb:1\nb:2\n')
    await ok(['del', db, '--prefix', 'b:'])
    expect(await ok(['scan', db, '--keys'])).toBe('a:1\n')
    expect((await mosskv(['del', db])).stderr).toContain('<key> is missing (or a range')
    expect((await mosskv(['del', db, 'a:1', '--prefix', 'a'])).status).toBe(2)
    expect(await ok(['scan', db, '--keys'])).toBe('a:1\n')
  })

  test('an empty prefix does not remove everything', async () => {
    const db = place()
    await ok(['put', db, 'a', '1'])
    const { status, stderr } = await mosskv(['del', db, '--prefix', ''])
    expect([status, stderr]).toEqual([
      2,
      'mosskv del: the range is everything: to remove that, use destroy; see mosskv del --help\n',
    ])
    expect(await ok(['count', db])).toBe('1\n')
  })
})
