/**
 * `mosskv/level`: MossKV as an `abstract-level` database, for programs written for `classic-level`.
 *
 * @packageDocumentation
 */

import {
  type AbstractBatchOperation,
  type AbstractDatabaseOptions,
  type AbstractIterator,
  type AbstractKeyIterator,
  AbstractLevel,
  type AbstractSnapshot,
  type AbstractValueIterator,
  type Transcoder,
} from 'abstract-level'
import type { BatchOperation } from './batch.js'
import type { Core } from './core.js'
import { coreOf, Engine, type Stats } from './engine.js'
import type { ExpiryOptions } from './expiry.js'
import { LevelChainedBatch } from './level-batch.js'
import { LevelError, levelError } from './level-errors.js'
import { type IteratorRange, LevelIterator } from './level-iterator.js'
import {
  type Data,
  FORMS,
  type LevelOpenOptions,
  type LevelRange,
  type LevelReadOptions,
  LevelSnapshot,
  type LevelWriteOptions,
  openOptions,
  putOptions,
  rangeOf,
  readOptions,
  snapshotOf,
  writeOptions,
} from './level-options.js'
import type {
  LevelBatch,
  LevelBatchOptions,
  LevelDelOptions,
  LevelGetOptions,
  LevelHasOptions,
  LevelIteratorOptions,
  LevelKeyIteratorOptions,
  LevelPutOptions,
  LevelValueIteratorOptions,
} from './level-types.js'
import { checkLocation } from './options.js'

export { LevelError } from './level-errors.js'
export type { ClassicOptions, LevelOpenOptions, LevelWriteOptions } from './level-options.js'
export type * from './level-types.js'

/** The options of the constructor: how to open, and the encodings to use unless a call names its own. */
export type LevelOptions<K, V> = AbstractDatabaseOptions<K, V> & Omit<LevelOpenOptions, 'passive'>

/** The options of `approximateSize` and `compactRange`. */
export interface StartEndOptions<K> {
  /** How `start` and `end` are encoded. Default: the database's. */
  keyEncoding?: string | Transcoder.PartialEncoder<K> | undefined
}

/** What classic-level supports. (The type of manifests does not know `getSync` yet.) */
const MANIFEST: object = {
  encodings: { buffer: true, utf8: true, view: true },
  has: true,
  createIfMissing: true,
  errorIfExists: true,
  explicitSnapshots: true,
  getSync: true,
  additionalMethods: { approximateSize: true, compactRange: true },
  signals: { iterators: true },
}

/** What `clear` deletes in one batch when it cannot delete the range as a whole. */
const CLEAR_AT_ONCE = 1000

