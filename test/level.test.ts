import { execFileSync } from 'node:child_process'
import { setImmediate as turn } from 'node:timers/promises'
import { MossError } from 'mosskv'
import { LevelError, type LevelOptions, MossLevel } from 'mosskv/level'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { packageRoot, runNode } from './lib/child.js'
import { closing, failure, place } from './lib/temporary.js'

// What abstract-level promises is tested by its own suite, in `level/suite.mjs`; here is what `mosskv/level` adds.

async function fresh(options: LevelOptions<string, string> = {}): Promise<MossLevel> {
  const db = closing(new MossLevel(place(), options))
  await db.open()
  return db
}

async function fill(db: MossLevel, count: number): Promise<void> {
  const keys = Array.from({ length: count }, (_, i) => String(i).padStart(6, '0'))
  await db.batch(keys.map(key => ({ type: 'put', key, value: 'v' })))
}

describe('MossLevel', () => {
  test('is in an ES module and a CommonJS module, the same class', () => {
    const code = `
      import { createRequire } from 'node:module'
      import { MossLevel } from 'mosskv/level'
      console.log(createRequire(import.meta.url)('mosskv/level').MossLevel === MossLevel)`
    const flags = ['--input-type=module', '-e', code]
    expect(execFileSync(process.execPath, flags, { cwd: packageRoot, encoding: 'utf8' })).toBe('true\n')
  })

  test('keeps what was written, also for a second instance', async () => {
    const location = place()
    const first = closing(new MossLevel<string, { n: number }>(location, { valueEncoding: 'json' }))
    await first.sublevel('a').put('k', 'v')
    await first.put('k', { n: 1 })
    await first.close()
    const second = closing(new MossLevel<string, { n: number }>(location, { valueEncoding: 'json' }))
    expect(await second.get('k')).toEqual({ n: 1 })
    expect(await second.sublevel('a').get('k')).toBe('v')
    expect(second.location).toBe(location)
    await second.close()
    await MossLevel.destroy(location)
    const third = closing(new MossLevel(location, { createIfMissing: false }))
    expect(await failure(() => third.open())).toMatchObject({ cause: { code: 'LEVEL_DATABASE_NOT_FOUND' } })
  })

  test('reads and writes each call in its own encoding', async () => {
    const db = await fresh()
    await db.put(Buffer.from('é'), new Uint8Array([0xc3, 0xbc]), {
      keyEncoding: 'buffer',
      valueEncoding: 'view',
    })
    expect(await db.get('é')).toBe('ü')
    expect(await db.getMany(['é'], { valueEncoding: 'buffer' })).toEqual([Buffer.from('ü')])
    expect(db.getSync('é', { valueEncoding: 'hex' })).toBe('c3bc')
    expect(await db.iterator({ keyEncoding: 'hex' }).all()).toEqual([['c3a9', 'ü']])
    expect(await db.keys({ keyEncoding: 'buffer' }).all()).toEqual([Buffer.from('é')])
    expect(await db.values({ valueEncoding: 'buffer' }).all()).toEqual([Buffer.from('ü')])
  })

  test('of two bounds on one side, the one that includes its key counts', async () => {
    const db = await fresh()
    await fill(db, 5)
    const range = { gt: '000003', gte: '000001', lt: '000001', lte: '000002' }
    expect(await db.keys(range).all()).toEqual(['000001', '000002'])
    await db.clear(range)
    expect(await db.keys().all()).toEqual(['000000', '000003', '000004'])
  })

  test('counts what the engine does', async () => {
    const db = new MossLevel(place())
    expect(await failure(() => db.stats())).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    await closing(db).open()
    const before = db.stats().lastSeqno
    await db.put('a', '1')
    expect(db.stats().lastSeqno).toBe(before + 1)
  })
})

