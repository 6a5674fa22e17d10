import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageRoot } from '../lib/child.js'
import { mosskv, ok, program } from '../lib/cli.js'
import { place } from '../lib/temporary.js'

const COMMANDS = ['open', 'get', 'put', 'del', 'scan', 'count', 'load', 'dump', 'stats', 'tree', 'verify']
const ALL = [...COMMANDS, 'compact', 'bench', 'destroy']

describe('usage', () => {
  test('the overview names every command, on standard error and with exit code 2 when none was given', async () => {
    const overview = await ok(['--help'])
    for (const name of ALL) expect(overview).toMatch(new RegExp(`^  ${name} +\\w`, 'm'))
    expect(await ok(['help'])).toBe(overview)
    expect(await mosskv([])).toMatchObject({ status: 2, stdout: '', stderr: overview })
  })

  test.each(ALL)('help of %s has its usage, its options and examples that fit a line', async name => {
    const text = await ok(['help', name])
    expect(text).toContain(`Usage: mosskv ${name}`)
    expect(text).toMatch(/^Examples\n {2}\S/m)
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('--help anywhere on a command line shows the help and does nothing', async () => {
    expect(await ok(['put', 'nowhere', 'a', '--help'])).toBe(await ok(['help', 'put']))
  })

  test('the package names the program, which says that Node runs it', () => {
    const { bin } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))
    expect(join(packageRoot, bin.mosskv)).toBe(program)
    expect(readFileSync(program, 'utf8').split('\n', 1)).toEqual(['#!/usr/bin/env node'])
  })

  test('the version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))
    expect(await ok(['--version'])).toBe(`${version}\n`)
  })

  const wrong: [words: string[], message: string][] = [
    [['scna'], 'mosskv: there is no command "scna"; did you mean scan?; see mosskv --help'],
    [['.'], 'mosskv: a command goes before the database: mosskv open ., mosskv scan ., …; see mosskv --help'],
    [
      ['scan', 'db', 'user:'],
      'mosskv scan: "user:" is one argument too many (a range of keys: --prefix user:); see mosskv scan --help',
    ],
    [['get'], 'mosskv get: <database> is missing; see mosskv get --help'],
    [['get', 'db'], 'mosskv get: <key> is missing; see mosskv get --help'],
    [
      ['get', '', 'a'],
      'mosskv get: <database> is empty: it must be the path of a directory; see mosskv get --help',
    ],
    [
      ['get', 'db', 'a', 'b'],
      'mosskv get: "b" is one argument too many (quote what has spaces); see mosskv get --help',
    ],
    [
      ['scan', 'db', '--limt', '1'],
      'mosskv scan: there is no option --limt; did you mean --limit? (a key that begins with - goes after --); see mosskv scan --help',
    ],
    [
      ['scan', 'db', '-n'],
      'mosskv scan: --limit needs an argument (one that begins with - is given as --limit=-…); see mosskv scan --help',
    ],
    [
      ['scan', 'db', '-n', '-5'],
      'mosskv scan: -n needs an argument (one that begins with - is given as -n-…); see mosskv scan --help',
    ],
    [['scan', 'db', '--json=1'], 'mosskv scan: --json takes no argument; see mosskv scan --help'],
    [
      ['scan', 'db', '-n', '1.5'],
      'mosskv scan: --limit is "1.5": it must be a whole number from 0 on; see mosskv scan --help',
    ],
    [
      ['scan', 'db', '--key-encoding', 'json'],
      'mosskv scan: --key-encoding is "json": it must be one of utf8, hex, base64; see mosskv scan --help',
    ],
  ]
  test.each(wrong)('%j is refused with one line and exit code 2', async (words, message) => {
    expect(await mosskv(words, { cwd: join(place(), '..') })).toMatchObject({
      status: 2,
      stdout: '',
      stderr: `${message}\n`,
    })
  })
})
