import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { mosskv, ok } from '../lib/cli.js'
import { fresh, place } from '../lib/temporary.js'

const READING = [['get', 'a'], ['scan'], ['count'], ['dump'], ['stats'], ['tree']]

function files(directory: string): [string, number, number][] {
  return readdirSync(directory).map(name => {
    const { size, mtimeMs } = statSync(join(directory, name))
    return [name, size, mtimeMs]
  })
}

describe('commands that read', () => {
  test('work beside the program that writes, see its writes, and change nothing', async () => {
    const engine = await fresh()
    await engine.batch([
      { type: 'put', key: 'a', value: '1' },
      { type: 'put', key: 'b', value: '2' },
    ])
    const before = files(engine.location)
    for (const [name, ...words] of READING) await ok([name as string, engine.location, ...words])
    expect(await ok(['scan', engine.location])).toBe('a\t1\nb\t2\n')
    expect(await ok(['stats', engine.location])).toMatch(/^in the log +1 memtable not yet in tables$/m)
    expect(files(engine.location)).toEqual(before)
  })

  test('make no database where there is none', async () => {
    const path = place()
    mkdirSync(path)
    for (const [name, ...words] of [...READING, ['del', 'a'], ['verify'], ['compact'], ['destroy', '-y']]) {
      const { status, stderr } = await mosskv([name as string, path, ...words])
      expect([status, stderr]).toEqual([
        1,
        `mosskv ${name}: there is no database in ${path}: check the path (put and load make one) (DATABASE_NOT_FOUND)\n`,
      ])
    }
    expect(readdirSync(path)).toEqual([])
  })
})

describe('commands that write', () => {
  test('are refused while another program writes, with its pid', async () => {
    const engine = await fresh()
    await engine.put('a', '1')
    for (const words of [['put', 'a', '2'], ['del', 'a'], ['compact'], ['verify'], ['destroy', '-y']]) {
      const [name, ...rest] = words as [string]
      const { status, stderr } = await mosskv([name, engine.location, ...rest])
      expect([status, stderr]).toEqual([
        1,
        expect.stringMatching(new RegExp(`^mosskv ${name}: .*pid ${process.pid}.*\\(DATABASE_LOCKED\\)\\n$`)),
      ])
    }
    expect(await engine.get('a')).toBe('1')
  })

  test('make no database among other files', async () => {
    const path = place()
    mkdirSync(path)
    writeFileSync(join(path, 'thesis.tex'), '')
    const { status, stderr } = await mosskv(['put', path, 'a', '1'])
    expect([status, stderr]).toEqual([
      1,
      `mosskv put: ${path} holds no database but other files ("thesis.tex"): name a directory that is new or empty\n`,
    ])
    expect(readdirSync(path)).toEqual(['thesis.tex'])
    expect((await mosskv(['put', join(path, 'thesis.tex'), 'a', '1'])).stderr).toContain('is not a directory')
  })

  test('are what the engine reads', async () => {
    const db = place()
    await ok(['put', db, 'a', '1'])
    const engine = await Engine.open(db, { createIfMissing: false })
    expect(await engine.get('a')).toBe('1')
    await engine.close()
  })
})
