// Objects that are mostly closed soon. To register one with the garbage collector and to take it back costs as much as
// reading several entries, so that only those are registered that are still open when the event loop turns or when a few
// more were made. Until then they are held here: none is collected.

import { forget, onCollected } from './native.js'

/** What an object has in native code; outlives one that is collected unclosed. @internal */
export interface Box {
  closed: boolean
  /** Whether the garbage collector knows the object. */
  registered: boolean
}

const MOST = 16

/** @internal */
export class Young<B extends Box> {
  readonly #objects: object[] = []
  readonly #boxes: B[] = []
  readonly #release: (box: B) => void
  #turning = false

  /** Boxes of objects that were collected unclosed are given to `release`. */
  constructor(release: (box: B) => void) {
    this.#release = release
  }

  /** From now on `object`, which the box must not refer to, is released when it is collected. */
  add(object: object, box: B): void {
    if (this.#objects.length === MOST) this.#register()
    this.#objects.push(object)
    this.#boxes.push(box)
    if (this.#turning) return
    this.#turning = true
    setImmediate(() => {
      this.#turning = false
      this.#register()
    })
  }

  /** `object` was closed in time; its box says so already. */
  remove(object: object, box: B): void {
    if (box.registered) forget(object)
    else if (this.#boxes.at(-1) === box) {
      this.#boxes.pop()
      this.#objects.pop()
    }
  }

  #register(): void {
    for (let at = 0; at < this.#objects.length; at++) {
      const box = this.#boxes[at]!
      if (box.closed) continue
      box.registered = true
      onCollected(this.#objects[at]!, releaser(this.#release, box))
    }
    this.#objects.length = 0
    this.#boxes.length = 0
  }
}

/** A closure of its own, that does not see the object. */
function releaser<B>(release: (box: B) => void, box: B): () => void {
  return () => release(box)
}
