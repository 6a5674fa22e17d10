import { Engine, MossError } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { closing, failure, fresh, place } from './lib/temporary.js'

async function refused(call: () => unknown, ...names: string[]) {
  const error = await failure(call)
  expect(error).toBeInstanceOf(MossError)
  expect(error.code).toBe('INVALID_ARGUMENT')
  for (const name of names) expect(error.message).toContain(name)
}

describe('wrong arguments', () => {
  test('options of open are checked, each by name', async () => {
    const wrong: [unknown, ...string[]][] = [
      [{ memtableByte: 1 }, 'memtableByte', 'memtableBytes'],
      [{ memtableBytes: Number.NaN }, 'memtableBytes', 'NaN', '65536'],
      [{ memtableBytes: -1 }, 'memtableBytes', '-1'],
      [{ memtableBytes: 2 ** 33 }, 'memtableBytes'],
      [{ memtableBytes: '64' }, 'memtableBytes'],
      [{ maxTables: 0 }, 'maxTables'],
      [{ maxTables: 1.5 }, 'maxTables'],
      [{ maxTables: 2 ** 32 }, 'maxTables', '4294967296'],
      [{ maxTables: Number.POSITIVE_INFINITY }, 'maxTables'],
      [{ maxOpenFiles: 3 }, 'maxOpenFiles'],
      [{ blockBytes: 100 }, 'blockBytes'],
      [{ compactionThreads: 0 }, 'compactionThreads'],
      [{ createIfMissing: 'yes' }, 'createIfMissing'],
      [{ paranoid: 1 }, 'paranoid'],
      [{ durability: 'ram' }, 'durability', "'memory'"],
      [{ compression: 'gzip' }, 'compression'],
      [{ compression: 'zstd:20' }, 'compression'],
      [{ compression: [] }, 'compression'],
      [{ compression: Array(8).fill('lz4') }, 'compression'],
      [{ filterBitsPerKey: 33 }, 'filterBitsPerKey'],
      [{ filterBitsPerKey: [10, -1] }, 'filterBitsPerKey'],
      [{ keyEncoding: 'utf16' }, 'keyEncoding'],
      [{ valueEncoding: 'toString' }, 'valueEncoding'],
      [{ readOnly: true, errorIfExists: true }, 'readOnly'],
      ['fast', 'options'],
      [null, 'options'],
      [[], 'options'],
    ]
    for (const [options, ...names] of wrong)
      await refused(() => Engine.open(place(), options as never), ...names)
  })

  test('locations are checked', async () => {
    for (const location of ['', 'a\0b', undefined, null, 7, {}, new URL('http://example.com/')]) {
      await refused(() => Engine.open(location as never), 'location')
      await refused(() => Engine.destroy(location as never), 'location')
      await refused(() => Engine.verify(location as never), 'location')
    }
  })

  test('all good options open', async () => {
    const e = closing(
      await Engine.open(place(), {
        createIfMissing: true,
        errorIfExists: true,
        readOnly: false,
        durability: 'disk',
        memtableBytes: 64 * 1024,
        maxTables: 1000,
        cacheBytes: 0,
        maxOpenFiles: 16,
        compression: ['none', 'lz4', 'zstd', 'zstd:19'],
        filterBitsPerKey: [10, 0],
        blockBytes: 512,
        tableBytes: 64 * 1024,
        compactionThreads: 2,
        paranoid: true,
      }),
    )
    for (let i = 0; i < 3000; i++) e.put(`k${i}`, 'v'.repeat(100))
    await e.compact()
    expect(await e.get('k2999')).toBe('v'.repeat(100))
  })

  test('keys and values of the wrong type are refused, and nothing is written', async () => {
    const e = await fresh()
    for (const wrong of [undefined, null, 0, 1n, true, {}, [], Symbol('s'), () => 1, Buffer.from('x')]) {
      await refused(() => e.put(wrong as never, 'v'), 'key')
      await refused(() => e.put('k', wrong as never), 'value')
      await refused(() => e.putSync('k', wrong as never), 'value')
      await refused(() => e.get(wrong as never), 'key')
      await refused(() => e.getSync(wrong as never), 'key')
      await refused(() => e.getOrThrow(wrong as never), 'key')
      await refused(() => e.has(wrong as never), 'key')
      await refused(() => e.del(wrong as never), 'key')
      await refused(() => e.getMany(['a', wrong] as never), 'keys[1]')
      await refused(() => e.hasMany([wrong] as never), 'keys[0]')
    }
    await refused(() => e.getMany('ab' as never), 'keys')
    expect(await e.keys().all()).toEqual([])
  })

  test('unknown options of every method are refused', async () => {
    const e = await fresh()
    const calls: ((options: never) => unknown)[] = [
      options => e.put('k', 'v', options),
      options => e.putSync('k', 'v', options),
      options => e.del('k', options),
      options => e.batch([], options),
      options => e.batch().put('a', 'b').write(options),
      options => e.clear({}, options),
      options => e.clear(options),
      options => e.get('k', options),
      options => e.getSync('k', options),
      options => e.getMany(['k'], options),
      options => e.has('k', options),
      options => e.iterator(options),
      options => e.entriesSync(options),
      options => e.compact(options),
      options => e.approximateSize(options),
    ]
    for (const call of calls) {
      await refused(() => call({ sync: true } as never), 'sync')
      await refused(() => call(5 as never), '5')
      await refused(() => call(null as never), 'null')
    }
    await refused(() => e.put('k', 'v', { durability: 'sync' } as never), 'durability', 'sync')
    await refused(() => e.get('k', { fillCache: 0 } as never), 'fillCache')
    for (const size of [0, -1, 1.5, Number.NaN, 2 ** 32]) {
      const it = e.iterator()
      await refused(() => it.nextv(size), 'size')
      await it.close()
    }
  })

  test('a SharedArrayBuffer is refused, and so is a detached buffer', async () => {
    const e = closing(await Engine.open(place(), { keyEncoding: 'buffer', valueEncoding: 'view' }))
    const shared = new Uint8Array(new SharedArrayBuffer(8))
    await refused(() => e.put(shared, new Uint8Array(1)), 'key', 'SharedArrayBuffer')
    await refused(() => e.put(Buffer.from('k'), shared), 'value', 'SharedArrayBuffer')
    const gone = new Uint8Array(8)
    structuredClone(gone.buffer, { transfer: [gone.buffer] })
    await refused(() => e.put(gone, new Uint8Array(1)), 'key', 'detached')
    await e.put(new Uint8Array(0), new Uint8Array(0))
    expect(await e.get(new Uint8Array(0))).toEqual(new Uint8Array(0))
  })

  test('errors have a name, a code and a message that says what came', async () => {
    const e = await fresh()
    const error = await failure(() => e.put('k', { a: 1 } as never))
    expect(String(error)).toBe('MossError: value is an Object: it must be a string')
    expect(error.name).toBe('MossError')
    expect(error.stack).toContain('arguments.test')
  })
})
