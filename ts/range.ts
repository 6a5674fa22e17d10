// Ranges of keys: what the program says, checked, and what native code gets.

import { type Core, keep } from './core.js'
import { MAX_KEY, writeKey } from './encoder.js'
import type { Input } from './encoding.js'
import { fromNative, invalid, MossError } from './errors.js'
import { Flag, hot, keyArea } from './native.js'
import { checkBoolean, checkInteger, checkObject } from './options.js'
import * as pool from './pool.js'
import type { Snapshot } from './snapshot.js'

/** A range of keys, in the order of their bytes. Without a bound it reaches to that end. */
export interface KeyRange<K> {
  /** Keys greater than this. */
  gt?: Input<K> | undefined
  /** Keys greater than or equal to this. */
  gte?: Input<K> | undefined
  /** Keys less than this. */
  lt?: Input<K> | undefined
  /** Keys less than or equal to this. */
  lte?: Input<K> | undefined
}

/** What an iterator walks over, and how. */
export interface IteratorOptions<K> extends KeyRange<K> {
  /** From the last key to the first. Default: false. */
  reverse?: boolean | undefined
  /** At most this many entries; an integer, or `Infinity`. Default: `Infinity`. */
  limit?: number | undefined
  /** Walk as of this snapshot instead of as of now. */
  snapshot?: Snapshot | undefined
  /** Keep blocks that had to be read in the cache. Default: true. */
  fillCache?: boolean | undefined
}

const BOUNDS = ['gt', 'gte', 'lt', 'lte']
const ALL = [...BOUNDS, 'reverse', 'limit', 'snapshot', 'fillCache']

/** @internal */
export interface Bounds {
  lower: Buffer | undefined
  lowerInclusive: boolean
  upper: Buffer | undefined
  upperInclusive: boolean
}

function both(open: string, closed: string): MossError {
  return new MossError('INVALID_ARGUMENT', `range has both ${open} and ${closed}: it must have one of them`)
}

function bound<K>(core: Core<K, unknown>, given: Record<string, unknown>, open: string, closed: string) {
  if (given[open] !== undefined && given[closed] !== undefined) throw both(open, closed)
  const name = given[open] !== undefined ? open : closed
  // `null` is no bound left out; the encoding refuses it.
  if (given[name] === undefined) return { key: undefined, inclusive: false }
  const key = keep(core.keys.encode(given[name], name))
  if (key.length > MAX_KEY) {
    throw new MossError(
      'INVALID_ARGUMENT',
      `${name} has ${key.length} bytes: it must have at most ${MAX_KEY}`,
    )
  }
  return { key, inclusive: name === closed }
}

function boundsOf<K>(core: Core<K, unknown>, given: Record<string, unknown>): Bounds {
  const lower = bound(core, given, 'gt', 'gte')
  const upper = bound(core, given, 'lt', 'lte')
  return {
    lower: lower.key,
    lowerInclusive: lower.inclusive,
    upper: upper.key,
    upperInclusive: upper.inclusive,
  }
}

/** The bounds of a plain key range. @internal */
export function checkRange<K>(core: Core<K, unknown>, range: unknown): Bounds {
  return boundsOf(core, range === undefined ? {} : checkObject('range', range, BOUNDS))
}

/** What an iterator walks over, checked. @internal */
export interface ScanRange {
  lower: string | Uint8Array | undefined
  upper: string | Uint8Array | undefined
  /** Flags of `hot.scan`. */
  flags: number
  limit: number
  snapshot: Snapshot | undefined
}

