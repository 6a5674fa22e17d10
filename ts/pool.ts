// Memory that values in bytes are cut out of: native code writes a value there, or a small page of an iterator, JavaScript
// makes views of it, and nothing is copied a second time. Like Node's own pool it is shared by what comes one after the
// other, and only by that.

import * as threads from 'node:worker_threads'
import type { Encoding } from './encoding.js'
import type { Page } from './page.js'

/** Bytes of a piece; Node's own have 8 KiB. */
const PIECE = 16 * 1024
/** A value or page that is longer gets memory of its own. */
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

/** The length of what a read brought; 0 if it is neither text nor bytes. @internal */
export function lengthOf(found: unknown): number {
  if (typeof found === 'number') return found & (POOLED - 1)
  return (found as { readonly length?: number } | undefined)?.length ?? 0
}

/** The value that an answer in bytes speaks of: `found` bytes of `out`, or what was written into the pool. @internal */
export function take<T>(encoding: Encoding<T>, out: Buffer, found: number): T {
  if (found >= POOLED) {
    const length = found - POOLED
    return encoding.cut(memory, claim(length), length)
  }
  refused(found)
  return encoding.fromBytes(out, 0, found)
}

/** Sets `page` to what an answer speaks of, in the same way. @internal */
export function takePage(page: Page, out: Buffer, found: number): void {
  if (found >= POOLED) {
    const start = claim(found - POOLED)
    page.set(piece, memory, 0, start, start + found - POOLED)
  } else {
    refused(found)
    page.own(Buffer.from(out.subarray(0, found)))
  }
}

/** Where the `length` bytes begin that native code wrote; the next ones go behind them. */
function claim(length: number): number {
  const start = next
  next = (start + length + ALIGNMENT - 1) & -ALIGNMENT
  return start
}

/** So many bytes did not go into the pool: they were too many, they did not fit, or somebody detached the piece. */
function refused(length: number): void {
  if (length <= LONGEST) begin()
}
