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

describe('the end of the process', () => {
  const cases: Record<string, string> = {
    'with an open engine and nothing to do': `console.log('done')`,
    'with pending puts': `for (let i = 0; i < 1000; i++) e.put('k' + i, 'v', { durability: 'disk' }); console.log('done')`,
    'process.exit with pending puts': `
      for (let i = 0; i < 1000; i++) e.put('k' + i, 'v', { durability: 'disk' })
      e.flush(); e.compact(); e.keys().all()
      console.log('done'); process.exit(0)`,
    'process.exit after a turn': `
      for (let i = 0; i < 1000; i++) e.put('k' + i, 'v'.repeat(1000), { durability: 'disk' })
      await null; await null
      e.get('k1'); e.close(); console.log('done'); process.exit(0)`,
    'with an open iterator and a snapshot': `
      await e.put('a', '1'); globalThis.it = e.iterator(); globalThis.s = e.snapshot(); await it.next(); console.log('done')`,
  }
  for (const [name, code] of Object.entries(cases)) {
    test(name, async () => {
      const { stdout, status, signal } = await runNode(`
        const e = await Engine.open(${JSON.stringify(place())}, { memtableBytes: 65536 })
        ${code}
      `)
      expect(stdout.trim()).toBe('done')
      expect({ status, signal }).toEqual({ status: 0, signal: null })
    })
  }

  test('pending answers keep the process alive', async () => {
    const { stdout, status } = await runNode(`
      const e = await Engine.open(${JSON.stringify(place())})
      await e.put('a', '1', { durability: 'disk' })
      console.log(await e.get('a'))
      await e.flush()
      await e.close()
      console.log('end')
    `)
    expect(stdout).toBe('1\nend\n')
    expect(status).toBe(0)
  })

  test('what is collected unclosed is closed', async () => {
    const path = JSON.stringify(place())
    const { stdout, status, signal } = await runNode(
      `
      const turn = () => new Promise(resolve => setTimeout(resolve, 10))
      await (async () => {
        const e = await Engine.open(${path})
        await e.put('a', '1')
        for (let i = 0; i < 100; i++) { e.snapshot(); await e.iterator().next(); e.batch().put('x', 'y') }
      })()
      let e
      for (let i = 0; i < 500 && !e; i++) {
        globalThis.gc()
        await turn()
        e = await Engine.open(${path}).catch(error => { if (error.code !== 'DATABASE_LOCKED') throw error })
      }
      console.log(await e.get('a'))
      for (let i = 0; i < 100; i++) { e.snapshot(); await e.iterator().next() }
      for (let i = 0; i < 500 && e.stats().snapshots > 0; i++) { globalThis.gc(); await turn() }
      console.log(e.stats().snapshots)
      await e.close()
    `,
      ['--expose-gc'],
    )
    expect(stdout).toBe('1\n0\n')
    expect({ status, signal }).toEqual({ status: 0, signal: null })
  })
})
