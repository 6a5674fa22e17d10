import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { mosskv, ok } from '../lib/cli.js'
import { place } from '../lib/temporary.js'

describe('mosskv dump', () => {
  test('any bytes come back with --hex and --base64', async () => {
    const db = place()
    const engine = await Engine.open(db, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    const entries = Array.from({ length: 300 }, (_, i) => {
      const bytes = Buffer.from(Array.from({ length: i % 7 }, (_, j) => (i * 31 + j * 57) % 256))
      return [Buffer.concat([Buffer.of(i >> 8, i & 0xff), bytes]), bytes] as const
    })
    await engine.batch(entries.map(([key, value]) => ({ type: 'put', key, value })))
    await engine.close()
    for (const words of [['--hex'], ['--base64'], ['--base64', '--csv']]) {
      const copy = place()
      await ok(['load', copy, ...words], { input: await ok(['dump', db, ...words]) })
      const read = await Engine.open(copy, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
      expect(await read.iterator().all()).toEqual(entries)
      await read.close()
    }
    const { status, stderr } = await mosskv(['dump', db])
    expect([status, stderr]).toEqual([1, expect.stringMatching(/is not UTF-8: say --hex or --base64\n$/)])
  })

  test('a range can be dumped', async () => {
    const db = place()
    await ok(['load', db, '--csv'], { input: 'a,1\nb,2\nc,3\n' })
    expect(await ok(['dump', db, '--gte', 'b'])).toBe('{"key":"b","value":"2"}\n{"key":"c","value":"3"}\n')
    expect(await ok(['dump', db, '--csv', '--lt', 'b'])).toBe('key,value\na,1\n')
  })
})
