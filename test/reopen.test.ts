import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { closing, failure, place } from './lib/temporary.js'

describe('opening again', () => {
  test('finds everything that was written before the close', async () => {
    const path = place()
    for (let round = 0; round < 4; round++) {
      const e = await Engine.open(path, { memtableBytes: 64 * 1024 })
      expect((await e.keys().all()).length).toBe(round * 1000)
      for (let i = 0; i < 1000; i++) e.put(`${round} ${i}`, `${i}`.repeat(20))
      if (round === 2) await e.flush()
      await e.close()
    }
    const e = closing(await Engine.open(path, { readOnly: true }))
    expect(await e.get('3 999')).toBe('999'.repeat(20))
    expect(await failure(() => e.put('a', '1'))).toMatchObject({ code: 'READ_ONLY' })
    expect(await failure(() => e.putSync('a', '1'))).toMatchObject({ code: 'READ_ONLY' })
  })

  test('a missing or an existing database is refused as asked', async () => {
    const path = place()
    expect(await failure(() => Engine.open(path, { createIfMissing: false }))).toMatchObject({
      code: 'DATABASE_NOT_FOUND',
    })
    expect(await failure(() => Engine.open(path, { readOnly: true }))).toMatchObject({
      code: 'DATABASE_NOT_FOUND',
    })
    await (await Engine.open(pathToFileURL(path))).close()
    expect(await failure(() => Engine.open(path, { errorIfExists: true }))).toMatchObject({
      code: 'DATABASE_EXISTS',
    })
    await (await Engine.open(path, { createIfMissing: false })).close()
  })

  test('verify reports what it read, and destroy removes it but nothing else', async () => {
    const path = place()
    const e = await Engine.open(path)
    for (let i = 0; i < 1000; i++) e.put(`k${i}`, 'v')
    await e.flush()
    expect(await failure(() => Engine.verify(path))).toMatchObject({ code: 'DATABASE_LOCKED' })
    expect(await failure(() => Engine.destroy(path))).toMatchObject({ code: 'DATABASE_LOCKED' })
    await e.close()
    const report = await Engine.verify(path)
    expect(report).toMatchObject({ tables: 1, problems: [] })
    expect(report.blocks).toBeGreaterThan(0)
    writeFileSync(join(path, 'mine.txt'), 'keep')
    await Engine.destroy(path)
    expect(existsSync(join(path, 'mine.txt'))).toBe(true)
    expect(existsSync(join(path, 'CURRENT'))).toBe(false)
    expect(await failure(() => Engine.open(path, { createIfMissing: false }))).toMatchObject({
      code: 'DATABASE_NOT_FOUND',
    })
    await Engine.destroy(join(path, 'nowhere'))
  })

  test('a file in the way is refused', async () => {
    const path = place()
    writeFileSync(path, 'a file')
    expect((await failure(() => Engine.open(path))).code).toMatch(/INVALID_ARGUMENT|IO_ERROR/)
    mkdirSync(`${path}2`)
    await (await Engine.open(`${path}2`)).close()
  })

  test('encodings may change between opens, bytes do not', async () => {
    const path = place()
    const text = await Engine.open(path)
    await text.put('é', 'ü')
    await text.close()
    const e = closing(await Engine.open(path, { keyEncoding: 'buffer', valueEncoding: 'view' }))
    expect(await e.get(Buffer.from('é'))).toEqual(new Uint8Array(Buffer.from('ü')))
  })
})
