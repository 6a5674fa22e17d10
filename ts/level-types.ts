// Types only: the options of MossLevel's methods, which are those of abstract-level and some more.

import type {
  AbstractBatchOptions,
  AbstractChainedBatch,
  AbstractChainedBatchPutOptions,
  AbstractDelOptions,
  AbstractGetOptions,
  AbstractHasOptions,
  AbstractIteratorOptions,
  AbstractKeyIteratorOptions,
  AbstractPutOptions,
  AbstractValueIteratorOptions,
} from 'abstract-level'
import type { ExpiryOptions } from './expiry.js'
import type { LevelWriteOptions } from './level-options.js'

/** What reads and iterators take besides. */
export interface LevelCacheOptions {
  /** Keep blocks that had to be read in the cache. Default: true. */
  fillCache?: boolean | undefined
}

/** The options of `get`, `getSync` and `getMany`. */
export type LevelGetOptions<K, V> = AbstractGetOptions<K, V> & LevelCacheOptions
/** The options of `has` and `hasMany`. */
export type LevelHasOptions<K> = AbstractHasOptions<K> & LevelCacheOptions
/** The options of `put`. */
export type LevelPutOptions<K, V> = AbstractPutOptions<K, V> & LevelWriteOptions & ExpiryOptions
/** The options of `del`. */
export type LevelDelOptions<K> = AbstractDelOptions<K> & LevelWriteOptions
/** The options of `batch`; the expiry is that of all its puts that do not name their own. */
export type LevelBatchOptions<K, V> = AbstractBatchOptions<K, V> & LevelWriteOptions & ExpiryOptions
/** The options of `iterator`. */
export type LevelIteratorOptions<K, V> = AbstractIteratorOptions<K, V> & LevelCacheOptions
/** The options of `keys`. */
export type LevelKeyIteratorOptions<K> = AbstractKeyIteratorOptions<K> & LevelCacheOptions
/** The options of `values`. */
export type LevelValueIteratorOptions<K, V> = AbstractValueIteratorOptions<K, V> & LevelCacheOptions

/** A chained batch with the options of this database. */
export interface LevelBatch<D, K, V> extends AbstractChainedBatch<D, K, V> {
  /** Adds a put. */
  put(key: K, value: V): this
  put<K2 = K, V2 = V>(
    key: K2,
    value: V2,
    options: AbstractChainedBatchPutOptions<D, K2, V2> & ExpiryOptions,
  ): this

  /** Writes all operations, atomically, and closes the batch. */
  write(options?: LevelWriteOptions): Promise<void>
}