describe('writes', () => {
  test('with `sync` or a durability are forced to the disk', async () => {
    const db = await fresh()
    let syncs = db.stats().syncs
    const synced = () => {
      const more = db.stats().syncs - syncs
      syncs += more
      return more > 0
    }
    await db.put('a', '1')
    await db.put('a', '1', { sync: false })
    expect(synced()).toBe(false)
    await db.put('a', '1', { sync: true })
    expect(synced()).toBe(true)
    await db.del('a', { durability: 'disk' })
    expect(synced()).toBe(true)
    await db.batch([{ type: 'put', key: 'a', value: '1' }], { sync: true })
    expect(synced()).toBe(true)
    await db.batch().put('a', '1').write({ sync: true })
    expect(synced()).toBe(true)
    await db.del('a', { sync: true, durability: 'os' })
    expect(synced()).toBe(false)
  })

  test('of values that expire do so, alone and in batches', async () => {
    const db = await fresh()
    const past = { expiresAt: Date.now() - 1 }
    await db.put('a', '1', past)
    await db.batch([{ type: 'put', key: 'b', value: '1', ...past }])
    await db.batch([{ type: 'put', key: 'c', value: '1' }], past)
    await db.batch().put('d', '1', past).put('e', '1', { ttl: 60_000 }).write()
    await db.put('f', '1', { ttl: 60_000 })
    expect(await db.keys().all()).toEqual(['e', 'f'])
    expect(await failure(() => db.put('g', '1', { ttl: 0 }))).toMatchObject({
      code: 'LEVEL_INVALID_ARGUMENT',
    })
  })

  test('refuse what is no text or too long, and tell why', async () => {
    const db = await fresh()
    for (const write of [
      () => db.put('\ud800', 'v'),
      () => db.put('k'.repeat(65_537), 'v'),
      () => db.batch([{ type: 'put', key: 'k', value: '\udfff' }]),
      () => db.batch().put('\ud800', 'v'),
    ]) {
      const error = await failure(write)
      expect(error).toBeInstanceOf(LevelError)
      expect(error).toMatchObject({ code: 'LEVEL_INVALID_ARGUMENT' })
      expect(error.cause).toBeInstanceOf(MossError)
    }
    expect(await db.keys().all()).toEqual([])
  })
})

describe('clear', () => {
  test('of a range is one tombstone', async () => {
    const db = await fresh()
    await fill(db, 3000)
    const before = db.stats().lastSeqno
    await db.clear({ gte: '000001', lt: 'z' })
    expect(db.stats().lastSeqno).toBe(before + 1)
    expect(await db.keys().all()).toEqual(['000000'])
  })

  test('with a limit deletes that many, from the end that is asked for', async () => {
    const db = await fresh()
    await fill(db, 3000)
    await db.clear({ limit: 1500, reverse: true })
    await db.clear({ limit: 1 })
    const keys = await db.keys().all()
    expect([keys.length, keys[0], keys.at(-1)]).toEqual([1499, '000001', '001499'])
  })

  test('with a snapshot deletes what was there then', async () => {
    const db = await fresh()
    await fill(db, 1500)
    const snapshot = db.snapshot()
    await db.put('000000a', 'later')
    await db.clear({ snapshot, lt: '001400' })
    await snapshot.close()
    expect((await db.keys().all()).length).toBe(101)
    expect(await db.get('000000a')).toBe('later')
  })
})

describe('iterators', () => {
  test('can be aborted while they read, and then let the database close', async () => {
    const db = await fresh()
    await fill(db, 20_000)
    for (const read of [
      (signal: AbortSignal) => db.iterator({ signal }).all(),
      (signal: AbortSignal) => db.keys({ signal }).all(),
      (signal: AbortSignal) => db.values({ signal }).all(),
    ]) {
      const abort = new AbortController()
      const reading = read(abort.signal)
      setImmediate(() => abort.abort())
      const error = await failure(() => reading)
      expect(error).toMatchObject({ code: 'LEVEL_ABORTED', name: 'AbortError' })
    }
    await db.close()
  })

  test('let the event loop turn', async () => {
    const db = await fresh()
    await fill(db, 20_000)
    let turns = 0
    let done = false
    const counting = (async () => {
      for (; !done; turns++) await turn()
    })()
    expect((await db.iterator().all()).length).toBe(20_000)
    done = true
    await counting
    expect(turns).toBeGreaterThan(10)
  })

  test('that could not be opened say so when they are read, and let the database close', async () => {
    const db = await fresh()
    const range = { gte: 'k'.repeat(65_537) }
    expect(await failure(() => db.iterator(range).next())).toMatchObject({ code: 'LEVEL_INVALID_ARGUMENT' })
    expect(await failure(() => db.keys(range).all())).toMatchObject({ code: 'LEVEL_INVALID_ARGUMENT' })
    const other = await fresh()
    const snapshot = other.snapshot()
    expect(await failure(() => db.values({ snapshot }).nextv(1))).toMatchObject({
      code: 'LEVEL_INVALID_ARGUMENT',
    })
    await db.close()
  })
})

