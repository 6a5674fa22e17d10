import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { startNode } from './lib/child.js'
import { closing, fresh, place } from './lib/temporary.js'

describe('durability', () => {
  test('disk writes are synced, others are not', async () => {
    const e = await fresh()
    const base = e.stats().syncs
    for (let i = 0; i < 10; i++) await e.put('a', `${i}`)
    expect(e.stats().syncs).toBe(base)
    for (let i = 0; i < 10; i++) await e.put('b', `${i}`, { durability: 'disk' })
    expect(e.stats().syncs).toBe(base + 10)
    await Promise.all(Array.from({ length: 100 }, (_, i) => e.put(`c${i}`, 'v', { durability: 'disk' })))
    expect(e.stats().syncs).toBe(base + 11)
    e.putSync('d', '1', { durability: 'disk' })
    expect(e.stats().syncs).toBe(base + 12)
  })

  test('memory writes are not logged, and a clean close keeps them', async () => {
    const path = place()
    const e = await Engine.open(path, { durability: 'memory' })
    const logged = e.stats().bytesLogged
    await e.put('a', '1')
    expect(e.stats().bytesLogged).toBe(logged)
    await e.put('b', '1', { durability: 'os' })
    expect(e.stats().bytesLogged).toBeGreaterThan(logged)
    await e.close()
    const again = closing(await Engine.open(path))
    expect(await again.keys().all()).toEqual(['a', 'b'])
  })

  test('a turn gets the strongest durability asked for in it', async () => {
    const e = await fresh({ durability: 'memory' })
    const { syncs, groups } = e.stats()
    e.put('a', '1')
    e.del('b', { durability: 'disk' })
    await e.put('c', '1', { durability: 'os' })
    expect(e.stats().syncs).toBe(syncs + 1)
    expect(e.stats().groups).toBe(groups + 1)
  })

  test('memory writes may be lost by kill -9, os writes are not', async () => {
    const path = place()
    const child = startNode(
      `
      const e = await Engine.open(${JSON.stringify(path)}, { durability: 'memory' })
      await e.put('memory', '1')
      await e.put('os', '1', { durability: 'os' })
      console.log('written')
      setInterval(() => {}, 1000)
    `,
      () => child.kill(),
    )
    expect(await child.closed).toBe('SIGKILL')
    const e = closing(await Engine.open(path))
    expect(await e.get('os')).toBe('1')
    expect(e.stats().recovered).toBeGreaterThan(0)
  })
})
