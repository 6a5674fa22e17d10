// A page of entries as native code packs them (`crates/node/src/page.rs` draws it), and how far it has been read.

import type { Encoding } from './encoding.js'
import { Stretch } from './stretch.js'

const LAST = 1
const ASCII_KEYS = 2
const ASCII_VALUES = 4
const HEADER = 9

/** @internal */
export class Page {
  /** Entries that are left. */
  left = 0
  /** Whether no page comes after this one. */
  last = false
  #flags = 0
  #bytes: Buffer = EMPTY
  #memory: ArrayBuffer = MEMORY
  /** Where `#bytes` begin in `#memory`. */
  #base = 0
  /** Where the next key begins, and where the last one ends. */
  #key = 0
  #keysEnd = 0
  /** The same of values. */
  #value = 0
  #valuesEnd = 0
  readonly #keys = new Stretch()
  readonly #values = new Stretch()
  /** Where the part begins that `#part` found. */
  #start = 0

  /** Takes the page from `start` up to `end` of `bytes`, all of `memory` from `base` on. Nobody will write to it. */
  set(bytes: Buffer, memory: ArrayBuffer, base: number, start: number, end: number): void {
    this.#bytes = bytes
    this.#memory = memory
    this.#base = base
    this.#flags = bytes[start]!
    this.last = (this.#flags & LAST) !== 0
    this.left = readU32(bytes, start + 1)
    this.#value = start + HEADER
    this.#valuesEnd = this.#value + readU32(bytes, start + 5)
    this.#key = this.#valuesEnd
    this.#keysEnd = end
    this.#keys.forget()
    this.#values.forget()
  }

  /** Takes a page that is all of `bytes`. */
  own(bytes: Buffer): void {
    this.set(bytes, bytes.buffer as ArrayBuffer, bytes.byteOffset, 0, bytes.length)
  }

  /** Forgets its entries. */
  clear(): void {
    this.left = 0
    this.last = false
    this.#bytes = EMPTY
    this.#memory = MEMORY
  }

  /** The key that comes next, in a page without values. */
  key<K>(encoding: Encoding<K>): K {
    this.left--
    const end = this.#part(this.#key)
    const start = this.#start
    this.#key = end
    return this.#decode(encoding, start, end, ASCII_KEYS, this.#keys, this.#keysEnd)
  }

  /** The value that comes next, in a page without keys. */
  value<V>(encoding: Encoding<V>): V {
    this.left--
    const end = this.#part(this.#value)
    const start = this.#start
    this.#value = end
    return this.#decode(encoding, start, end, ASCII_VALUES, this.#values, this.#valuesEnd)
  }

  /** The entry that comes next. It is behind us even if it cannot be decoded. */
  entry<K, V>(keys: Encoding<K>, values: Encoding<V>): [K, V] {
    this.left--
    const keyEnd = this.#part(this.#key)
    const keyStart = this.#start
    this.#key = keyEnd
    const valueEnd = this.#part(this.#value)
    const valueStart = this.#start
    this.#value = valueEnd
    return [
      this.#decode(keys, keyStart, keyEnd, ASCII_KEYS, this.#keys, this.#keysEnd),
      this.#decode(values, valueStart, valueEnd, ASCII_VALUES, this.#values, this.#valuesEnd),
    ]
  }

  /** Where the part ends that is behind its length at `at`; `#start` is where it begins. */
  #part(at: number): number {
    const bytes = this.#bytes
    let start = at
    let length = bytes[start++]!
    if (length >= 0x80) {
      length &= 0x7f
      for (let scale = 0x80; ; scale *= 0x80) {
        const byte = bytes[start++]!
        length += (byte & 0x7f) * scale
        if (byte < 0x80) break
      }
    }
    this.#start = start
    return start + length
  }

  #decode<T>(
    encoding: Encoding<T>,
    start: number,
    end: number,
    ascii: number,
    stretch: Stretch,
    limit: number,
  ): T {
    if (!encoding.text) return encoding.cut(this.#memory, this.#base + start, end - start)
    if ((this.#flags & ascii) === 0) return encoding.fromBytes(this.#bytes, start, end)
    return encoding.fromText(stretch.text(this.#bytes, start, end, limit))
  }
}

const MEMORY = new ArrayBuffer(0)
const EMPTY = Buffer.from(MEMORY)

function readU32(bytes: Buffer, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
