// Keeps reads in their place when a write cannot be done at once.
//
// A read sees all writes called before it in the same turn, and none called after it. Mostly that costs nothing: the
// group of writes is committed on the spot, and the read follows. But when the group has to wait (for the disk, or
// behind a stall), the read waits for it, and everything called after the read waits behind the read. That queue
// is the gate; it is open nearly always.

/** What the gate needs to know of a group of writes. @internal */
export interface Blocker {
  /** Resolved or rejected. */
  readonly settled: boolean
  /** Calls back when settled. */
  whenSettled(callback: () => void): void
  /** Blocks the thread until the commit is done (its promise may still be on the way). */
  block(): void
}

/** @internal */
export class Gate {
  #blocker: Blocker | undefined
  #queue: { read: boolean; run(): Blocker | undefined }[] = []

  /** Whether calls have to queue. */
  get closed(): boolean {
    return this.#blocker !== undefined
  }

  /** Everything from here on waits for `blocker`. */
  close(blocker: Blocker): void {
    this.#blocker = blocker
    blocker.whenSettled(() => {
      if (this.#blocker === blocker) this.#open()
    })
  }

  /** A read in the queue. */
  read(run: () => void): void {
    this.#queue.push({
      read: true,
      run: () => {
        try {
          run()
        } catch {
          // Whoever uses what was not read is told so then; the calls behind must go on.
        }
        return undefined
      },
    })
  }

  /** A write in the queue; `run` returns its group if that is not done at once. */
  write(run: () => Blocker | undefined): void {
    this.#queue.push({ read: false, run })
  }

  /** Blocks the thread until the queue is empty. Only for the `…Sync` methods. */
  force(): void {
    if (!this.#blocker) return
    // The caller is a read at the end of the queue: the last write before it has to be done, not just sent.
    this.read(() => {})
    while (this.#blocker) {
      this.#blocker.block()
      this.#open()
    }
  }

  #open(): void {
    this.#blocker = undefined
    let last: Blocker | undefined
    while (this.#queue.length > 0) {
      if (this.#queue[0]!.read && last && !last.settled) {
        this.close(last)
        return
      }
      last = this.#queue.shift()!.run() ?? last
    }
  }
}
