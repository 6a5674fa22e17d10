// A page of entries as native code packs them (`crates/node/src/scan.rs` draws it), and how far it has been read.

import type { Encoding } from './encoding.js'
import { Stretch } from './stretch.js'

const LAST = 1
const ASCII_KEYS = 2
const ASCII_VALUES = 4

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
  readonly #stretch = new Stretch()

  /** Takes the first `length` bytes of `bytes`, which nobody will write to. */
  set(bytes: Buffer, length: number): void {
    this.#bytes = bytes
    this.at = 1
    this.end = length
    this.#flags = bytes[0]!
    this.last = (this.#flags & LAST) !== 0
    this.#stretch.forget()
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
    if (encoding.text && (this.#flags & ascii) !== 0) {
      return encoding.fromText(this.#stretch.text(bytes, start, end, this.end))
    }
    return encoding.fromPage(bytes, start, end)
  }
}

const EMPTY = Buffer.of(0)
