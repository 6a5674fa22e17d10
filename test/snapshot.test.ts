import { describe, expect, test } from 'vitest'
import { failure, fresh } from './lib/temporary.js'

describe('snapshots', () => {
  test('see the moment they were taken, through every read', async () => {
    const e = await fresh()
    await e.batch([
      { type: 'put', key: 'a', value: '1' },
      { type: 'put', key: 'b', value: '2' },
    ])
    using snapshot = e.snapshot()
    e.put('a', 'changed')
    e.del('b')
    await e.put('c', 'new')
    await e.flush()
    await e.compact()
    expect(await e.get('a', { snapshot })).toBe('1')
    expect(e.getSync('b', { snapshot })).toBe('2')
    expect(await e.getMany(['a', 'b', 'c'], { snapshot })).toEqual(['1', '2', undefined])
    expect(await e.has('c', { snapshot })).toBe(false)
    expect(await e.keys({ snapshot }).all()).toEqual(['a', 'b'])
    expect([...e.entriesSync({ snapshot, reverse: true })]).toEqual([
      ['b', '2'],
      ['a', '1'],
    ])
    expect(await e.getMany(['a', 'b', 'c'])).toEqual(['changed', undefined, 'new'])
  })

  test('see the writes called before them in the same turn, and none called after', async () => {
    const e = await fresh()
    e.put('a', '1')
    const snapshot = e.snapshot()
    e.put('a', '2')
    expect(await e.get('a', { snapshot })).toBe('1')
    expect(await e.get('a')).toBe('2')
    snapshot.close()
  })

  test('are refused when closed, or when they are of another engine', async () => {
    const [e, other] = [await fresh(), await fresh()]
    const snapshot = e.snapshot()
    snapshot.close()
    snapshot.close()
    expect(await failure(() => e.get('a', { snapshot }))).toMatchObject({ code: 'SNAPSHOT_CLOSED' })
    expect(await failure(() => e.iterator({ snapshot }))).toMatchObject({ code: 'SNAPSHOT_CLOSED' })
    using foreign = other.snapshot()
    expect(await failure(() => e.get('a', { snapshot: foreign }))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(e.stats().snapshots).toBe(0)
    expect(other.stats().snapshots).toBe(1)
  })

  test('an iterator over a snapshot outlives it', async () => {
    const e = await fresh()
    await e.put('a', '1')
    const snapshot = e.snapshot()
    await e.del('a')
    const it = e.keys({ snapshot })
    snapshot.close()
    expect(await it.all()).toEqual(['a'])
  })
})
