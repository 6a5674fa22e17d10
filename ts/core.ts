// What an engine, its snapshots, iterators and batches share: the native handle, the encodings, the gate, the writer,
// and what is in flight. All reads go through here.

import { Answers, packKeys } from './answers.js'
import { withScratch, writeKey } from './encoder.js'
import { checkBytes, type Encoding } from './encoding.js'
import { fromNative, invalid, MossError } from './errors.js'
import { type Entry, EXPIRY_BYTES } from './expiry.js'
import { Gate } from './gate.js'
import { answer, Flag, hot, keyArea, out } from './native.js'
import { checkBoolean, checkObject } from './options.js'
import * as pool from './pool.js'
import { Snapshot } from './snapshot.js'
import { soon } from './turn.js'
import { Writer } from './writer.js'

/** How one read is done. */
export interface ReadOptions {
  /** Read as of this snapshot instead of as of now. */
  snapshot?: Snapshot | undefined
  /** Keep blocks that had to be read in the cache. Default: true. */
  fillCache?: boolean | undefined
}

/** @internal */
export class Core<K, V> {
  /** Whether `close` was called. */
  closed = false
  readonly db: number
  readonly location: string
  readonly keys: Encoding<K>
  readonly values: Encoding<V>
  /** The durability of writes that do not name their own, as a number. */
  readonly durability: number
  readonly gate = new Gate()
  readonly inflight = new Set<Promise<unknown>>()
  readonly writer: Writer
  /** What a point read brought, as a value. */
  readonly value: (found: unknown) => V | undefined
  /** The flag that says in which form values are wanted. */
  readonly form: number

  constructor(db: number, location: string, keys: Encoding<K>, values: Encoding<V>, durability: number) {
    this.db = db
    this.location = location
    this.keys = keys
    this.values = values
    this.durability = durability
    this.writer = new Writer(this)
    this.value = valueIn(values)
    this.form = formOf(values)
  }

  /** Throws when the engine is closed. */
  check(): void {
    if (this.closed) {
      throw new MossError(
        'DATABASE_CLOSED',
        `the database in ${this.location} is closed: open it again to use it`,
      )
    }
  }

  /** Keeps `close` from closing before `promise` is settled. */
  track<T>(promise: Promise<T>): Promise<T> {
    this.inflight.add(promise)
    const done = () => this.inflight.delete(promise)
    promise.then(done, done)
    return promise
  }

  /** Makes earlier writes of the turn visible before a read, or closes the gate until they are. */
  fence(): void {
    const group = this.writer.commit()
    if (group && !this.gate.closed) this.gate.close(group)
  }

  /** Runs a read that answers with a promise, in its place among the calls of the turn. */
  inOrder<T>(read: () => Promise<T>): Promise<T> {
    this.fence()
    if (!this.gate.closed) return read()
    return this.track(
      new Promise<T>((resolve, reject) => {
        this.gate.read(() => {
          try {
            read().then(resolve, reject)
          } catch (error) {
            reject(fromNative(error))
          }
        })
      }),
    )
  }

  /** Before a read that answers at once. */
  inOrderSync(): void {
    this.fence()
    this.gate.force()
  }

  /** Checks the options of a read: flags and snapshot. */
  readOptions(options: unknown): { flags: number; snapshot: Snapshot | undefined } {
    if (options === undefined) return NO_OPTIONS
    const { snapshot, fillCache } = checkObject('options', options, ['snapshot', 'fillCache'])
    const flags =
      fillCache === undefined || checkBoolean('option fillCache', fillCache) ? 0 : Flag.BypassCache
    return { flags, snapshot: this.checkSnapshot(snapshot) }
  }

  checkSnapshot(snapshot: unknown): Snapshot | undefined {
    if (snapshot === undefined) return undefined
    if (!(snapshot instanceof Snapshot))
      throw invalid('option snapshot', snapshot, 'a Snapshot of this engine')
    snapshot.check(this)
    return snapshot
  }

  /** A point read. `copied` keys are not the caller's any more. */
  get<T>(key: unknown, options: unknown, extra: number, decode: (answer: unknown) => T): Promise<T> {
    this.check()
    const encoded = this.keys.encode(key, 'key')
    if (options === undefined) {
      this.fence()
      if (!this.gate.closed) return this.#getNow(encoded, extra, undefined, decode)
    }
    const { flags, snapshot } = this.readOptions(options)
    const kept = typeof encoded === 'string' ? encoded : Buffer.from(encoded)
    return this.inOrder(() => this.#getNow(kept, flags | extra, snapshot, decode))
  }

  #getNow<T>(
    key: string | Uint8Array,
    flags: number,
    snapshot: Snapshot | undefined,
    decode: (answer: unknown) => T,
  ): Promise<T> {
    const found = this.#lookup(key, flags, snapshot)
    if (typeof found === 'number' && found < 0) return this.track(answer<unknown>(-found).then(decode))
    return soon(decode(found), 1 + (pool.lengthOf(found) >>> 9))
  }

