// Strings out of a buffer of ASCII. Neighbours are decoded together: to cut a string out of another costs a fraction of
// decoding it.

/** A string that a program keeps keeps its stretch in memory, so it is no longer than this. */
const STRETCH = 4096
/** Longer strings have no use for neighbours. */
const LONG = STRETCH / 4

/** @internal */
export class Stretch {
  /** The bytes from `#from` up to `#to` as text. */
  #text = ''
  #from = 0
  #to = 0

  /** To be called when the buffer is another one, or its bytes are. */
  forget(): void {
    this.#to = 0
  }

  /** The bytes from `start` up to `end`, which are ASCII, like the keys or values among those behind them up to `limit`. */
  text(bytes: Buffer, start: number, end: number, limit: number): string {
    if (end > this.#to || start < this.#from) {
      if (end - start > LONG) return bytes.toString('latin1', start, end)
      this.#from = start
      this.#to = Math.min(start + STRETCH, limit)
      this.#text = bytes.toString('latin1', start, this.#to)
    }
    return this.#text.slice(start - this.#from, end - this.#from)
  }
}
