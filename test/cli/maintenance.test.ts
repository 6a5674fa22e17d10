import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { mosskv, ok } from '../lib/cli.js'
import { place } from '../lib/temporary.js'

async function filled(): Promise<string> {
  const db = place()
  const engine = await Engine.open(db)
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 2_000; i++) engine.put(`key ${i}`, `round ${round} ${'x'.repeat(50)}`)
    await engine.flush()
  }
  await engine.close()
  return db
}

describe('mosskv stats, tree, verify and compact', () => {
  test('stats and tree show the levels', async () => {
    const db = await filled()
    const stats = JSON.parse(await ok(['stats', db, '--json']))
    const sum = (what: string) =>
      stats.levels.reduce((sum: number, level: Record<string, number>) => sum + level[what]!, 0)
    expect(stats.location).toBe(db)
    expect(stats.disk.bytes).toBeGreaterThan(sum('bytes'))
    expect(await ok(['stats', db])).toMatch(
      new RegExp(`^in tables +${sum('entries').toLocaleString('en-US')} records$`, 'm'),
    )
    expect(await ok(['tree', db])).toMatch(/^ *L\d +█+ +[\d.]+ kB +\d tables? +[\d,]+ records$/m)
  })

  test('an empty database has an empty tree', async () => {
    const db = place()
    await (await Engine.open(db)).close()
    expect(await ok(['tree', db])).toBe('(empty)\n')
    expect(await ok(['stats', db])).toMatch(/^in tables +0 records$/m)
  })

  test('compact drops what was overwritten', async () => {
    const db = await filled()
    const { before, after } = JSON.parse(await ok(['compact', db, '--json']))
    expect(after).toBeLessThan(before)
    const { levels } = JSON.parse(await ok(['stats', db, '--json']))
    expect(levels.reduce((sum: number, level: { entries: number }) => sum + level.entries, 0)).toBe(2_000)
    expect(await ok(['compact', db])).toBe('')
    expect(await ok(['count', db])).toBe('2000\n')
  })

  test('verify is content with a database as it was left, and names what is damaged', async () => {
    const db = await filled()
    expect(await ok(['verify', db])).toMatch(/^ok: \d tables? \(.*\) and 0 log records read\n$/)
    expect(JSON.parse(await ok(['verify', db, '--json']))).toMatchObject({ ok: true, problems: [] })
    const table = join(db, readdirSync(db).find(name => name.endsWith('.mst')) as string)
    const bytes = readFileSync(table)
    bytes[1_000]! ^= 1
    writeFileSync(table, bytes)
    const { status, stdout, stderr } = await mosskv(['verify', db])
    expect([status, stderr]).toEqual([1, ''])
    expect(stdout).toMatch(/^CORRUPTION: .*\.mst.*\n1 problem: /)
    const json = await mosskv(['verify', db, '--json'])
    expect(json.status).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, problems: [{ code: 'CORRUPTION' }] })
  })
})