  /** A point read on this thread. */
  getSync<T>(key: unknown, options: unknown, extra: number, decode: (answer: unknown) => T): T {
    this.check()
    const encoded = this.keys.encode(key, 'key')
    const { flags, snapshot } = this.readOptions(options)
    this.inOrderSync()
    return decode(this.#lookup(encoded, flags | extra | Flag.Blocking, snapshot))
  }

  #lookup(key: string | Uint8Array, flags: number, snapshot: Snapshot | undefined): unknown {
    const number = snapshot === undefined ? 0 : snapshot.number()
    try {
      if (typeof key === 'string') {
        if (!key.isWellFormed()) throw invalid('key', key, 'well-formed: it has half of a surrogate pair')
        return (flags & Flag.Pooled) === 0
          ? hot.get(this.db, key, flags | Flag.KeyText, number)
          : hot.get(this.db, key, flags | Flag.KeyText, number, pool.memory, pool.next)
      }
      return hot.get(this.db, writeKey(keyArea, 0, key, 'key'), flags, number, pool.memory, pool.next)
    } catch (error) {
      throw fromNative(error)
    }
  }

  /** What a point read of an entry brought: the expiry, 0 for none, then the value. */
  readonly entry = (found: unknown): Entry<V> | undefined => {
    if (found === undefined) return undefined
    const [bytes, end] =
      typeof found === 'number' ? [out, found] : [found as Buffer, (found as Buffer).length]
    const expiresAt = Number(bytes.readBigUInt64LE(0))
    const value = this.values.fromBytes(bytes, EXPIRY_BYTES, end)
    return expiresAt === 0 ? { value } : { value, expiresAt }
  }

  /** Many point reads of one moment. */
  getMany<T>(
    keys: unknown,
    options: unknown,
    extra: number,
    decode: (answers: Answers, start: number, end: number) => T,
    missing: T,
  ): Promise<T[]> {
    this.check()
    if (!Array.isArray(keys)) throw invalid('keys', keys, 'an array of keys')
    const { flags, snapshot } = this.readOptions(options)
    let count = 0
    const unpack = (bytes: Buffer, end: number, lent: boolean) =>
      new Answers(bytes, end, lent).list(count, decode, missing)
    const read = (packed: Buffer, length: number) =>
      this.#getManyNow(packed, length, flags | extra, snapshot, unpack)
    return withScratch(
      encoder => {
        count = packKeys(encoder, keys, this.keys)
      },
      encoder => {
        this.fence()
        if (!this.gate.closed) return read(encoder.bytes, encoder.length)
        const packed = Buffer.from(encoder.bytes.subarray(0, encoder.length))
        return this.inOrder(() => read(packed, packed.length))
      },
    )
  }

  #getManyNow<T>(
    packed: Buffer,
    length: number,
    flags: number,
    snapshot: Snapshot | undefined,
    unpack: (bytes: Buffer, end: number, lent: boolean) => T[],
  ): Promise<T[]> {
    let found: number | Buffer
    try {
      found = hot.getMany(this.db, packed, length, flags, snapshot === undefined ? 0 : snapshot.number())
    } catch (error) {
      throw fromNative(error)
    }
    if (typeof found === 'number' && found < 0) {
      return this.track(answer<Buffer>(-found).then(bytes => unpack(bytes, bytes.length, false)))
    }
    const answers = typeof found === 'number' ? unpack(out, found, true) : unpack(found, found.length, false)
    return soon(answers, answers.length + (pool.lengthOf(found) >>> 9))
  }
}

/** The flag that says in which form values in `encoding` are wanted. @internal */
export function formOf(encoding: Encoding<unknown>): number {
  return encoding.text ? Flag.ValueText : Flag.Pooled
}

/** Makes what a point read brought in the form `formOf(encoding)` a value. @internal */
export function valueIn<T>(encoding: Encoding<T>): (found: unknown) => T | undefined {
  return found => {
    if (typeof found === 'string') return encoding.fromText(found)
    if (found === undefined) return undefined
    if (typeof found === 'number') return pool.take(encoding, out, found)
    return encoding.adopt(found as Buffer)
  }
}

const NO_OPTIONS = { flags: 0, snapshot: undefined }

/** A key or value that is kept past the call: bytes are copied. @internal */
export function keep(data: string | Uint8Array): Buffer {
  if (typeof data === 'string') return Buffer.from(data, 'utf8')
  return Buffer.from(checkBytes(data, 'key'))
}
