// Memory of native code that large batches are encoded into and committed from, without a copy on the event loop
// (`crates/node/src/block.rs`). A block is free, taken by who encodes into it, or lent to a commit, which only native
// code knows.

import { hot } from './native.js'

/** Bytes of a block. @internal */
export const BLOCK_BYTES = 4 * 2 ** 20

/** @internal */
export interface Block {
  readonly number: number
  readonly bytes: Buffer
  taken: boolean
}

const blocks: Block[] = []
/** Whether native code may have more of them. */
let more = true

/** Takes a free block; `undefined` if there is none. @internal */
export function takeBlock(): Block | undefined {
  const block = blocks.find(({ taken, number }) => !taken && hot.isFree(number)) ?? addBlock()
  if (block) block.taken = true
  return block
}

/** Gives a block back; if it was handed over, it is free when it is committed. @internal */
export function giveBack(block: Block): void {
  block.taken = false
}

function addBlock(): Block | undefined {
  const memory = more ? hot.addBlock() : undefined
  more = memory !== undefined
  if (memory === undefined) return undefined
  const block = { number: blocks.length, bytes: Buffer.from(memory), taken: false }
  blocks.push(block)
  return block
}
