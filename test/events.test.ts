import { expect, test } from 'vitest'
import { fresh } from './lib/temporary.js'

test('write, clear, flush, compaction and close are told', async () => {
  const e = await fresh({ memtableBytes: 64 * 1024 })
  const told: string[] = []
  e.on('write', operations => told.push(`write ${operations.map(({ type, key }) => `${type} ${key}`)}`))
  e.on('clear', range => told.push(`clear ${JSON.stringify(range)}`))
  e.on('close', () => told.push('close'))
  let flushed = 0
  let compacted = 0
  e.on('flush', info => {
    flushed += info.bytes as number
  })
  e.on('compaction', info => {
    compacted += info.inputs as number
  })
  await e.put('a', '1')
  await e.batch([
    { type: 'put', key: 'b', value: '2' },
    { type: 'del', key: 'a' },
  ])
  await e.batch().del('c').write()
  e.putSync('d', '1')
  await e.clear({ lt: 'b' })
  e.removeAllListeners('write')
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 1000; i++) e.put(`k${i}`, 'v'.repeat(50))
    await e.flush()
  }
  await e.compact()
  await e.close()
  expect(told).toEqual([
    'write put a',
    'write put b,del a',
    'write del c',
    'write put d',
    'clear {"lt":"b"}',
    'close',
  ])
  expect(flushed).toBeGreaterThan(0)
  expect(compacted).toBeGreaterThan(0)
})

test('a listener that throws is an uncaught exception of its own, and loses no answer', async () => {
  const e = await fresh()
  const seen: unknown[] = []
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', error => seen.push((error as Error).message))
  e.on('flush', () => {
    throw new Error('mine')
  })
  await e.put('a', '1')
  await e.flush()
  await new Promise(resolve => setTimeout(resolve, 20))
  for (const listener of before) process.on('uncaughtException', listener)
  expect(seen).toEqual(['mine'])
  expect(await e.get('a')).toBe('1')
})
