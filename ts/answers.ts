// The two sides of a read of many keys: keys packed for native code, and the answers it packs
// (`crates/node/src/many.rs` draws them).

import type { Encoder } from './encoder.js'
import type { Encoding } from './encoding.js'
import { Stretch } from './stretch.js'

const MISSING = 0xffff_ffff
const ASCII = 1
const HEADER = 4
const ENTRY = 8
/** Values of more bytes than this together are copied one by one, so that one that is kept does not keep the others. */
const SHARED = 64 * 1024

/**
 * Packs `keys` one behind the other, each behind its length; returns how many. What is wrong with a key is said with its
 * place.
 * @internal
 */
export function packKeys(encoder: Encoder, keys: unknown[], encoding: Encoding<unknown>): number {
  let at = 0
  try {
    for (; at < keys.length; at++) encoder.addKey(encoding.encode(keys[at], 'key'), 'key')
    return at
  } catch (error) {
    // Again, to have the error with the key's place in it: it is not made up for keys that are right.
    const name = `keys[${at}]`
    encoder.addKey(encoding.encode(keys[at], name), name)
    throw error
  }
}

/** Packed answers. @internal */
export class Answers {
  readonly #bytes: Buffer
  readonly #end: number
  readonly #ascii: boolean
  readonly #stretch = new Stretch()
  readonly #lent: boolean
  /** Where bytes that nobody else will write to begin, once a value was cut out of them. */
  #memory: ArrayBuffer | undefined
  #base = 0

  /** The first `end` bytes of `bytes`; of `lent` ones nothing may be left when the call that lent them is over. */
  constructor(bytes: Buffer, end: number, lent: boolean) {
    this.#bytes = bytes
    this.#end = end
    this.#lent = lent
    this.#ascii = (bytes.readUInt32LE(0) & ASCII) !== 0
  }

  /** What `decode` makes of each of the `count` answers; `missing` for keys that are not there. */
  list<T>(count: number, decode: (answers: Answers, start: number, end: number) => T, missing: T): T[] {
    const bytes = this.#bytes
    const list = new Array<T>(count)
    for (let i = 0, at = HEADER; i < count; i++, at += ENTRY) {
      const size = bytes.readUInt32LE(at + 4)
      const start = bytes.readUInt32LE(at)
      list[i] = size === MISSING ? missing : decode(this, start, start + size)
    }
    return list
  }

  /** The value between two places. */
  value<V>(encoding: Encoding<V>, start: number, end: number): V {
    if (encoding.text && this.#ascii) {
      return encoding.fromText(this.#stretch.text(this.#bytes, start, end, this.#end))
    }
    if (encoding.text || this.#end > SHARED) return encoding.fromBytes(this.#bytes, start, end)
    if (this.#memory === undefined) {
      const own = this.#lent ? Buffer.from(this.#bytes.subarray(0, this.#end)) : this.#bytes
      this.#memory = own.buffer as ArrayBuffer
      this.#base = own.byteOffset
    }
    return encoding.cut(this.#memory, this.#base + start, end - start)
  }
}
