/**
 * `mosskv/keyv`: a storage adapter for [Keyv](https://keyv.org) 6 with native expiry.
 *
 * @packageDocumentation
 */

import { EventEmitter } from 'node:events'
import {
  type KeyvStorageAdapter,
  type KeyvStorageCapability,
  type KeyvStorageEntry,
  type KeyvStorageGetResult,
  keyvStorageCapability,
} from 'keyv'
import type { Engine } from './engine.js'
import { below, Lent } from './lent.js'
import type { OpenOptions } from './options.js'

/** How a {@link KeyvMoss} stores. */
export interface KeyvMossOptions extends Omit<OpenOptions, 'keyEncoding' | 'valueEncoding'> {
  /** What keys begin with in the database, before a colon. Keyv sets it to its own `namespace`. */
  namespace?: string
}

type Value = string | object
// biome-ignore lint/suspicious/noExplicitAny: what listeners get is their own business
type Listener = (...values: any[]) => void

/**
 * Stores what Keyv hands over: `new Keyv({ store: new KeyvMoss('./cache') })`. Expiry is the engine's own: an expired key
 * is absent at once, without timers, and compactions give its space back.
 *
 * Values are strings, which is what Keyv's serializers make; with an engine of `valueEncoding: 'json'` also what JSON can
 * hold, for `serialization: false`. Errors are the engine's `MossError`s. Failures of background work in a
 * database it opened itself are emitted as `error` when somebody listens, which Keyv does.
 */
export class KeyvMoss extends EventEmitter implements KeyvStorageAdapter {
  /** What keys begin with in the database, before a colon; without one, nothing. */
  namespace: string | undefined
  readonly #lent: Lent<Value>

  /**
   * Over the database in a directory, opened by the first call and closed by `disconnect`, or over an engine that is
   * open, which stays open. `options` are those of `Engine.open`, used only for a directory.
   */
  // biome-ignore lint/suspicious/noExplicitAny: an engine of JSON values is as good as one of strings
  constructor(database: string | URL | Engine<string, any>, options: KeyvMossOptions = {}) {
    super()
    const { namespace, ...open } = options
    this.namespace = namespace
    this.#lent = new Lent<Value>(database, open, engine => {
      engine.on('backgroundError', error => {
        if (this.listenerCount('error') > 0) this.emit('error', error)
      })
    })
  }

  /** Tells Keyv that `set` takes an absolute expiry. */
  get capabilities(): KeyvStorageCapability {
    return keyvStorageCapability(this)
  }

  /** The value of `key`; `undefined` if there is none or it has expired. */
  async get<T>(key: string): Promise<KeyvStorageGetResult<T>> {
    const stored = this.#key(key)
    return (await (await this.#lent.engine()).get(stored)) as KeyvStorageGetResult<T>
  }

  /** The values of `keys`, all of one moment. */
  async getMany<T>(keys: string[]): Promise<KeyvStorageGetResult<T | undefined>[]> {
    const stored = keys.map(this.#key)
    return (await (await this.#lent.engine()).getMany(stored)) as KeyvStorageGetResult<T | undefined>[]
  }

  /** Sets `key` until `expires`, in milliseconds of the Unix epoch; for good without it. */
  async set(key: string, value: unknown, expires?: number): Promise<boolean> {
    const stored = this.#key(key)
    await (await this.#lent.engine()).put(stored, value as Value, { expiresAt: moment(expires) })
    return true
  }

  /** Sets all `entries`, or on any failure none. */
  async setMany<T>(entries: KeyvStorageEntry<T>[]): Promise<boolean[]> {
    const puts = entries.map(({ key, value, expires }) => ({
      type: 'put' as const,
      key: this.#key(key),
      value: value as Value,
      expiresAt: moment(expires),
    }))
    await (await this.#lent.engine()).batch(puts)
    return entries.map(() => true)
  }

  /** Removes `key`; tells whether it was there. */
  async delete(key: string): Promise<boolean> {
    return (await this.deleteMany([key]))[0] === true
  }

  /** Removes `keys`, all or on any failure none; tells which were there. */
  async deleteMany(keys: string[]): Promise<boolean[]> {
    const stored = keys.map(this.#key)
    const engine = await this.#lent.engine()
    const [there] = await Promise.all([
      engine.hasMany(stored),
      engine.batch(stored.map(key => ({ type: 'del' as const, key }))),
    ])
    return there
  }

  /** Whether `key` is there. */
  async has(key: string): Promise<boolean> {
    const stored = this.#key(key)
    return (await this.#lent.engine()).has(stored)
  }

  /** Whether `keys` are there, all of one moment. */
  async hasMany(keys: string[]): Promise<boolean[]> {
    const stored = keys.map(this.#key)
    return (await this.#lent.engine()).hasMany(stored)
  }

  /** Removes every key of the namespace, without one every key of the database. One range tombstone. */
  async clear(): Promise<void> {
    const prefix = this.#prefix
    await (await this.#lent.engine()).clear(below(prefix))
  }

  /** Walks over `[key, value]` of the namespace, in the order of the keys, as of the first step. */
  iterator<T>(): AsyncGenerator<(string | Awaited<T> | undefined)[], void> {
    return this.#walk(this.#prefix)
  }

  async *#walk<T>(prefix: string): AsyncGenerator<(string | Awaited<T> | undefined)[], void> {
    const engine = await this.#lent.engine()
    for await (const [key, value] of engine.iterator(below(prefix))) {
      yield [key.slice(prefix.length), value as Awaited<T>]
    }
  }

  /** Closes the database if it was opened here. */
  disconnect(): Promise<void> {
    return this.#lent.close()
  }

  /** As `EventEmitter` has it, with the type Keyv wants. */
  override listeners(event: string | symbol): Listener[] {
    return super.listeners(event) as Listener[]
  }

  /** As `EventEmitter` has it, with the type Keyv wants. */
  override rawListeners(event: string | symbol): Listener[] {
    return super.rawListeners(event) as Listener[]
  }

  get #prefix(): string {
    return this.namespace === undefined || this.namespace === '' ? '' : `${this.namespace}:`
  }

  readonly #key = (key: string): string => this.#prefix + key
}

/** Keyv's expiry as the engine takes it: whole milliseconds from 0 on. */
function moment(expires: number | undefined): number | undefined {
  if (expires === undefined || expires === Number.POSITIVE_INFINITY) return undefined
  return Math.max(0, Math.ceil(expires))
}
