import { EventEmitter } from 'node:events'
import type { NativeStats } from '../native/native.js'
import { addClear, addOperations, addPut, type BatchOperation, ChainedBatch, putOperation } from './batch.js'
import { Core, type ReadOptions } from './core.js'
import { Kind, withScratch } from './encoder.js'
import { type Decoded, type EncodingFor, type EncodingName, encodingOf, type Input } from './encoding.js'
import { describe, type ErrorCode, fromNative, MossError } from './errors.js'
import { checkExpiry, type Entry, type ExpiryOptions, stamped } from './expiry.js'
import { EntryIterator } from './iterator.js'
import { ask, at, Flag, forget, listen, native, onCollected, unlisten } from './native.js'
import {
  checkDurability,
  checkLocation,
  checkObject,
  checkOpenOptions,
  durabilityOr,
  type OpenOptions,
  type WriteOptions,
  writeDurability,
} from './options.js'
import { checkRange, halfOpen, type IteratorOptions, type KeyRange } from './range.js'
import { Snapshot } from './snapshot.js'

/** What the engine counts: sizes in bytes, counters since it was opened. */
export type Stats = NativeStats

/** What `Engine.verify` read and found. */
export interface VerifyReport {
  /** Tables read, every byte of them. */
  tables: number
  /** Their bytes. */
  tableBytes: number
  /** Data blocks whose checksums were checked. */
  blocks: number
  /** Records in write-ahead logs. */
  logRecords: number
  /** What is wrong, each naming file and offset. Empty: nothing. */
  problems: MossError[]
}

/** The events of an engine, with what listeners get. */
export interface EngineEvents<K, V> {
  /** The engine is open. (`Engine.open` resolves after it; no listener can be there yet.) */
  open: []
  /** The engine was closed. */
  close: []
  /** These operations were acknowledged. */
  write: [operations: BatchOperation<K, V>[]]
  /** This range was cleared. */
  clear: [range: KeyRange<K>]
  /** A memtable became a table. */
  flush: [info: Record<string, unknown>]
  /** Tables were merged. */
  compaction: [info: Record<string, unknown>]
  /** Writers have to wait, or no longer have to. */
  stall: [info: Record<string, unknown>]
  /** Background work failed; `engine.lastError` says how. */
  backgroundError: [error: MossError]
}

/** How one put is done. */
export type PutOptions = WriteOptions & ExpiryOptions

/** Open options for keys of type `K` and values of type `V`, which `json` cannot say by itself. */
export type TypedOptions<K, V> = Omit<OpenOptions, 'keyEncoding' | 'valueEncoding'> &
  ([K] extends [string] ? { keyEncoding?: EncodingFor<K> } : { keyEncoding: EncodingFor<K> }) &
  ([V] extends [string] ? { valueEncoding?: EncodingFor<V> } : { valueEncoding: EncodingFor<V> })

/** A closure of its own, that does not see the core: one made in the constructor would keep it. */
function closer(db: number, events: number): () => void {
  return () => {
    unlisten(events)
    ask(() => native.close(db)).catch(() => {})
  }
}

/** The core of an engine, for the adapters of this package. @internal */
export let coreOf: <K, V>(engine: Engine<K, V>) => Core<K, V>

/**
 * An open database: an ordered map from keys to values in a directory.
 *
 * Promises: no method blocks the event loop on the disk, except those whose name ends in `Sync`. Order: reads see all
 * writes called before them in the same turn and none called after; all writes of one turn without a read between
 * them are one atomic group. Errors: every method rejects (or, if it returns no promise, throws) with a `MossError`:
 * `INVALID_ARGUMENT` for a wrong argument, `DATABASE_CLOSED` after `close`, and what its own description says.
 */
