// A page of entries as native code packs them (`crates/node/src/scan.rs` draws it), and how far it has been read.

import type { Encoding } from './encoding.js'

const LAST = 1
const ASCII_KEYS = 2
const ASCII_VALUES = 4

/**
 * Neighbours are decoded together, so many bytes at a time: to cut a string out of another costs a fraction of decoding
 * it. A string that a program keeps keeps its neighbours in memory, so they are not more than this.
 */
const STRETCH = 4096
/** Longer strings have no use for neighbours. */
const LONG = STRETCH / 4

/** @internal */
export class Page {
  /** Where the next entry begins. */
  at = 0
  /** Where the last one ends. */
  end = 0
  /** Whether no page comes after this one. */
  last = false
  #bytes: Buffer = Buffer.alloc(0)
  #flags = 0
  /** The bytes from `#from` up to `#to` as text. */
  #text = ''
  #from = 0
  #to = 0

  /** Takes the first `length` bytes of `bytes`, which nobody will write to. */
  set(bytes: Buffer, length: number): void {
    this.#bytes = bytes
    this.at = 1
    this.end = length
    this.#flags = bytes[0]!
    this.last = (this.#flags & LAST) !== 0
    this.#to = 0
  }

  /** Forgets its entries. */
  clear(): void {
    this.set(EMPTY, EMPTY.length)
  }

  /** The key that comes next. */
  key<K>(encoding: Encoding<K>): K {
    return this.#part(encoding, ASCII_KEYS)
  }

  /** The value that comes next. */
  value<V>(encoding: Encoding<V>): V {
    return this.#part(encoding, ASCII_VALUES)
  }

  #part<T>(encoding: Encoding<T>, ascii: number): T {
    const bytes = this.#bytes
    let start = this.at
    let length = bytes[start++]!
    if (length >= 0x80) {
      length &= 0x7f
      for (let scale = 0x80; ; scale *= 0x80) {
        const byte = bytes[start++]!
        length += (byte & 0x7f) * scale
        if (byte < 0x80) break
      }
    }
    const end = start + length
    this.at = end
    if (encoding.text && (this.#flags & ascii) !== 0) return encoding.fromText(this.#ascii(start, end))
    return encoding.fromPage(bytes, start, end)
  }

  #ascii(start: number, end: number): string {
    if (end > this.#to) {
      if (end - start > LONG) return this.#bytes.toString('latin1', start, end)
      this.#from = start
      this.#to = Math.min(start + STRETCH, this.end)
      this.#text = this.#bytes.toString('latin1', start, this.#to)
    }
    return this.#text.slice(start - this.#from, end - this.#from)
  }
}

const EMPTY = Buffer.of(0)
