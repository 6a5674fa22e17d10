// Types only: the options of MossLevel's methods, which are those of abstract-level and some more.

import type {
  AbstractBatchOptions,
  AbstractChainedBatch,
  AbstractDelOptions,
  AbstractGetOptions,
  AbstractHasOptions,
  AbstractIteratorOptions,
  AbstractKeyIteratorOptions,
  AbstractPutOptions,
  AbstractValueIteratorOptions,
} from 'abstract-level'
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
export type LevelPutOptions<K, V> = AbstractPutOptions<K, V> & LevelWriteOptions
/** The options of `del`. */
export type LevelDelOptions<K> = AbstractDelOptions<K> & LevelWriteOptions
/** The options of `batch`. */
export type LevelBatchOptions<K, V> = AbstractBatchOptions<K, V> & LevelWriteOptions
/** The options of `iterator`. */
export type LevelIteratorOptions<K, V> = AbstractIteratorOptions<K, V> & LevelCacheOptions
/** The options of `keys`. */
export type LevelKeyIteratorOptions<K> = AbstractKeyIteratorOptions<K> & LevelCacheOptions
/** The options of `values`. */
export type LevelValueIteratorOptions<K, V> = AbstractValueIteratorOptions<K, V> & LevelCacheOptions

/** A chained batch whose `write` takes options. */
export interface LevelBatch<D, K, V> extends AbstractChainedBatch<D, K, V> {
  /** Writes all operations, atomically, and closes the batch. */
  write(options?: LevelWriteOptions): Promise<void>
}
