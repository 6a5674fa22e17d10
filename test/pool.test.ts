import { Engine } from 'mosskv'
import { expect, test } from 'vitest'
import { closing, place } from './lib/temporary.js'

/** Around what is pooled (4 KiB at most), and around the lengths that come back in other ways. */
const lengths = [0, 1, 7, 8, 9, 100, 4095, 4096, 4097, 20_000, 65_536, 65_537, 70_000]

const key = (i: number) => `key ${i}`

/** Bytes that are another value's nowhere. */
function content(i: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = (i * 31 + at * 7 + (at >> 8)) & 255
  return bytes
}

const open = (valueEncoding: 'buffer' | 'view') =>
  Engine.open<string, Uint8Array>(place(), { valueEncoding }).then(closing)

/** A database with a value of each length, in memory or in a table. */
async function filled(valueEncoding: 'buffer' | 'view', flushed: boolean) {
  const e = await open(valueEncoding)
  for (const [i, length] of lengths.entries()) await e.put(key(i), content(i, length))
  if (flushed) await e.flush()
  return e
}

const same = (value: Uint8Array | undefined, expected: Buffer) =>
  value !== undefined && Buffer.compare(value, expected) === 0

for (const flushed of [false, true]) {
  test(`Buffers of every length, ${flushed ? 'from tables' : 'from memory'}`, async () => {
    const e = await filled('buffer', flushed)
    for (let round = 0; round < 30; round++) {
      for (const [i, length] of lengths.entries()) {
        for (const value of [await e.get(key(i)), e.getSync(key(i))]) {
          expect(Buffer.isBuffer(value)).toBe(true)
          expect(Object.getPrototypeOf(value)).toBe(Buffer.prototype)
          expect(value?.length).toBe(length)
          expect(same(value, content(i, length))).toBe(true)
        }
      }
    }
    expect(await e.get('none')).toBeUndefined()
    expect(e.getSync('none')).toBeUndefined()
  })

  test(`views are plain Uint8Arrays, ${flushed ? 'from tables' : 'from memory'}`, async () => {
    const e = await filled('view', flushed)
    for (const [i, length] of lengths.entries()) {
      for (const value of [await e.get(key(i)), e.getSync(key(i))]) {
        expect(Buffer.isBuffer(value)).toBe(false)
        expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype)
        expect(same(value, content(i, length))).toBe(true)
      }
    }
  })
}

test('thousands of values that are kept do not overlap', async () => {
  const e = await open('buffer')
  const count = 5000
  const length = (i: number) => (i * 37) % 4200
  for (let from = 0; from < count; from += 500) {
    await e.batch(
      Array.from({ length: 500 }, (_, i) => ({
        type: 'put',
        key: key(from + i),
        value: content(from + i, length(from + i)),
      })),
    )
  }
  const promised = Array.from({ length: count }, (_, i) => (i % 2 === 0 ? e.get(key(i)) : e.getSync(key(i))))
  const values = (await Promise.all(promised)) as Buffer[]
  for (const [i, value] of values.entries()) {
    if (!same(value, content(i, length(i)))) expect(value, key(i)).toEqual(content(i, length(i)))
  }
  // Each is filled with a byte of its own; a neighbour that shares memory would show it.
  for (const [i, value] of values.entries()) value.fill(i & 255)
  for (const [i, value] of values.entries()) {
    if (!value.every(byte => byte === (i & 255))) expect.fail(`${key(i)} was overwritten`)
  }
  const places = values.map(value => ({
    in: value.buffer,
    from: value.byteOffset,
    to: value.byteOffset + value.length,
  }))
  const last = new Map<ArrayBufferLike, number>()
  for (const place of places) {
    expect(place.from).toBeGreaterThanOrEqual(last.get(place.in) ?? 0)
    last.set(place.in, place.to)
  }
  expect(last.size).toBeLessThan(count)
  for (const i of values.keys()) {
    if (!same(e.getSync(key(i)), content(i, length(i)))) expect.fail(`${key(i)} changed in the database`)
  }
})

test('what is written into a value changes neither another nor the database', async () => {
  for (const encoding of ['buffer', 'view'] as const) {
    for (const flushed of [false, true]) {
      const e = await filled(encoding, flushed)
      const read = lengths.map((_, i) => e.getSync(key(i)))
      for (const [i, value] of read.entries()) {
        value?.fill(255)
        for (const other of lengths.keys()) {
          const expected =
            other <= i ? Buffer.alloc(lengths[other] ?? 0, 255) : content(other, lengths[other] ?? 0)
          expect(same(read[other], expected)).toBe(true)
        }
        expect(same(e.getSync(key(i)), content(i, lengths[i] ?? 0))).toBe(true)
        expect(same(await e.get(key(i)), content(i, lengths[i] ?? 0))).toBe(true)
      }
    }
  }
})

/** Takes a value's memory away, where Node allows it. */
const detachments: Record<string, (memory: ArrayBuffer) => unknown> = {
  'a transfer by structuredClone': memory => structuredClone(memory, { transfer: [memory] }),
  // Not in Node 20.
  'ArrayBuffer.prototype.transfer': memory =>
    (memory as ArrayBuffer & { transfer?: () => ArrayBuffer }).transfer?.(),
}

for (const [name, detach] of Object.entries(detachments)) {
  test(`later reads are right after ${name}`, async () => {
    for (const encoding of ['buffer', 'view'] as const) {
      const e = await filled(encoding, true)
      for (const [i, length] of lengths.entries()) {
        const value = e.getSync(key(i)) as Uint8Array
        try {
          detach(value.buffer as ArrayBuffer)
        } catch {
          // Pooled memory is marked as untransferable.
        }
        for (const [other, expected] of lengths.entries()) {
          expect(same(e.getSync(key(other)), content(other, expected))).toBe(true)
          expect(same(await e.get(key(other)), content(other, expected))).toBe(true)
        }
        expect([0, length]).toContain(value.length)
      }
    }
  })
}

test('a value that is not pooled can be transferred', async () => {
  const e = await filled('buffer', false)
  const i = lengths.indexOf(70_000)
  const value = e.getSync(key(i)) as Buffer
  const moved = structuredClone(value, { transfer: [value.buffer as ArrayBuffer] })
  expect(same(moved, content(i, 70_000))).toBe(true)
})

test('values of getMany, getEntry and iterators are as they were', async () => {
  for (const encoding of ['buffer', 'view'] as const) {
    const e = await filled(encoding, true)
    const keys = lengths.map((_, i) => key(i))
    const all = new Map(await e.iterator().all())
    const many = await e.getMany([...keys, 'none'])
    expect(many.at(-1)).toBeUndefined()
    for (const [i, length] of lengths.entries()) {
      // Reads between them take from the pool.
      const pooled = e.getSync(key(i))
      const entry = await e.getEntry(key(i))
      const values = [all.get(key(i)), many[i], entry?.value]
      pooled?.fill(1)
      for (const value of values) {
        expect(Buffer.isBuffer(value)).toBe(encoding === 'buffer')
        expect(same(value, content(i, length))).toBe(true)
      }
    }
  }
})
