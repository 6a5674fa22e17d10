// The iterator as abstract-level has it: a shell around one of the engine's. Its `keys()` and `values()` go through it
// as well, with `values` or `keys` false.

import { AbstractIterator } from 'abstract-level'
import type { Core } from './core.js'
import { encodingOf } from './encoding.js'
import { EntryIterator } from './iterator.js'
import { LevelError, levelError } from './level-errors.js'
import { type Data, type LevelRange, rangeOf, readOptions } from './level-options.js'

/** What abstract-level passes to an iterator. @internal */
export interface IteratorRange extends LevelRange {
  keys: boolean
  values: boolean
  signal?: AbortSignal | null
}

/** An entry in the formats asked for; what was not asked for is `undefined`. */
type Entry = [key: Data | undefined, value: Data | undefined]

/** The most entries that are read without letting the event loop turn: only then can a signal be aborted. */
const CHUNK = 1000

/** @internal */
export class LevelIterator<D, K, V> extends AbstractIterator<D, K, V> {
  #inner: EntryIterator<unknown, Data> | undefined
  /** Makes an entry of a key or a value alone. */
  readonly #entry: ((part: unknown) => Entry) | undefined
  /** Why there is none. Told by the first read, since nobody expects the making of an iterator to fail. */
  #failure: unknown
  readonly #signal: AbortSignal | null | undefined

  constructor(db: D, core: Core<Data, Data>, options: IteratorRange) {
    super(db, options as object)
    const { keys, values, reverse, limit = -1, signal } = options
    this.#signal = signal
    if (!values) this.#entry = key => [keys ? (key as Data) : undefined, undefined]
    else if (!keys) this.#entry = value => [undefined, value as Data]
    try {
      const range = {
        ...rangeOf(options),
        ...readOptions(options),
        reverse: reverse === true,
        limit: limit < 0 ? Number.POSITIVE_INFINITY : limit,
      }
      this.#inner = new EntryIterator(core as never, range, keys || !values, values, {
        keys: encodingOf(options.keyEncoding, 'keyEncoding'),
        values: encodingOf(options.valueEncoding, 'valueEncoding'),
      })
    } catch (error) {
      this.#failure = error
    }
  }

  async _next(): Promise<Entry | undefined> {
    try {
      const entry = await this.#opened.next()
      this.#check()
      if (!this.#entry || entry === undefined) return entry as Entry | undefined
      return this.#entry(entry)
    } catch (error) {
      throw levelError(error)
    }
  }

  /** At most `size` entries; none only at the end. */
  async _nextv(size: number): Promise<Entry[]> {
    try {
      const entries = await this.#opened.nextv(Math.min(size, CHUNK))
      if (entries.length === CHUNK) await new Promise(setImmediate)
      this.#check()
      return this.#entry ? entries.map(this.#entry) : (entries as Entry[])
    } catch (error) {
      throw levelError(error)
    }
  }

  _seek(target: Data): void {
    try {
      this.#opened.seek(target)
    } catch (error) {
      throw levelError(error)
    }
  }

  async _close(): Promise<void> {
    await this.#inner?.close()
  }

  get #opened(): EntryIterator<unknown, Data> {
    if (!this.#inner) throw this.#failure
    return this.#inner
  }

  #check(): void {
    if (this.#signal?.aborted) {
      throw new LevelError('LEVEL_ABORTED', 'the signal of the iterator was aborted', {
        cause: this.#signal.reason,
      })
    }
  }
}
