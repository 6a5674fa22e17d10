// The iterator as abstract-level has it: a shell around one of the engine's. Its `keys()` and `values()` go through it
// as well, with `values` or `keys` false.

import { AbstractIterator } from 'abstract-level'
import type { Engine } from './engine.js'
import type { EntryIterator } from './iterator.js'
import { LevelError, levelError } from './level-errors.js'
import { type Data, formatted, type LevelRange, rangeOf, readOptions } from './level-options.js'

/** What abstract-level passes to an iterator. @internal */
export interface IteratorRange extends LevelRange {
  keys: boolean
  values: boolean
  signal?: AbortSignal | null
}

/** An entry in the formats asked for; what was not asked for is `undefined`. */
type Entry = [key: Data | undefined, value: Data | undefined]

type Format = (entry: unknown) => Entry

/** The most entries that are read without letting the event loop turn: only then can a signal be aborted. */
const CHUNK = 1000

function open(
  engine: Engine<Data, Data>,
  options: IteratorRange,
): [inner: EntryIterator<unknown, Data>, format: Format] {
  const { keys, values, keyEncoding, valueEncoding, reverse, limit = -1 } = options
  const range = {
    ...rangeOf(options),
    ...readOptions(options),
    reverse: reverse === true,
    limit: limit < 0 ? Number.POSITIVE_INFINITY : limit,
  }
  if (!values) {
    return [engine.keys(range), key => [keys ? formatted(key as Data, keyEncoding) : undefined, undefined]]
  }
  if (!keys) return [engine.values(range), value => [undefined, formatted(value as Data, valueEncoding)]]
  return [
    engine.iterator(range),
    entry => {
      const [key, value] = entry as [Data, Data]
      return [formatted(key, keyEncoding), formatted(value, valueEncoding)]
    },
  ]
}

/** @internal */
export class LevelIterator<D, K, V> extends AbstractIterator<D, K, V> {
  #inner: EntryIterator<unknown, Data> | undefined
  #format!: Format
  /** Why there is none. Told by the first read, since nobody expects the making of an iterator to fail. */
  #failure: unknown
  readonly #signal: AbortSignal | null | undefined

  constructor(db: D, engine: Engine<Data, Data>, options: IteratorRange) {
    super(db, options as object)
    this.#signal = options.signal
    try {
      ;[this.#inner, this.#format] = open(engine, options)
    } catch (error) {
      this.#failure = error
    }
  }

  async _next(): Promise<Entry | undefined> {
    try {
      const entry = await this.#opened.next()
      this.#check()
      return entry === undefined ? undefined : this.#format(entry)
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
      return entries.map(entry => this.#format(entry))
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
