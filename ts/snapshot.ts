import type { Core } from './core.js'
import { MossError } from './errors.js'
import { at, forget, native, onCollected } from './native.js'

interface Box {
  number: number
  closed: boolean
}

/**
 * A consistent view of the database at the moment `engine.snapshot()` was called. Reads take it as an option. While it
 * is open, compaction keeps what it can see, so close it when it is not needed any more: with `close`, or by
 * declaring it with `using`. Costs next to nothing to take.
 */
export class Snapshot implements Disposable {
  readonly #core: Core<unknown, unknown>
  /** Its number in native code, once it has one; the box is what outlives a snapshot that is collected unclosed. */
  readonly #native: Box

  /** @internal */
  constructor(core: Core<unknown, unknown>) {
    const box = { number: 0, closed: false }
    this.#core = core
    this.#native = box
    core.fence()
    if (core.gate.closed) core.gate.read(taker(core.db, box))
    else box.number = at(() => native.snapshot(core.db))
    onCollected(this, releaser(box))
  }

  /** Throws unless it is an open snapshot of `core`. @internal */
  check(core: object): void {
    if (this.#core !== core) {
      throw new MossError(
        'INVALID_ARGUMENT',
        'option snapshot is a snapshot of another engine: it must be one of this engine',
      )
    }
    if (this.#native.closed) throw closed()
  }

  /** Its number, for a read that is in its place. @internal */
  number(): number {
    if (this.#native.number === 0) throw closed()
    return this.#native.number
  }

  /** Releases the snapshot. Reads that were called before still see it. Closing twice is fine. */
  close(): void {
    if (this.#native.closed) return
    forget(this)
    const box = this.#native
    box.closed = true
    if (this.#core.gate.closed) this.#core.gate.read(() => release(box))
    else release(box)
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close()
  }
}

function release(box: Box): void {
  box.closed = true
  if (box.number !== 0) native.release(box.number)
  box.number = 0
}

// Closures of their own, that see the box and nothing else: one made in the constructor would keep the snapshot.

function releaser(box: Box): () => void {
  return () => release(box)
}

function taker(db: number, box: Box): () => void {
  return () => {
    if (!box.closed) box.number = native.snapshot(db)
  }
}

function closed(): MossError {
  return new MossError('SNAPSHOT_CLOSED', 'the snapshot is closed: take a new one')
}
