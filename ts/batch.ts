import type { Core } from './core.js'
import { Encoder, Kind } from './encoder.js'
import type { Input } from './encoding.js'
import { fromNative, invalid, MossError } from './errors.js'
import { checkExpiry, type ExpiryOptions, stamped } from './expiry.js'
import { checkObject, type WriteOptions, writeDurability } from './options.js'
import { type Bounds, checkRange, halfOpen, type KeyRange } from './range.js'

/** One operation of `engine.batch([...])`. */
export type BatchOperation<K, V> =
  | ({ type: 'put'; key: Input<K>; value: Input<V> } & ExpiryOptions)
  | { type: 'del'; key: Input<K> }

/** Adds the range tombstone of `bounds`. @internal */
export function addClear(encoder: Encoder, bounds: Bounds): void {
  const range = halfOpen(bounds)
  if (!range) return
  encoder.add(Kind.RangeDelete, range.start, range.end, 'the end of the range')
  if (range.last) {
    encoder.add(Kind.Delete, range.end, undefined)
    encoder.count--
  }
}

/** Adds a put of encoded data, which may expire. `name` is what stands before the arguments' names. @internal */
export function addPut(
  encoder: Encoder,
  key: string | Uint8Array,
  value: string | Uint8Array,
  expiresAt: number | undefined,
  name = '',
): void {
  if (expiresAt === undefined) encoder.add(Kind.Put, key, value)
  else encoder.add(Kind.PutWithExpiry, key, stamped(value, expiresAt, `${name}value`))
}

/** Adds every operation of `operations`, all checked. @internal */
export function addOperations<K, V>(core: Core<K, V>, encoder: Encoder, operations: unknown): void {
  if (!Array.isArray(operations)) throw invalid('operations', operations, 'an array of operations')
  let i = 0
  try {
    for (; i < operations.length; i++) addOperation(core, encoder, operations[i], '')
  } catch (error) {
    // Again, to have the error with the operation's place in it: it is not made up for operations that are right.
    addOperation(core, encoder, operations[i], `operations[${i}]`)
    throw error
  }
}

/** `at` is where the operation stands, for errors. */
function addOperation<K, V>(core: Core<K, V>, encoder: Encoder, operation: unknown, at: string): void {
  if (typeof operation !== 'object' || operation === null) {
    throw invalid(at, operation, 'an object with a type, a key and, to put, a value')
  }
  const { type, key, value, ttl, expiresAt } = operation as Record<string, unknown>
  const name = at === '' ? '' : `${at}.`
  if (type === 'put') {
    const keyBytes = core.keys.encode(key, `${name}key`)
    const valueBytes = core.values.encode(value, `${name}value`)
    addPut(encoder, keyBytes, valueBytes, checkExpiry(name, ttl, expiresAt), name)
  } else if (type === 'del') {
    encoder.add(Kind.Delete, core.keys.encode(key, `${name}key`), undefined)
  } else {
    throw invalid(`${name}type`, type, "'put' or 'del'")
  }
}

/** The operation that events tell of. @internal */
export function putOperation<K, V>(
  key: Input<K>,
  value: Input<V>,
  expiresAt: number | undefined,
): BatchOperation<K, V> {
  const operation = { type: 'put', key, value } as const
  return expiresAt === undefined ? operation : { ...operation, expiresAt }
}

const NO_EXPIRY: ExpiryOptions = {}

/**
 * A batch that is put together call by call: `engine.batch().put('a', '1').del('b').write()`. Keys and values are
 * copied at each call; nothing is written before `write`, and then all of it or nothing.
 */
export class ChainedBatch<K, V> implements AsyncDisposable {
  readonly #core: Core<K, V>
  readonly #encoder = new Encoder(256)
  readonly #wrote: (operations: BatchOperation<K, V>[]) => void
  readonly #operations: BatchOperation<K, V>[] | undefined
  #closed = false

  /** @internal */
  constructor(core: Core<K, V>, watched: boolean, wrote: (operations: BatchOperation<K, V>[]) => void) {
    this.#core = core
    this.#wrote = wrote
    this.#operations = watched ? [] : undefined
  }

  /** How many operations it holds. */
  get length(): number {
    return this.#encoder.count
  }

  /**
   * Adds a put; a `ttl` counts from now on. Throws a `MossError` for a wrong key, value or option, and then holds what
   * it held before.
   */
  put(key: Input<K>, value: Input<V>, options?: ExpiryOptions): this {
    this.#check()
    const { ttl, expiresAt } =
      options === undefined ? NO_EXPIRY : checkObject('options', options, ['ttl', 'expiresAt'])
    const expiry = checkExpiry('option ', ttl, expiresAt)
    const encoded = this.#core.keys.encode(key, 'key')
    addPut(this.#encoder, encoded, this.#core.values.encode(value, 'value'), expiry)
    this.#operations?.push(putOperation(key, value, expiry))
    return this
  }

  /** Adds a delete. Throws a `MossError` for a wrong key, and then holds what it held before. */
  del(key: Input<K>): this {
    this.#check()
    this.#encoder.add(Kind.Delete, this.#core.keys.encode(key, 'key'), undefined)
    this.#operations?.push({ type: 'del', key })
    return this
  }

  /** Adds the delete of all keys in `range`, without one of all keys. One tombstone, however many keys there are. */
  clearRange(range?: KeyRange<K>): this {
    this.#check()
    addClear(this.#encoder, checkRange(this.#core, range))
    return this
  }

  /** Forgets all operations; the batch can be filled again. */
  clear(): this {
    this.#check()
    this.#encoder.clear()
    if (this.#operations) this.#operations.length = 0
    return this
  }

  /** Writes all operations, atomically, and closes the batch. Rejects like `engine.batch`. */
  write(options?: WriteOptions): Promise<void> {
    try {
      this.#check()
      const durability = writeDurability(options, this.#core.durability)
      this.#closed = true
      const promise = this.#core.writer.addAll(this.#encoder, durability)
      const operations = this.#operations
      if (operations)
        promise.then(
          () => this.#wrote(operations),
          () => {},
        )
      return promise
    } catch (error) {
      return Promise.reject(fromNative(error))
    }
  }

  /** Drops the batch without writing it. Closing twice is fine. */
  close(): Promise<void> {
    this.#closed = true
    this.#encoder.clear()
    return Promise.resolve()
  }

  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #check(): void {
    this.#core.check()
    if (this.#closed) throw new MossError('BATCH_CLOSED', 'the batch was written or closed: make a new one')
  }
}

/** Checks the options of an array batch. @internal */
export function batchDurability(options: unknown, fallback: number): number {
  if (options === undefined) return fallback
  checkObject('options', options, ['durability'])
  return writeDurability(options, fallback)
}
