/**
 * Keys of 16 bytes and values of as many bytes as asked for, half of which compress away; the same in every run.
 */

/** @typedef {import('../types.d.ts').Value} Value */

export const KEY_BYTES = 16

/** The smallest value: twice the key, the version and a few random letters. */
export const LEAST_VALUE_BYTES = 64

const VERSION_BYTES = 4
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const POOL_BYTES = 1 << 20
const FULL_CHECK_EVERY = 256

/**
 * A permutation of the 32-bit numbers (the finalizer of MurmurHash3).
 * @param {number} h
 */
export function mix(h) {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** @param {number} number */
const hex = number => number.toString(16).padStart(8, '0')

/** @param {number} version */
const label = version => version.toString(16).padStart(VERSION_BYTES, '0').slice(-VERSION_BYTES)

/**
 * The `i`th key: different for every i, in no order.
 * @param {number} i
 */
const key = i => hex(mix(i + 1)) + hex(mix(i ^ 0x5bd1e995))

/**
 * The same keys as strings of their own that lie in memory one behind the other: going through them in this order
 * costs a store's measurement nothing.
 * @param {string[]} keys
 */
export function laidOut(keys) {
  const text = Buffer.from(keys.join(''), 'latin1')
  return keys.map((_, i) => text.toString('latin1', i * KEY_BYTES, (i + 1) * KEY_BYTES))
}

function randomLetters() {
  const letters = Buffer.alloc(POOL_BYTES)
  for (let i = 0; i < POOL_BYTES; i++) letters[i] = LETTERS.charCodeAt(mix(i * 2654435761) & 63)
  return letters.toString('latin1')
}

const pool = randomLetters()

/**
 * The value of a key: the key, the version and random letters, twice.
 * @param {string} key
 * @param {number} version
 * @param {number} bytes even
 */
function text(key, version, bytes) {
  const half = bytes / 2
  const at = (Number.parseInt(key.slice(8), 16) + version * 4099) % (POOL_BYTES - half)
  return (key + label(version) + pool.slice(at, at + half - KEY_BYTES - VERSION_BYTES)).repeat(2)
}

/** @param {string} key */
function wrong(key) {
  throw new Error(`a wrong value was read for the key ${key}`)
}

/** @param {Value} value @param {number} at */
const codeAt = (value, at) => (typeof value === 'string' ? value.charCodeAt(at) : value[at])

/**
 * @param {number} count
 * @param {import('../types.d.ts').Values} values
 * @param {number} [valueBytes] even, at least `LEAST_VALUE_BYTES`
 * @returns {import('../types.d.ts').Data}
 */
export function makeData(count, values, valueBytes = 100) {
  let checks = 0
  /** @type {string[] | undefined} */
  let missing
  return {
    keys: laidOut(Array.from({ length: count }, (_, i) => key(i))),
    get missing() {
      missing ??= laidOut(Array.from({ length: count }, (_, i) => key(count + i)))
      return missing
    },
    valueFor:
      values === 'string'
        ? (key, version = 0) => text(key, version, valueBytes)
        : (key, version = 0) => Buffer.from(text(key, version, valueBytes)),
    check(key, value, version = 0) {
      if (value === undefined || value.length !== valueBytes) return wrong(key)
      if (codeAt(value, KEY_BYTES - 1) !== key.charCodeAt(KEY_BYTES - 1)) wrong(key)
      if (version > 0 && codeAt(value, KEY_BYTES + VERSION_BYTES - 1) !== label(version).charCodeAt(3))
        wrong(key)
      checks += 1
      if (checks % FULL_CHECK_EVERY === 0 && value.toString() !== text(key, version, valueBytes)) wrong(key)
    },
  }
}