/** The options of an iterator, checked. Its bounds are still the caller's bytes. @internal */
export function checkIteratorOptions<K>(
  core: Core<K, unknown>,
  options: unknown,
  keys: boolean,
  values: boolean,
): ScanRange {
  let flags = (keys ? Flag.Keys : 0) | (values ? Flag.Values : 0)
  if (options === undefined) {
    return { lower: undefined, upper: undefined, flags, limit: Number.POSITIVE_INFINITY, snapshot: undefined }
  }
  const given = checkObject('range', options, ALL) as Partial<Record<keyof IteratorOptions<K>, unknown>>
  const { gt, gte, lt, lte, reverse, limit, snapshot, fillCache } = given
  let lower: string | Uint8Array | undefined
  let upper: string | Uint8Array | undefined
  if (gte !== undefined) {
    if (gt !== undefined) throw both('gt', 'gte')
    lower = core.keys.encode(gte, 'gte')
    flags |= Flag.Lower | Flag.LowerInclusive
  } else if (gt !== undefined) {
    lower = core.keys.encode(gt, 'gt')
    flags |= Flag.Lower
  }
  if (lte !== undefined) {
    if (lt !== undefined) throw both('lt', 'lte')
    upper = core.keys.encode(lte, 'lte')
    flags |= Flag.Upper | Flag.UpperInclusive
  } else if (lt !== undefined) {
    upper = core.keys.encode(lt, 'lt')
    flags |= Flag.Upper
  }
  if (reverse !== undefined && checkBoolean('range.reverse', reverse)) flags |= Flag.Reverse
  if (fillCache !== undefined && !checkBoolean('range.fillCache', fillCache)) flags |= Flag.BypassCache
  return { lower, upper, flags, limit: checkLimit(limit), snapshot: core.checkSnapshot(snapshot) }
}

let scans = 0

/** The number of the next scan, of 32 bits: that of a scan that is open comes again after four billion others. @internal */
export function nextScan(): number {
  scans = (scans % 0xffff_ffff) + 1
  return scans
}

/**
 * Opens scan `scan` over `range`. With `bytes` other than 0 the answer is its first page, if that is in memory, of so many
 * bytes at least unless the range or its limit ends before.
 * @internal
 */
export function openScan(
  db: number,
  scan: number,
  range: ScanRange,
  flags: number,
  bytes: number,
): number | Buffer | undefined {
  const { lower, upper, snapshot } = range
  const start = lower === undefined ? 0 : writeKey(keyArea, 0, lower, 'the lower bound')
  const end = upper === undefined ? start : writeKey(keyArea, start, upper, 'the upper bound')
  const number = snapshot === undefined ? 0 : snapshot.number()
  try {
    if (bytes === 0) return hot.scan(scan, db, start, end - start, flags, number)
    const { memory, next } = pool
    return hot.scan(scan, db, start, end - start, flags, number, bytes, range.limit, memory, next)
  } catch (error) {
    throw fromNative(error)
  }
}

/** The same range with bounds of its own, for a scan that is opened later. @internal */
export function detached(range: ScanRange): ScanRange {
  const { lower, upper } = range
  return { ...range, lower: lower && keep(lower), upper: upper && keep(upper) }
}

function checkLimit(limit: unknown): number {
  if (limit === undefined || limit === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  if (typeof limit !== 'number') throw invalid('range.limit', limit, 'an integer or Infinity')
  return checkInteger('range.limit', limit, 0, Number.MAX_SAFE_INTEGER)
}

/** The smallest key after `key`; `undefined` when there is none. */
function successor(key: Buffer): Buffer | undefined {
  if (key.length < MAX_KEY) return Buffer.concat([key, Buffer.of(0)])
  let end = key.length
  while (end > 0 && key[end - 1] === 0xff) end--
  if (end === 0) return undefined
  const next = Buffer.from(key.subarray(0, end))
  next[end - 1]! += 1
  return next
}

/** The largest key there is. */
const LAST_KEY = Buffer.alloc(MAX_KEY, 0xff)

/**
 * The same keys as `bounds`, as `[start, end)`, and whether the largest possible key, which no `end` can be behind,
 * belongs to them as well. `undefined`: no keys at all.
 * @internal
 */
export function halfOpen(bounds: Bounds): { start: Buffer; end: Buffer; last: boolean } | undefined {
  const { lower, upper } = bounds
  const start = !lower ? Buffer.alloc(0) : bounds.lowerInclusive ? lower : successor(lower)
  if (!start) return undefined
  const end = !upper ? undefined : bounds.upperInclusive ? successor(upper) : upper
  if (!end) return { start, end: LAST_KEY, last: true }
  return Buffer.compare(start, end) < 0 ? { start, end, last: false } : undefined
}
