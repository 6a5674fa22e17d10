/**
 * `mosskv/unstorage`: a driver for [unstorage](https://unstorage.unjs.io) with native expiry.
 *
 * @packageDocumentation
 */

import type { Driver, StorageMeta, TransactionOptions } from 'unstorage'
import type { BatchOperation } from './batch.js'
import type { Engine } from './engine.js'
import { MossError } from './errors.js'
import { below, Lent } from './lent.js'
import type { OpenOptions } from './options.js'

/** How the driver stores. */
export interface MossDriverOptions extends Omit<OpenOptions, 'keyEncoding' | 'valueEncoding'> {
  /** The directory of the database, opened by the first call and closed by `dispose`. */
  location?: string | URL
  /** Instead of `location`: an open engine with `valueEncoding: 'buffer'`. It stays open. */
  engine?: Engine<string, Buffer>
  /** Seconds an item lasts that is set without a `ttl` of its own. Default: until it is removed. */
  ttl?: number
}

/** What the driver's calls are, all of which unstorage may leave out. */
export type MossDriver = Required<
  Omit<Driver<MossDriverOptions, Promise<Engine<string, Buffer>>>, 'flags' | 'getItems'>
> &
  Pick<Driver, 'getItems'>

/**
 * A driver over a database: `createStorage({ driver: mossDriver({ location: './data' }) })`.
 *
 * `setItem`, `setItems` and `setItemRaw` take a `ttl` in seconds, as unstorage's other drivers do; an expired item is
 * absent at once. `getMeta` tells `size` and, of what expires, `ttl` (seconds left) and `expiresAt`. Raw values are bytes
 * or strings, stored as they are. `setItems` is atomic. `watch` tells of every write through the same engine object, also
 * of those past unstorage, but neither of `clear` nor of expiry.
 *
 * Throws a `MossError` without a database; what it does later rejects like the engine.
 */
export function mossDriver(options: MossDriverOptions): MossDriver {
  const { location, engine: given, ttl: fallback, ...open } = options
  const database = given ?? location
  if (database === undefined) {
    throw new MossError(
      'INVALID_ARGUMENT',
      'option location is undefined: it must be the path of a directory',
    )
  }
  const lent = new Lent<Buffer>(database, { ...open, valueEncoding: 'buffer' })
  const lasting = (item: TransactionOptions | undefined) => ({ ttl: millis(item?.ttl ?? fallback) })
  const set = async (key: string, value: unknown, item?: TransactionOptions) => {
    await (await lent.engine()).put(key, bytes(value), lasting(item))
  }
  return {
    name: 'mosskv',
    options,
    getInstance: () => lent.engine(),
    hasItem: async key => (await lent.engine()).has(key),
    getItem: async key => (await (await lent.engine()).get(key))?.toString() ?? null,
    getItemRaw: async key => (await (await lent.engine()).get(key)) ?? null,
    async getItems(items) {
      const values = await (await lent.engine()).getMany(items.map(item => item.key))
      return items.map(({ key }, index) => ({ key, value: values[index]?.toString() ?? null }))
    },
    setItem: set,
    setItemRaw: set,
    async setItems(items, common) {
      const puts = items.map(({ key, value, options: item }) => ({
        type: 'put' as const,
        key,
        value: bytes(value),
        ...lasting({ ...common, ...item }),
      }))
      await (await lent.engine()).batch(puts)
    },
    removeItem: async key => (await lent.engine()).del(key),
    async getMeta(key): Promise<StorageMeta | null> {
      const entry = await (await lent.engine()).getEntry(key)
      if (!entry) return null
      const size = entry.value.length
      if (entry.expiresAt === undefined) return { size }
      const left = Math.max(0, Math.ceil((entry.expiresAt - Date.now()) / 1000))
      return { size, ttl: left, expiresAt: new Date(entry.expiresAt) }
    },
    getKeys: async base => (await lent.engine()).keys(below(folder(base))).all(),
    clear: async base => (await lent.engine()).clear(below(folder(base))),
    dispose: () => lent.close(),
    async watch(callback) {
      const engine = await lent.engine()
      const tell = (operations: BatchOperation<string, Buffer>[]) => {
        for (const { type, key } of operations) callback(type === 'put' ? 'update' : 'remove', key)
      }
      engine.on('write', tell)
      return () => void engine.off('write', tell)
    },
  }
}

/** A base of keys with its colon; the empty one has none. */
function folder(base: string | undefined): string {
  return !base || base.endsWith(':') ? (base ?? '') : `${base}:`
}

/** unstorage's seconds as the engine's milliseconds; 0 means for good, as in unstorage's other drivers. */
function millis(seconds: unknown): number | undefined {
  if (seconds === undefined || seconds === null || seconds === 0) return undefined
  return typeof seconds === 'number' ? Math.ceil(seconds * 1000) : (seconds as number)
}

/** What may be stored, as bytes; anything else is left to the engine to refuse. */
function bytes(value: unknown): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value)
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (!ArrayBuffer.isView(value)) return value as Uint8Array
  return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength)
}
