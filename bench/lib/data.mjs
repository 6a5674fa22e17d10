/**
 * Keys of 16 bytes and values of 100 bytes, half of which compress away; the same in every run.
 */

/** @typedef {import('../types.d.ts').Value} Value */

const VALUE_BYTES = 100
const HALF = VALUE_BYTES / 2
const KEY_BYTES = 16
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const POOL_BYTES = 1 << 16
const FULL_CHECK_EVERY = 256

/**
 * A permutation of the 32-bit numbers (the finalizer of MurmurHash3).
 * @param {number} h
 */
function mix(h) {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** @param {number} number */
const hex = number => number.toString(16).padStart(8, '0')

/**
 * The `i`th key: different for every i, in no order.
 * @param {number} i
 */
const key = i => hex(mix(i + 1)) + hex(mix(i ^ 0x5bd1e995))

const pool = Array.from({ length: POOL_BYTES }, (_, i) => LETTERS[mix(i * 2654435761) & 63]).join('')

/**
 * The value of a key: the key and random letters, twice.
 * @param {string} key
 */
function text(key) {
  const at = Number.parseInt(key.slice(8), 16) % (POOL_BYTES - HALF)
  return (key + pool.slice(at, at + HALF - KEY_BYTES)).repeat(2)
}

/** @param {string} key */
function wrong(key) {
  throw new Error(`a wrong value was read for the key ${key}`)
}

/**
 * @param {number} count
 * @param {import('../types.d.ts').Values} values
 * @returns {import('../types.d.ts').Data}
 */
export function makeData(count, values) {
  let checks = 0
  /** @param {string} key @param {Value | undefined} value */
  const check = (key, value) => {
    if (value === undefined || value.length !== VALUE_BYTES) return wrong(key)
    const last = typeof value === 'string' ? value.charCodeAt(KEY_BYTES - 1) : value[KEY_BYTES - 1]
    if (last !== key.charCodeAt(KEY_BYTES - 1)) wrong(key)
    checks += 1
    if (checks % FULL_CHECK_EVERY === 0 && value.toString() !== text(key)) wrong(key)
  }
  return {
    keys: Array.from({ length: count }, (_, i) => key(i)),
    missing: Array.from({ length: count }, (_, i) => key(count + i)),
    valueFor: values === 'string' ? text : key => Buffer.from(text(key)),
    check,
  }
}
