// Values that end by themselves. On disk the moment they end stands in front of the value; docs/format.md has the bytes.

import { MAX_VALUE } from './encoder.js'
import { invalid, MossError } from './errors.js'
import { checkInteger } from './options.js'

/** How long a value lasts: at most one of the two. Without either it lasts until it is replaced or removed. */
export interface ExpiryOptions {
  /** Milliseconds from the call on, 1 to 8.64e15. */
  ttl?: number | undefined
  /** The moment the value ends, in milliseconds of the Unix epoch, 0 to 8.64e15. One in the past is allowed. */
  expiresAt?: number | undefined
}

/** A value with what the database knows about it. */
export interface Entry<V> {
  /** The value. */
  value: V
  /** The millisecond of the Unix epoch from which on the key is absent. Missing if the value lasts. */
  expiresAt?: number
}

/** The last moment a `Date` can hold, in milliseconds. */
const LAST_MOMENT = 8.64e15

/** Bytes of the expiry in front of a value. @internal */
export const EXPIRY_BYTES = 8

/**
 * The moment that `ttl` or `expiresAt` name; `undefined` when there is neither. `name` is what stands before their
 * names in errors.
 * @internal
 */
export function checkExpiry(name: string, ttl: unknown, expiresAt: unknown): number | undefined {
  if (expiresAt === undefined) {
    if (ttl === undefined) return undefined
    return Math.min(Date.now() + checkInteger(`${name}ttl`, ttl, 1, LAST_MOMENT), LAST_MOMENT)
  }
  if (ttl !== undefined) {
    throw new MossError(
      'INVALID_ARGUMENT',
      `${name}ttl and ${name}expiresAt are both given: there must be one of them`,
    )
  }
  return checkInteger(`${name}expiresAt`, expiresAt, 0, LAST_MOMENT)
}

/** The bytes of an expiring value: the moment, then the value. @internal */
export function stamped(value: string | Uint8Array, expiresAt: number, name: string): Buffer {
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw invalid(name, value, 'well-formed: it has half of a surrogate pair')
  }
  const length = typeof value === 'string' ? Buffer.byteLength(value) : value.length
  if (length > MAX_VALUE - EXPIRY_BYTES) {
    const most = MAX_VALUE - EXPIRY_BYTES
    throw new MossError(
      'INVALID_ARGUMENT',
      `${name} has ${length} bytes: one that expires must have at most ${most}`,
    )
  }
  const bytes = Buffer.allocUnsafe(EXPIRY_BYTES + length)
  bytes.writeBigUInt64LE(BigInt(expiresAt))
  if (typeof value === 'string') bytes.write(value, EXPIRY_BYTES)
  else bytes.set(value, EXPIRY_BYTES)
  return bytes
}
