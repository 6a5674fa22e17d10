/**
 * The right answers, worked out from the file itself while it streams past: the database is not asked.
 */
import { packageKey } from './keys.mjs'

/** @typedef {import('./counts.mjs').Pair} Pair */

/**
 * How many pairs, their sum, and a digest of all of them: two sets of pairs with the same totals are the same set
 * (short of an accident, by a digest of 64 bits). The order does not matter, and a pair can be taken out again.
 */
export class Totals {
  pairs = 0
  downloads = 0
  #low = 0
  #high = 0

  /** @param {Pair} pair */
  add(pair) {
    this.#change(pair, 1)
  }

  /** @param {Pair} pair must be among those added */
  remove(pair) {
    this.#change(pair, -1)
  }

  toString() {
    return `${this.pairs} pairs, ${this.downloads} downloads, digest ${hex(this.#high)}${hex(this.#low)}`
  }

  /**
   * @param {Pair} pair
   * @param {1 | -1} sign
   */
  #change({ name, count }, sign) {
    let low = count >>> 0
    let high = Math.floor(count / 2 ** 32)
    for (let i = 0; i < name.length; i++) {
      const unit = name.charCodeAt(i)
      low = Math.imul(low ^ unit, 0x01000193)
      high = Math.imul(high ^ unit, 0x9e3779b1) + low
    }
    this.pairs += sign
    this.downloads += sign * count
    this.#low = (this.#low + sign * mix(low)) >>> 0
    this.#high = (this.#high + sign * mix(high)) >>> 0
  }
}

/** @param {number} number */
const hex = number => number.toString(16).padStart(8, '0')

/**
 * Spreads the bits of a 32-bit number (the finalizer of MurmurHash3).
 * @param {number} h
 */
function mix(h) {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * The order of keys: by their bytes, which is not the order of JavaScript's strings.
 * @param {string} a
 * @param {string} b
 */
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** @param {Pair} a @param {Pair} b */
const largestFirst = (a, b) => b.count - a.count || byBytes(b.name, a.name)

export class Expected {
  totals = new Totals()
  types = new Totals()
  /** @type {number | undefined} */
  react = undefined
  /** @type {string[]} */
  reactDom = []
  /** A random choice of all pairs (reservoir sampling). @type {Pair[]} */
  sample = []

  #topWanted
  /** @type {Pair[]} */
  #top = []
  /** Fewer downloads than this are not among the top. */
  #least = 0
  #sampleWanted
  #random

  /**
   * @param {{ top: number, sample: number, random: import('./random.mjs').Random }} how
   */
  constructor({ top, sample, random }) {
    this.#topWanted = top
    this.#sampleWanted = sample
    this.#random = random
  }

  /** @param {Pair} pair */
  add(pair) {
    this.totals.add(pair)
    if (pair.name === 'react') this.react = pair.count
    if (pair.name.startsWith('@types/')) this.types.add(pair)
    if (pair.name.startsWith('react-dom')) this.reactDom.push(pair.name)
    this.#addToTop(pair)
    this.#addToSample(pair)
  }

  /** The most downloaded, the largest first. */
  top() {
    return this.#top.sort(largestFirst).slice(0, this.#topWanted)
  }

  /** The last names that begin with `react-dom`, the last first. */
  lastReactDom(/** @type {number} */ limit) {
    return this.reactDom.sort((a, b) => byBytes(packageKey(b), packageKey(a))).slice(0, limit)
  }

  /** @param {Pair} pair */
  #addToTop(pair) {
    if (pair.count < this.#least) return
    this.#top.push(pair)
    if (this.#top.length < 1000) return
    this.#top = this.top()
    this.#least = this.#top.at(-1)?.count ?? 0
  }

  /** @param {Pair} pair */
  #addToSample(pair) {
    if (this.sample.length < this.#sampleWanted) {
      this.sample.push(pair)
      return
    }
    const place = this.#random.below(this.totals.pairs)
    if (place < this.#sampleWanted) this.sample[place] = pair
  }
}
