/**
 * Reads `{ "name": number, … }` from a stream without ever holding the whole of it.
 *
 * The file of the package `download-counts` is one JSON object of 3.8 million numbers, 96 MB. `JSON.parse` would need
 * about a gigabyte for it. This reader keeps the bytes of one unfinished pair between two chunks, and nothing else.
 */
import { createReadStream } from 'node:fs'

/** @typedef {{ name: string, count: number }} Pair */

const QUOTE = 0x22
const COLON = 0x3a
const COMMA = 0x2c
const OPEN = 0x7b
const CLOSE = 0x7d
const BACKSLASH = 0x5c

/** Longer than any pair can reasonably be: a file without an end of string must not be collected in memory. */
const LONGEST_PAIR = 1 << 20

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/** The bytes at hand ended within a token. */
const UNFINISHED = -1

/** @param {number | undefined} byte */
const isSpace = byte => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** @param {number | undefined} byte */
const endsNumber = byte => byte === COMMA || byte === CLOSE || isSpace(byte)

/** Takes the bytes of one such object in pieces of any size, gives back the pairs that are complete. */
export class PairReader {
  /** Bytes that belong to a pair that is not complete yet. @type {Buffer} */
  #bytes = Buffer.alloc(0)
  /** Where in `#bytes` the next token begins. */
  #at = 0
  /** Offset of `#bytes[0]` in the whole input, for messages. */
  #base = 0
  /** @type {'object' | 'first pair' | 'pair' | 'comma' | 'end'} what must come next */
  #next = 'object'

  /**
   * The pairs completed by these bytes.
   * @param {Buffer} chunk kept until the next call
   * @returns {Pair[]}
   */
  push(chunk) {
    this.#base += this.#at
    const rest = this.#bytes.subarray(this.#at)
    this.#bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    this.#at = 0
    /** @type {Pair[]} */
    const pairs = []
    while (this.#step(pairs));
    if (this.#bytes.length - this.#at > LONGEST_PAIR) this.#fail('a pair of more than 1 MiB')
    return pairs
  }

  /** Call after the last `push`: throws unless the object was complete. */
  end() {
    if (this.#next !== 'end') this.#fail('the end of the input')
  }

  /**
   * Reads one token, or one whole pair; false when the bytes do not hold it.
   * @param {Pair[]} pairs
   */
  #step(pairs) {
    this.#at = this.#skipSpace(this.#at)
    if (this.#at === this.#bytes.length) return false
    const byte = this.#bytes[this.#at]
    switch (this.#next) {
      case 'object':
        if (byte !== OPEN) this.#fail('something other than {')
        this.#at += 1
        this.#next = 'first pair'
        return true
      case 'first pair':
      case 'comma':
        if (byte === CLOSE) {
          this.#at += 1
          this.#next = 'end'
          return true
        }
        if (this.#next === 'comma') {
          if (byte !== COMMA) this.#fail('something other than , or }')
          this.#at += 1
        }
        this.#next = 'pair'
        return true
      case 'pair':
        return this.#pair(pairs)
      case 'end':
        return this.#fail('something after the object')
    }
  }

  /** @param {Pair[]} pairs */
  #pair(pairs) {
    const bytes = this.#bytes
    const quote = this.#at
    if (bytes[quote] !== QUOTE) this.#fail('something other than a name in quotes')
    const closing = this.#closingQuote(quote + 1)
    if (closing === UNFINISHED) return false

    const colon = this.#skipSpace(closing + 1)
    if (colon === bytes.length) return false
    if (bytes[colon] !== COLON) this.#fail('something other than :', colon)

    const start = this.#skipSpace(colon + 1)
    let end = start
    while (end < bytes.length && !endsNumber(bytes[end])) end += 1
    if (end === bytes.length) return false

    pairs.push({ name: this.#name(quote, closing), count: this.#number(start, end) })
    this.#at = end
    this.#next = 'comma'
    return true
  }

  /** @param {number} from */
  #closingQuote(from) {
    for (let at = from; ; ) {
      const quote = this.#bytes.indexOf(QUOTE, at)
      if (quote === -1) return UNFINISHED
      let slashes = 0
      while (this.#bytes[quote - 1 - slashes] === BACKSLASH) slashes += 1
      if (slashes % 2 === 0) return quote
      at = quote + 1
    }
  }

  /**
   * @param {number} quote
   * @param {number} closing
   */
  #name(quote, closing) {
    const name = this.#bytes.toString('utf8', quote + 1, closing)
    if (!name.includes('\\')) return name
    try {
      return /** @type {string} */ (JSON.parse(`"${name}"`))
    } catch {
      return this.#fail('a wrong escape in a name', quote)
    }
  }

  /**
   * @param {number} start
   * @param {number} end
   */
  #number(start, end) {
    const text = this.#bytes.toString('latin1', start, end)
    return NUMBER.test(text) ? Number(text) : this.#fail('something other than a number', start)
  }

  /** @param {number} at */
  #skipSpace(at) {
    while (at < this.#bytes.length && isSpace(this.#bytes[at])) at += 1
    return at
  }

  /**
   * @param {string} what
   * @returns {never}
   */
  #fail(what, at = this.#at) {
    throw new Error(`not an object of numbers: ${what} at byte ${this.#base + at}`)
  }
}

/**
 * Reads such a file, a chunk of pairs at a time.
 * @param {string} path
 * @returns {AsyncGenerator<{ pairs: Pair[], bytes: number }>} the pairs of a chunk, and the bytes read so far
 */
export async function* readCounts(path) {
  const reader = new PairReader()
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 256 << 10 })) {
    bytes += chunk.length
    yield { pairs: reader.push(chunk), bytes }
  }
  reader.end()
}