describe('opening', () => {
  test('takes the options of Engine.open, those of classic-level, and any others', async () => {
    const db = await fresh({
      writeBufferSize: 64 * 1024,
      cacheSize: 2 ** 20,
      blockSize: 4096,
      compression: false,
      ...{ blockRestartInterval: 16, hello: 'hook' },
    })
    for (let i = 0; i < 20; i++) await db.put(String(i), 'x'.repeat(10_000))
    expect(db.stats().flushes + db.stats().immutableMemtables).toBeGreaterThan(0)

    for (const options of [
      { writeBufferSize: 1 },
      { memtableBytes: 1 },
      { writeBufferSize: 2 ** 20, memtableBytes: 1 },
    ]) {
      const error = await failure(() => new MossLevel(place(), options).open())
      expect(error).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
      expect(error.cause).toMatchObject({
        code: 'LEVEL_INVALID_ARGUMENT',
        message: expect.stringContaining('memtableBytes'),
      })
    }
  })

  test('of a wrong location fails at once', () => {
    expect(() => new MossLevel('')).toThrow(LevelError)
    expect(() => new MossLevel({} as string)).toThrow(/location/)
  })

  test('by a second process is refused with LEVEL_LOCKED', async () => {
    const db = await fresh()
    const level = new URL('../dist/level.mjs', import.meta.url).href
    const { stdout } = await runNode(`
      const { MossLevel } = await import(${JSON.stringify(level)})
      const db = new MossLevel(${JSON.stringify(db.location)})
      await db.open().catch(error => console.log(error.code, error.cause.code))`)
    expect(stdout).toBe('LEVEL_DATABASE_NOT_OPEN LEVEL_LOCKED\n')
  })
})

describe('approximateSize and compactRange', () => {
  test('take a start and an end, in an encoding', async () => {
    const db = new MossLevel<number, string>(place(), {
      keyEncoding: { name: 'digit', format: 'utf8', encode: String, decode: Number },
      compression: 'none',
    })
    closing(db)
    await db.batch([1, 2, 3].map(key => ({ type: 'put', key, value: 'x'.repeat(100_000) })))
    const compacted = db.compactRange(0, 9)
    await compacted
    expect(await db.approximateSize(0, 9)).toBeGreaterThan(300_000)
    expect(await db.approximateSize('5', '9', { keyEncoding: 'utf8' })).toBe(0)
    expect(await failure(() => db.approximateSize(0, undefined as never))).toBeInstanceOf(TypeError)
    await db.close()
    expect(await failure(() => db.compactRange(0, 9))).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
  })

  test('wait for the database to be open', async () => {
    const db = closing(new MossLevel(place()))
    const size = db.approximateSize('a', 'b')
    const compacted = db.compactRange('a', 'b')
    expect(db.status).toBe('opening')
    expect(await size).toBe(0)
    await compacted
  })
})

test('types: encodings and options are those of abstract-level and of the engine', () => {
  const check = async (db: MossLevel<string, { n: number }>) => {
    expectTypeOf(await db.get('a')).toEqualTypeOf<{ n: number } | undefined>()
    expectTypeOf(db.getSync('a', { fillCache: false })).toEqualTypeOf<{ n: number } | undefined>()
    await db.put('a', { n: 1 }, { sync: true, durability: 'disk' })
    await db.batch().put('a', { n: 1 }).write({ sync: true })
    for await (const [key, value] of db.iterator({ gte: 'a', fillCache: false })) {
      expectTypeOf(key).toEqualTypeOf<string>()
      expectTypeOf(value).toEqualTypeOf<{ n: number }>()
    }
    // @ts-expect-error: not a value of this database
    await db.put('a', 'b')
    // @ts-expect-error: not a durability
    await db.put('a', { n: 1 }, { durability: 'yes' })
  }
  expect(check).toBeTypeOf('function')
})
