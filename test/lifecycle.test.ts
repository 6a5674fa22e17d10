import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { runNode } from './lib/child.js'
import { failure, fresh, place } from './lib/temporary.js'

describe('closing', () => {
  test('waits for what is in flight', async () => {
    const path = place()
    const e = await Engine.open(path, { durability: 'disk' })
    const writes = Promise.all(Array.from({ length: 100 }, (_, i) => e.put(`k${i}`, 'v')))
    const reads = Promise.all([e.get('k1'), e.getMany(['k2', 'k3']), e.keys().all()])
    await e.close()
    await writes
    expect(await reads).toEqual(['v', ['v', 'v'], expect.objectContaining({ length: 100 })])
    const again = await Engine.open(path)
    expect((await again.keys().all()).length).toBe(100)
    await again.close()
  })

  test('twice is fine, and every call after it is refused', async () => {
    const e = await fresh()
    await e.put('a', '1')
    const it = e.iterator()
    const snapshot = e.snapshot()
    const batch = e.batch().put('b', '1')
    const closing = e.close()
    expect(e.closed).toBe(true)
    await Promise.all([closing, e.close()])
    await e.close()
    const calls: (() => unknown)[] = [
      () => e.get('a'),
      () => e.getSync('a'),
      () => e.getOrThrow('a'),
      () => e.getMany(['a']),
      () => e.has('a'),
      () => e.hasMany(['a']),
      () => e.put('a', '1'),
      () => e.putSync('a', '1'),
      () => e.del('a'),
      () => e.clear(),
      () => e.batch([]),
      () => e.batch(),
      () => batch.write(),
      () => batch.put('a', 'b'),
      () => e.iterator(),
      () => e.keys(),
      () => e.values(),
      () => e.entriesSync(),
      () => e.snapshot(),
      () => e.flush(),
      () => e.compact(),
      () => e.approximateSize(),
      () => e.stats(),
      () => e.resume(),
      () => it.next(),
      () => it.nextv(1),
      () => it.all(),
    ]
    for (const call of calls) {
      expect(await failure(call), String(call)).toMatchObject({ name: 'MossError', code: 'DATABASE_CLOSED' })
    }
    await it.close()
    snapshot.close()
    expect(e.lastError).toBeUndefined()
  })

  test('await using closes', async () => {
    const path = place()
    {
      await using e = await Engine.open(path)
      await e.put('a', '1')
    }
    await using again = await Engine.open(path)
    expect(await again.get('a')).toBe('1')
  })

  test('an open directory is locked, with the pid of who has it', async () => {
    const path = place()
    const e = await Engine.open(path)
    const { stdout } = await runNode(`
      await Engine.open(${JSON.stringify(path)}).catch(error => console.log(error.code, error.message))
    `)
    expect(stdout).toContain('DATABASE_LOCKED')
    expect(stdout).toContain(String(process.pid))
    await e.close()
  })
})