export class Engine<K = string, V = string>
  extends EventEmitter<EngineEvents<K, V>>
  implements AsyncDisposable
{
  readonly #core: Core<K, V>
  #closing: Promise<void> | undefined

  readonly #events: number

  static {
    coreOf = engine => engine.#core
  }

  private constructor(core: Core<K, V>, events: number) {
    super()
    this.#core = core
    this.#events = events
    const { db } = core
    listen(events, this)
    // An engine that is dropped without `close` is closed all the same, once its iterators, snapshots, batches and pending
    // calls, which all hold the core, are gone as well.
    onCollected(core, closer(db, events))
  }

  /**
   * Opens the database in the directory `location` (a path or a `file:` URL), and recovers it if it was not closed. The
   * encodings decide the types of keys and values. Costs reading the write-ahead log, at most a memtable or two.
   *
   * When this process has it open already, in this thread or a worker, the two share it: the settings of the first
   * hold, except the encodings, `durability` and `readOnly`, which each has of its own; the last `close` closes it.
   *
   * Rejects with `DATABASE_LOCKED` when another process has it open, `DATABASE_NOT_FOUND` or `DATABASE_EXISTS` as the options
   * say, `CORRUPTION` when files are damaged, `UNSUPPORTED_FORMAT` when they are from a newer version.
   */
  static open<K extends EncodingName = 'utf8', V extends EncodingName = 'utf8'>(
    location: string | URL,
    options?: OpenOptions<K, V>,
  ): Promise<Engine<Decoded<K>, Decoded<V>>>
  /** The same, with the types of keys and values given: `Engine.open<string, User>(path, { valueEncoding: 'json' })`. */
  static open<K, V>(location: string | URL, options: TypedOptions<K, V>): Promise<Engine<K, V>>
  static async open(location: string | URL, options: unknown = {}): Promise<Engine<unknown, unknown>> {
    const directory = checkLocation(location)
    const { given, native: settings } = checkOpenOptions(options)
    const keys = encodingOf(given.keyEncoding, 'keyEncoding')
    const values = encodingOf(given.valueEncoding, 'valueEncoding')
    const durability = checkDurability('option durability', given.durability ?? 'os')
    let events = 0
    const db = await ask<number>(() => {
      events = native.open(directory, settings)
      return events
    })
    const engine = new Engine(new Core(db, directory, keys, values, durability), events)
    engine.emit('open')
    return engine
  }

  /**
   * Reads and checks every file of the closed database in `location`, and reports all damage it finds. Changes nothing.
   * Costs reading everything once.
   */
  static async verify(location: string | URL): Promise<VerifyReport> {
    const directory = checkLocation(location)
    const report = JSON.parse(await ask<string>(() => native.verify(directory)))
    const problems = report.problems as { code: ErrorCode; message: string }[]
    return { ...report, problems: problems.map(({ code, message }) => new MossError(code, message)) }
  }

  /** Removes the closed database in `location`: only files that MossKV made, and the directory if it is empty then. */
  static async destroy(location: string | URL): Promise<void> {
    const directory = checkLocation(location)
    await ask<void>(() => native.destroy(directory))
  }

  /** The directory of the database, absolute. */
  get location(): string {
    return this.#core.location
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#core.closed
  }

  /**
   * The value of `key`, or `undefined` if there is none. Answered at once when it is in memory. Like small Buffers of Node's
   * own, byte values up to 4 KiB share pieces of memory, of 16 KiB: copy one that you keep for long while the others go.
   */
  get(key: Input<K>, options?: ReadOptions): Promise<V | undefined> {
    const core = this.#core
    try {
      return core.get(key, options, core.form, core.value)
    } catch (error) {
      return Promise.reject(fromNative(error))
    }
  }

  /** The same as `get`, on this thread: it blocks the event loop if the disk is needed. */
  getSync(key: Input<K>, options?: ReadOptions): V | undefined {
    const core = this.#core
    return core.getSync(key, options, core.form, core.value)
  }

  /** The value of `key`. Rejects with `KEY_NOT_FOUND` if there is none. */
  async getOrThrow(key: Input<K>, options?: ReadOptions): Promise<V> {
    const value = await this.get(key, options)
    if (value === undefined) throw new MossError('KEY_NOT_FOUND', `there is no key ${describe(key)}`)
    return value
  }

  /** The value of `key` with the moment it expires, if it does; `undefined` if there is none. Costs a little more than `get`. */
  getEntry(key: Input<K>, options?: ReadOptions): Promise<Entry<V> | undefined> {
    const core = this.#core
    return this.#rejecting(() => core.get(key, options, Flag.Entry, core.entry))
  }

  /**
   * The values of `keys`, each `undefined` if there is none, all of one moment. Cheaper than as many `get`s. Byte values
   * of one answer share their memory, at most 64 KiB: copy one that you keep for long while the others go.
   */
  getMany(keys: readonly Input<K>[], options?: ReadOptions): Promise<(V | undefined)[]> {
    const { values, form } = this.#core
    return this.#rejecting(() =>
      this.#core.getMany<V | undefined>(
        keys,
        options,
        form,
        (answers, start, end) => answers.value(values, start, end),
        undefined,
      ),
    )
  }

  /** Whether there is a value of `key`. */
  has(key: Input<K>, options?: ReadOptions): Promise<boolean> {
    return this.#rejecting(() => this.#core.get(key, options, Flag.Presence, found => found as boolean))
  }

  /** Whether there are values of `keys`, all of one moment. */
  hasMany(keys: readonly Input<K>[], options?: ReadOptions): Promise<boolean[]> {
    return this.#rejecting(() => this.#core.getMany(keys, options, Flag.Presence, () => true, false))
  }

  /**
   * Sets `key` to `value`. Both are copied now: changing the buffers afterwards changes nothing. Keys have at most
   * 64 KiB, values at most 1 GiB; empty ones are fine. Resolves when the write is as durable as asked for; rejects
   * with `READ_ONLY`, `DISK_FULL`, `IO_ERROR` or `COMMIT_UNKNOWN`.
   *
   * With `ttl` or `expiresAt` the key is absent from that moment on, in every read, also of an older snapshot; there
   * are no timers, and flushes and compactions give the space back.
   */
  put(key: Input<K>, value: Input<V>, options?: PutOptions): Promise<void> {
    const core = this.#core
    try {
      core.check()
      const { durability, expiresAt } = this.#putOptions(options)
      const encodedKey = core.keys.encode(key, 'key')
      const encoded = core.values.encode(value, 'value')
      const promise =
        expiresAt === undefined
          ? core.writer.add(Kind.Put, encodedKey, encoded, durability)
          : core.writer.add(Kind.PutWithExpiry, encodedKey, stamped(encoded, expiresAt, 'value'), durability)
      if (this.listenerCount('write') > 0) this.#announce(promise, [putOperation(key, value, expiresAt)])
      return promise
    } catch (error) {
      return Promise.reject(fromNative(error))
    }
  }

  /** The same as `put`, on this thread: it blocks the event loop until the write is as durable as asked for. */
  putSync(key: Input<K>, value: Input<V>, options?: PutOptions): void {
    const core = this.#core
    core.check()
    const { durability, expiresAt } = this.#putOptions(options)
    const encodedKey = core.keys.encode(key, 'key')
    const encodedValue = core.values.encode(value, 'value')
    at(() =>
      withScratch(
        encoder => addPut(encoder, encodedKey, encodedValue, expiresAt),
        encoder => core.writer.commitSync(encoder, durability),
      ),
    )
    if (this.listenerCount('write') > 0) this.#tell('write', [putOperation(key, value, expiresAt)])
  }

  /** Removes `key`; nothing happens if it is not there. Resolves and rejects like `put`. */
  del(key: Input<K>, options?: WriteOptions): Promise<void> {
    const core = this.#core
    try {
      core.check()
      const durability = options === undefined ? core.durability : writeDurability(options, core.durability)
      const promise = core.writer.add(Kind.Delete, core.keys.encode(key, 'key'), undefined, durability)
      if (this.listenerCount('write') > 0) this.#announce(promise, [{ type: 'del', key }])
      return promise
    } catch (error) {
      return Promise.reject(fromNative(error))
    }
  }

  /** Removes all keys in `range`, without one all keys. One atomic range tombstone, however many keys there are. */
  clear(range?: KeyRange<K>, options?: WriteOptions): Promise<void> {
    const core = this.#core
    return this.#rejecting(() => {
      core.check()
      const durability = writeDurability(options, core.durability)
      const bounds = checkRange(core, range)
      const promise = withScratch(
        encoder => addClear(encoder, bounds),
        encoder => core.writer.addAll(encoder, durability),
      )
      if (this.listenerCount('clear') > 0)
        promise.then(
          () => this.emit('clear', range ?? {}),
          () => {},
        )
      return promise
    })
  }

  /** Starts a batch that is put together call by call. */
  batch(): ChainedBatch<K, V>
  /** Does all `operations` or, on any failure, none. Keys and values are copied now. Resolves and rejects like `put`. */
  batch(operations: readonly BatchOperation<K, V>[], options?: WriteOptions): Promise<void>
  batch(
    operations?: readonly BatchOperation<K, V>[],
    options?: WriteOptions,
  ): ChainedBatch<K, V> | Promise<void> {
    const core = this.#core
    // biome-ignore lint/complexity/noArguments: `batch(undefined)` is a mistake, not a chained batch
    if (arguments.length === 0) {
      core.check()
      return new ChainedBatch(core, this.listenerCount('write') > 0, done => this.emit('write', done))
    }
    return this.#rejecting(() => {
      core.check()
      const durability = writeDurability(options, core.durability)
      const promise = withScratch(
        encoder => addOperations(core, encoder, operations),
        encoder => core.writer.addAll(encoder, durability),
      )
      if (this.listenerCount('write') > 0) this.#announce(promise, [...(operations ?? [])])
      return promise
    })
  }

  /** Walks over the entries in a range, as `[key, value]`. */
  iterator(range?: IteratorOptions<K>): EntryIterator<[K, V], K> {
    this.#core.check()
    return new EntryIterator(this.#core as Core<unknown, unknown>, range, true, true)
  }

  /** Walks over the keys in a range. Values are not copied. */
  keys(range?: IteratorOptions<K>): EntryIterator<K, K> {
    this.#core.check()
    return new EntryIterator(this.#core as Core<unknown, unknown>, range, true, false)
  }

  /** Walks over the values in a range. */
  values(range?: IteratorOptions<K>): EntryIterator<V, K> {
    this.#core.check()
    return new EntryIterator(this.#core as Core<unknown, unknown>, range, false, true)
  }

  /** Walks over the entries in a range on this thread, for `for … of`: it blocks where the disk is needed. */
  entriesSync(range?: IteratorOptions<K>): IterableIterator<[K, V]> {
    return this.iterator(range).sync()
  }

  /** A consistent view of the database as it is now. Close it, or declare it with `using`. */
  snapshot(): Snapshot {
    this.#core.check()
    return new Snapshot(this.#core as Core<unknown, unknown>)
  }

  /** Writes everything in memory to tables. Resolves when they are on the disk. */
  flush(): Promise<void> {
    return this.#afterWrites(() => native.flush(this.#core.db))
  }

  /** Compacts the keys in `range`, without one all of them, down to one level. Costs rewriting them. */
  compact(range?: KeyRange<K>): Promise<void> {
    return this.#rejecting(() => {
      this.#core.check()
      if (range === undefined) return this.#afterWrites(() => native.compact(this.#core.db))
      const keys = halfOpen(checkRange(this.#core, range))
      return keys
        ? this.#afterWrites(() => native.compact(this.#core.db, keys.start, keys.end))
        : Promise.resolve()
    })
  }

  /** About how many bytes on disk the keys in `range` take; what is still in memory does not count. */
  approximateSize(range?: KeyRange<K>): Promise<number> {
    return this.#rejecting(() => {
      this.#core.check()
      const keys = halfOpen(checkRange(this.#core, range))
      if (!keys) return Promise.resolve(0)
      return this.#afterWrites<number>(() => native.approximateSize(this.#core.db, keys.start, keys.end))
    })
  }

  /** What the engine counts, and the shape of its tree. Costs microseconds. */
  stats(): Stats {
    this.#core.check()
    return at(() => native.stats(this.#core.db))
  }

  /** The failure that keeps the engine from working as it should; `undefined` if all is well. */
  get lastError(): MossError | undefined {
    if (this.#core.closed) return undefined
    const failure = at(() => native.lastError(this.#core.db))
    return failure ? new MossError(failure.code as ErrorCode, failure.message) : undefined
  }

  /**
   * Takes up writing again after a failure made the engine read-only, once its cause is gone: with a new log, a new
   * manifest, and a flush of all memtables. Rejects with the failure that is still there.
   */
  resume(): Promise<void> {
    return this.#rejecting(() => {
      this.#core.check()
      return this.#core.track(ask<void>(() => native.resume(this.#core.db)))
    })
  }

  /**
   * Closes the engine: waits for every call before it, then releases the directory, unless others in this process have
   * the database open too: they go on. Calls after it are refused with `DATABASE_CLOSED`. Closing twice is fine, and
   * both wait.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const core = this.#core
    core.writer.commit()
    core.closed = true
    while (core.inflight.size > 0) await Promise.allSettled(core.inflight)
    forget(core)
    unlisten(this.#events)
    await ask<void>(() => native.close(core.db))
    this.#tell('close')
  }

  /** A listener that throws is an uncaught exception of its own: what is told has been done, and is not to be rejected. */
  #tell<E extends keyof EngineEvents<K, V>>(event: E, ...told: EngineEvents<K, V>[E]): void {
    // The emitter's type cannot follow a generic name to its arguments.
    queueMicrotask(() => (this as EventEmitter).emit(event, ...told))
  }

  #afterWrites<T = void>(call: () => number): Promise<T> {
    const core = this.#core
    return this.#rejecting(() => {
      core.check()
      return core.inOrder(() => core.track(ask<T>(call)))
    })
  }

  #putOptions(options: unknown): { durability: number; expiresAt: number | undefined } {
    const fallback = this.#core.durability
    if (options === undefined) return { durability: fallback, expiresAt: undefined }
    const { durability, ttl, expiresAt } = checkObject('options', options, ['durability', 'ttl', 'expiresAt'])
    return {
      durability: durabilityOr(durability, fallback),
      expiresAt: checkExpiry('option ', ttl, expiresAt),
    }
  }

  #rejecting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return work()
    } catch (error) {
      return Promise.reject(fromNative(error))
    }
  }

  #announce(promise: Promise<void>, operations: BatchOperation<K, V>[]): void {
    promise.then(
      () => this.emit('write', operations),
      () => {},
    )
  }

  /** What happened in native code. @internal */
  onEvent({ type, ...info }: { type: string; code?: string; message?: string }): void {
    if (type === 'backgroundError') {
      this.emit('backgroundError', new MossError((info.code ?? 'INTERNAL') as ErrorCode, info.message ?? ''))
    } else if (type === 'flush' || type === 'compaction' || type === 'stall') {
      this.emit(type, info)
    }
  }
}
