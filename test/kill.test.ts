import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { startNode } from './lib/child.js'
import { place } from './lib/temporary.js'

describe('kill -9 of a real process', () => {
  const styles: Record<string, string> = {
    'one put at a time': `await e.put('k' + n, 'v' + n); acknowledge(n); n++`,
    'many puts in flight': `
      const from = n
      const writes = Array.from({ length: 50 }, () => e.put('k' + n, 'v' + n++))
      await Promise.all(writes); acknowledge(n - 1)
      if (n !== from + 50) throw new Error('lost count')`,
    'batches with disk durability': `
      await e.batch([0, 1, 2].map(i => ({ type: 'put', key: 'k' + (n + i), value: 'v' + (n + i) })), { durability: 'disk' })
      n += 3; acknowledge(n - 1)`,
  }
  for (const [name, step] of Object.entries(styles)) {
    test(`${name}: every acknowledged write is there, again and again`, async () => {
      const path = place()
      let acknowledged = -1
      for (const delay of [40, 5, 120, 15, 80]) {
        let ready: () => void
        const started = new Promise<void>(resolve => {
          ready = resolve
        })
        const child = startNode(
          `
          import { writeSync } from 'node:fs'
          const e = await Engine.open(${JSON.stringify(path)}, { memtableBytes: 65536 })
          let n = ${acknowledged + 1}
          const acknowledge = number => writeSync(1, number + '\\n')
          writeSync(1, 'ready\\n')
          for (;;) { ${step} }
        `,
          line => {
            if (line === 'ready') ready()
            else acknowledged = Math.max(acknowledged, Number(line))
          },
        )
        await Promise.race([started, child.closed])
        await new Promise(resolve => setTimeout(resolve, delay))
        child.kill()
        expect(await child.closed).toBe('SIGKILL')
        const e = await Engine.open(path)
        const keys = Array.from({ length: acknowledged + 1 }, (_, i) => `k${i}`)
        expect(await e.getMany(keys)).toEqual(keys.map((_, i) => `v${i}`))
        // Beyond what was acknowledged there may be more, without a hole.
        const found = (await e.keys().all()).length
        expect(found).toBeGreaterThanOrEqual(keys.length)
        expect(await e.has(`k${found - 1}`)).toBe(true)
        expect((await Engine.verify(path).catch(error => error)).code).toBe('DATABASE_LOCKED')
        await e.close()
        expect((await Engine.verify(path)).problems).toEqual([])
      }
      expect(acknowledged).toBeGreaterThan(0)
    })
  }
})
