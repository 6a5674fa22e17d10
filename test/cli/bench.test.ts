import { mkdirSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { mosskv, ok } from '../lib/cli.js'
import { place } from '../lib/temporary.js'

describe('mosskv bench', () => {
  test('measures in the directory it is given and leaves nothing behind', async () => {
    const directory = place()
    mkdirSync(directory)
    const words = ['bench', directory, '--entries', '2000', '--value-bytes', '10']
    const { entries, figures } = JSON.parse(await ok([...words, '--json']))
    expect(entries).toBe(2_000)
    const names = figures.map(({ name }: { name: string }) => name)
    expect(names).toEqual(['put', 'put durable', 'batch', 'get', 'getSync', 'getMany', 'scan', 'scan'])
    for (const { perSecond, operations } of figures) {
      expect(perSecond).toBeGreaterThan(0)
      expect(operations).toBeGreaterThan(0)
    }
    expect(await ok(words)).toMatch(/^get +one at a time, awaited, random +[\d,.]+\/s +[\d.]+ µs$/m)
    expect(readdirSync(directory)).toEqual([])
  })

  test('refuses numbers that are none', async () => {
    expect((await mosskv(['bench', '--entries', '0'])).status).toBe(2)
  })
})
