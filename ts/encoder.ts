// Operations become the bytes of a write batch, which are the bytes of the write-ahead log:
//
//   kind u8 (0 delete, 1 put, 4 range delete, 6 put with expiry), key length varint, key [, value length varint, value]
//
// The value of a range delete is where it ends; that of a put with expiry begins with the moment (`expiry.ts`). Nothing is kept of an operation that is refused half-way.

import { BLOCK_BYTES, type Block, giveBack, takeBlock } from './block.js'
import { invalid, MossError } from './errors.js'

/** @internal */
export enum Kind {
  Delete = 0,
  Put = 1,
  RangeDelete = 4,
  PutWithExpiry = 6,
}

/** The longest key, in bytes. @internal */
export const MAX_KEY = 64 * 1024
/** The longest value, in bytes. @internal */
export const MAX_VALUE = 2 ** 30

/** Up to so many characters a loop is faster than a call that writes them. */
const SHORT = 30

/** The most bytes `data` can take, with its length. @internal */
export function room(data: string | Uint8Array): number {
  return 5 + (typeof data === 'string' ? data.length * 3 : data.length)
}

function varintLength(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5
}

function writeVarint(target: Buffer, at: number, value: number): number {
  let rest = value
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[at++] = rest
  return at
}

function tooLong(name: string, length: number, max: number): MossError {
  return new MossError('INVALID_ARGUMENT', `${name} has ${length} bytes: it must have at most ${max}`)
}

/** Writes `text` if it is ASCII; otherwise returns `false`, and what it wrote means nothing. */
function writeAscii(target: Buffer, at: number, text: string): boolean {
  // All are asked at once at the end: a way out of the loop costs more than it spares.
  let units = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    units |= unit
    target[at + i] = unit
  }
  return units < 0x80
}

/**
 * Writes `data` behind its length at `at`, where `room(data)` bytes are free; returns where it ends.
 * @internal
 */
export function writeData(
  target: Buffer,
  at: number,
  data: string | Uint8Array,
  name: string,
  max: number,
): number {
  const length = data.length
  if (length > max) throw tooLong(name, length, max)
  if (typeof data !== 'string') {
    const start = writeVarint(target, at, length)
    // A view of memory that is gone is empty, and may not be read.
    if (length > 0) target.set(data, start)
    return start + length
  }
  if (length <= SHORT && writeAscii(target, at + 1, data)) {
    target[at] = length
    return at + 1 + length
  }
  // The length of the UTF-8 is only known afterwards; it is written behind as many bytes as ASCII would need.
  const guess = varintLength(length)
  const written = target.write(data, at + guess, 'utf8')
  if (written !== length) {
    if (!data.isWellFormed()) throw invalid(name, data, 'well-formed: it has half of a surrogate pair')
    if (written > max) throw tooLong(name, written, max)
    const needed = varintLength(written)
    if (needed !== guess) target.copyWithin(at + needed, at + guess, at + guess + written)
  }
  writeVarint(target, at, written)
  return at + varintLength(written) + written
}

/**
 * Writes a key without its length at `at`, where `MAX_KEY` bytes are free; returns where it ends.
 * @internal
 */
export function writeKey(target: Buffer, at: number, key: string | Uint8Array, name: string): number {
  const length = key.length
  if (length > MAX_KEY) throw tooLong(name, length, MAX_KEY)
  if (typeof key !== 'string') {
    if (length > 0) target.set(key, at)
    return at + length
  }
  if (length <= SHORT && writeAscii(target, at, key)) return at + length
  const bytes = Buffer.byteLength(key)
  if (bytes > MAX_KEY) throw tooLong(name, bytes, MAX_KEY)
  if (bytes !== length && !key.isWellFormed()) {
    throw invalid(name, key, 'well-formed: it has half of a surrogate pair')
  }
  return at + target.write(key, at, 'utf8')
}

/**
 * A growing buffer of operations, or of keys.
 * @internal
 */
export class Encoder {
  /** The bytes; `length` of them count. */
  bytes: Buffer
  /** Where they lie, if in a block. */
  block: Block | undefined
  /** Bytes written. */
  length = 0
  /** Operations written, as the program counts them. */
  count = 0
  /** The memory of one that borrows a block for more than fits it. */
  readonly #small: Buffer | undefined

  constructor(capacity: number, borrows = false) {
    this.bytes = Buffer.allocUnsafeSlow(capacity)
    this.#small = borrows ? this.bytes : undefined
  }

  /** Appends an operation. */
  add(
    kind: Kind,
    key: string | Uint8Array,
    value: string | Uint8Array | undefined,
    valueName = 'value',
  ): void {
    const needed = this.length + 1 + room(key) + (value === undefined ? 0 : room(value))
    if (needed > this.bytes.length) this.#grow(needed)
    const start = this.length
    this.bytes[start] = kind
    let at = writeData(this.bytes, start + 1, key, 'key', MAX_KEY)
    if (value !== undefined) at = writeData(this.bytes, at, value, valueName, MAX_VALUE)
    this.length = at
    this.count++
  }

  /** Appends a key behind its length, not as an operation. */
  addKey(key: string | Uint8Array, name: string): void {
    const needed = this.length + room(key)
    if (needed > this.bytes.length) this.#grow(needed)
    this.length = writeData(this.bytes, this.length, key, name, MAX_KEY)
  }

  /** Forgets everything, and gives back what was borrowed. */
  clear(): void {
    // After much, much is likely to come: it then begins in a block.
    if (this.#small) this.#move(this.length > this.#small.length ? NOTHING : this.#small, undefined)
    this.length = 0
    this.count = 0
  }

  #grow(needed: number): void {
    const borrows = this.#small !== undefined && this.block === undefined && needed <= BLOCK_BYTES
    const borrowed = borrows ? takeBlock() : undefined
    const larger = borrowed?.bytes ?? Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.length)
    this.#move(larger, borrowed)
  }

  #move(bytes: Buffer, block: Block | undefined): void {
    if (this.block) giveBack(this.block)
    this.bytes = bytes
    this.block = block
  }
}

const NOTHING = Buffer.alloc(0)

/** The one encoder for whatever does not go straight into the slab; `undefined` while it is in use. */
let scratch: Encoder | undefined = new Encoder(64 * 1024, true)

/**
 * Runs `fill` with an empty encoder, then `use` with what it holds.
 * @internal
 */
export function withScratch<T>(fill: (encoder: Encoder) => void, use: (encoder: Encoder) => T): T {
  const encoder = scratch
  if (encoder === undefined) {
    // Inside another one: `fill` may run code of the program.
    const another = new Encoder(256)
    fill(another)
    return use(another)
  }
  scratch = undefined
  try {
    fill(encoder)
    return use(encoder)
  } finally {
    encoder.clear()
    scratch = encoder
  }
}