/**
 * An `abstract-level` database in a directory, over an {@link Engine}. It opens by itself, and calls made before that is
 * done wait for it. Its methods are those of [abstract-level](https://github.com/Level/abstract-level), with every
 * feature that `classic-level` has; `sync: true` on a write means `durability: 'disk'`, and a put with `ttl` or
 * `expiresAt`, alone or in a batch, ends by itself. Failures reject with a {@link LevelError}. Promises, order and costs
 * are the engine's: reads see all writes called before them.
 *
 * `clear` of a range is one atomic tombstone; with a `limit` or a `snapshot` it deletes 1,000 keys at a time and is not
 * atomic. Text with half of a surrogate pair is refused (classic-level stores another text in its place).
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface adds overloads of methods that are there
export class MossLevel<KDefault = string, VDefault = string> extends AbstractLevel<
  string | Buffer | Uint8Array,
  KDefault,
  VDefault
> {
  readonly #location: string
  #engine: Engine<Data, Data> | undefined

  /**
   * The database in the directory `location` (a path or a `file:` URL). Throws a `LevelError` for a wrong location; what
   * is wrong with the options is told by `open`.
   */
  constructor(location: string | URL, options?: LevelOptions<KDefault, VDefault>) {
    const directory = orLevelError(() => checkLocation(location))
    super(MANIFEST, options)
    this.#location = directory
  }

  /** Removes the closed database in `location`: only files that MossKV made, and the directory if it is empty then. */
  static async destroy(location: string | URL): Promise<void> {
    await Engine.destroy(location).catch(rethrow)
  }

  /** The directory of the database, absolute. */
  get location(): string {
    return this.#location
  }

  /**
   * About how many bytes on disk the keys from `start` up to `end` (without it) take; what is still in memory does not
   * count.
   */
  async approximateSize<K = KDefault>(start: K, end: K, options?: StartEndOptions<K>): Promise<number> {
    const range = this.#range(start, end, options)
    return this.#whenOpen(engine => engine.approximateSize(range))
  }

  /** Compacts the keys from `start` up to `end` (without it). Costs rewriting them. */
  async compactRange<K = KDefault>(start: K, end: K, options?: StartEndOptions<K>): Promise<void> {
    const range = this.#range(start, end, options)
    return this.#whenOpen(engine => engine.compact(range))
  }

  /** What the engine counts, and the shape of its tree. Costs microseconds. Throws when the database is not open. */
  stats(): Stats {
    if (this.status !== 'open') throw notOpen()
    return this.#open.stats()
  }

  /** @internal */
  async _open(options: Record<string, unknown>): Promise<void> {
    this.#engine = await Engine.open<Data, Data>(this.#location, openOptions(options)).catch(rethrow)
  }

  /** @internal */
  async _close(): Promise<void> {
    await this.#engine?.close().catch(rethrow)
    this.#engine = undefined
  }

  /** @internal */
  async _get(key: Data, options: LevelReadOptions): Promise<Data | undefined> {
    const { flag, value } = FORMS[options.valueEncoding!]!
    try {
      return await this.#core.get(key, readOptions(options), flag, value)
    } catch (error) {
      throw levelError(error)
    }
  }

  /** @internal */
  _getSync(key: Data, options: LevelReadOptions): Data | undefined {
    const { flag, value } = FORMS[options.valueEncoding!]!
    return orLevelError(() => this.#core.getSync(key, readOptions(options), flag, value))
  }

  /** @internal */
  async _getMany(keys: Data[], options: LevelReadOptions): Promise<(Data | undefined)[]> {
    const { flag, many } = FORMS[options.valueEncoding!]!
    try {
      return await this.#core.getMany<Data | undefined>(keys, readOptions(options), flag, many, undefined)
    } catch (error) {
      throw levelError(error)
    }
  }

  /** @internal */
  async _has(key: Data, options: LevelReadOptions): Promise<boolean> {
    try {
      return await this.#open.has(key, readOptions(options))
    } catch (error) {
      throw levelError(error)
    }
  }

  /** @internal */
  async _hasMany(keys: Data[], options: LevelReadOptions): Promise<boolean[]> {
    try {
      return await this.#open.hasMany(keys, readOptions(options))
    } catch (error) {
      throw levelError(error)
    }
  }

  /** @internal */
  async _put(key: Data, value: Data, options: LevelWriteOptions & ExpiryOptions): Promise<void> {
    try {
      await this.#open.put(key, value, putOptions(options))
    } catch (error) {
      throw levelError(error)
    }
  }

  /** @internal */
  async _del(key: Data, options: LevelWriteOptions): Promise<void> {
    try {
      await this.#open.del(key, writeOptions(options))
    } catch (error) {
      throw levelError(error)
    }
  }

  /** @internal */
  async _batch(operations: BatchOperation<Data, Data>[], options: LevelWriteOptions): Promise<void> {
    try {
      await this.#open.batch(operations, writeOptions(options))
    } catch (error) {
      throw levelError(error)
    }
  }

  /** @internal */
  _chainedBatch() {
    return new LevelChainedBatch(this, this.#open.batch())
  }

  /** @internal */
  async _clear(options: LevelRange): Promise<void> {
    try {
      const { limit = -1, snapshot, reverse } = options
      const range = rangeOf(options)
      if (limit < 0 && snapshot == null) return await this.#open.clear(range)
      const engine = this.#open
      const keys = engine.keys({
        ...range,
        reverse: reverse === true,
        limit: limit < 0 ? Number.POSITIVE_INFINITY : limit,
        snapshot: snapshotOf(snapshot),
      })
      try {
        for (;;) {
          const found = await keys.nextv(CLEAR_AT_ONCE)
          if (found.length === 0) return
          await engine.batch(found.map(key => ({ type: 'del', key })))
        }
      } finally {
        await keys.close()
      }
    } catch (error) {
      throw levelError(error)
    }
  }

  /** @internal */
  _iterator(options: IteratorRange) {
    return new LevelIterator(this, this.#core, options)
  }

  /** @internal */
  _snapshot(options: object): AbstractSnapshot {
    return orLevelError(() => new LevelSnapshot(this.#open.snapshot(), options))
  }

  /** The engine. abstract-level makes no call of a method with an underscore unless the database is open. */
  get #open(): Engine<Data, Data> {
    return this.#engine!
  }

  get #core(): Core<Data, Data> {
    return coreOf(this.#open)
  }

  #range<K>(start: K, end: K, options: StartEndOptions<K> | undefined) {
    if (start == null || end == null) throw new TypeError("The arguments 'start' and 'end' are required")
    const encoding = this.keyEncoding((options?.keyEncoding ?? undefined) as 'utf8')
    return { gte: encoding.encode(start as string), lt: encoding.encode(end as string) }
  }

  async #whenOpen<T>(work: (engine: Engine<Data, Data>) => Promise<T>): Promise<T> {
    if (this.status === 'opening') return this.deferAsync(() => this.#whenOpen(work))
    if (this.status !== 'open') throw notOpen()
    return work(this.#open).catch(rethrow)
  }
}

function notOpen(): LevelError {
  return new LevelError('LEVEL_DATABASE_NOT_OPEN', 'the database is not open')
}

function rethrow(error: unknown): never {
  throw levelError(error)
}

function orLevelError<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw levelError(error)
  }
}

// The methods of abstract-level, with the options that this database adds to theirs.
export interface MossLevel<KDefault, VDefault> {
  /**
   * Opens the database again after `close`, or waits until it is open. Rejects with `LEVEL_DATABASE_NOT_OPEN` and the
   * reason as its `cause`.
   */
  open(options?: LevelOpenOptions): Promise<void>

  /** The value of `key`, or `undefined` if there is none. Answered at once when it is in memory. */
  get(key: KDefault): Promise<VDefault | undefined>
  get<K = KDefault, V = VDefault>(key: K, options: LevelGetOptions<K, V>): Promise<V | undefined>

  /** The same as `get`, on this thread: it blocks the event loop if the disk is needed. The database must be open. */
  getSync(key: KDefault): VDefault | undefined
  getSync<K = KDefault, V = VDefault>(key: K, options: LevelGetOptions<K, V>): V | undefined

  /** The values of `keys`, each `undefined` if there is none, all of one moment. Cheaper than as many `get`s. */
  getMany(keys: KDefault[]): Promise<(VDefault | undefined)[]>
  getMany<K = KDefault, V = VDefault>(keys: K[], options: LevelGetOptions<K, V>): Promise<(V | undefined)[]>

  /** Whether there is a value of `key`. */
  has(key: KDefault): Promise<boolean>
  has<K = KDefault>(key: K, options: LevelHasOptions<K>): Promise<boolean>

  /** Whether there are values of `keys`, all of one moment. */
  hasMany(keys: KDefault[]): Promise<boolean[]>
  hasMany<K = KDefault>(keys: K[], options: LevelHasOptions<K>): Promise<boolean[]>

  /** Sets `key` (at most 64 KiB) to `value` (at most 1 GiB), for good or for a time; both are copied now. */
  put(key: KDefault, value: VDefault): Promise<void>
  put<K = KDefault, V = VDefault>(key: K, value: V, options: LevelPutOptions<K, V>): Promise<void>

  /** Removes `key`; nothing happens if it is not there. */
  del(key: KDefault): Promise<void>
  del<K = KDefault>(key: K, options: LevelDelOptions<K>): Promise<void>

  /** Does all `operations` or, on any failure, none. */
  batch(operations: AbstractBatchOperation<this, KDefault, VDefault>[]): Promise<void>
  batch<K = KDefault, V = VDefault>(
    operations: AbstractBatchOperation<this, K, V>[],
    options: LevelBatchOptions<K, V>,
  ): Promise<void>
  /** Starts a batch that is put together call by call. The database must be open. */
  batch(): LevelBatch<this, KDefault, VDefault>

  /** Walks over the entries in a range as they were when it was made, whatever is written meanwhile. */
  iterator(): AbstractIterator<this, KDefault, VDefault>
  iterator<K = KDefault, V = VDefault>(options: LevelIteratorOptions<K, V>): AbstractIterator<this, K, V>

  /** Walks over the keys in a range. Values are not copied. */
  keys(): AbstractKeyIterator<this, KDefault>
  keys<K = KDefault>(options: LevelKeyIteratorOptions<K>): AbstractKeyIterator<this, K>

  /** Walks over the values in a range. */
  values(): AbstractValueIterator<this, KDefault, VDefault>
  values<K = KDefault, V = VDefault>(
    options: LevelValueIteratorOptions<K, V>,
  ): AbstractValueIterator<this, K, V>
}
