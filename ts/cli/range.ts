// The options that choose a range of keys.

import type { KeyRange } from '../index.js'
import { argument, type Codec } from './encoding.js'
import { UsageError } from './failure.js'
import type { Flags, Options } from './parse.js'

/** Which keys. */
export const RANGE_OPTIONS: Options = {
  prefix: { type: 'string', short: 'p', argument: 'KEY', help: 'only keys that begin with KEY' },
  gt: { type: 'string', argument: 'KEY', help: 'only keys after KEY' },
  gte: { type: 'string', argument: 'KEY', help: 'only keys from KEY on' },
  lt: { type: 'string', argument: 'KEY', help: 'only keys before KEY' },
  lte: { type: 'string', argument: 'KEY', help: 'only keys up to KEY' },
}

/** In which order, and how many. */
export const ORDER_OPTIONS: Options = {
  reverse: { type: 'boolean', short: 'r', help: 'from the last key to the first' },
  limit: { type: 'string', short: 'n', argument: 'N', help: 'at most N entries' },
}

/** The range the options ask for; a prefix narrows the other bounds. Throws a `UsageError`. */
export function rangeOf(flags: Flags, codec: Codec): KeyRange<Buffer> {
  const range: KeyRange<Buffer> = {}
  for (const [open, closed] of [
    ['gt', 'gte'],
    ['lt', 'lte'],
  ] as const) {
    if (flags.text(open) !== undefined && flags.text(closed) !== undefined)
      throw new UsageError(`--${open} and --${closed} exclude each other`)
  }
  for (const name of ['gt', 'gte', 'lt', 'lte'] as const) {
    const text = flags.text(name)
    if (text !== undefined) range[name] = argument(codec, text, `--${name}`)
  }
  const prefix = flags.text('prefix')
  return prefix === undefined ? range : within(range, argument(codec, prefix, '--prefix'))
}

/** The part of `range` whose keys begin with `prefix`. */
function within(range: KeyRange<Buffer>, prefix: Buffer): KeyRange<Buffer> {
  const narrowed = { ...range }
  const lower = range.gt ?? range.gte
  if (lower === undefined || Buffer.compare(lower, prefix) < 0) {
    narrowed.gt = undefined
    narrowed.gte = prefix
  }
  const end = after(prefix)
  const upper = range.lt ?? range.lte
  if (end !== undefined && (upper === undefined || Buffer.compare(upper, end) >= 0)) {
    narrowed.lt = end
    narrowed.lte = undefined
  }
  return narrowed
}

/** The first key behind all keys that begin with `prefix`; `undefined` if there is none. */
function after(prefix: Buffer): Buffer | undefined {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return undefined
  const end = Buffer.from(prefix.subarray(0, length))
  end[length - 1]! += 1
  return end
}
