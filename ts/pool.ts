// Memory that values in bytes are cut out of: native code writes a value there, JavaScript makes a view of it, and nothing
// is copied a second time. Like Node's own pool it is shared by values that come one after the other, and only by them.

import * as threads from 'node:worker_threads'
import type { Encoding } from './encoding.js'

/** Bytes of a piece; Node's own have 8 KiB. */
const PIECE = 16 * 1024
/** A value that is longer gets memory of its own. */
const LONGEST = PIECE / 4
/** Values begin at multiples of this. */
const ALIGNMENT = 8

/** Behind this number an answer says how many bytes native code wrote into the pool; see `hot.rs`. */
const POOLED = 1 << 17

let piece: Buffer
/** The memory of the piece in use. @internal */
export let memory: ArrayBuffer
/** Where in it the next value goes. @internal */
export let next = 0

/** Begins a piece. The old one lives as long as its values. */
function begin(): void {
  piece = Buffer.allocUnsafeSlow(PIECE)
  memory = piece.buffer as ArrayBuffer
  next = 0
  // Whoever transferred one value to another thread would take the others with it.
  threads.markAsUntransferable?.(memory)
}
begin()

/** The value that an answer in bytes speaks of: `found` bytes of `out`, or what was written into the pool. @internal */
export function take<T>(encoding: Encoding<T>, out: Buffer, found: number): T {
  if (found >= POOLED) {
    const start = next
    const end = start + found - POOLED
    next = (end + ALIGNMENT - 1) & -ALIGNMENT
    return encoding.fromPage(piece, start, end)
  }
  // It did not fit, or somebody detached the piece.
  if (found <= LONGEST) begin()
  return encoding.fromBytes(out, 0, found)
}
