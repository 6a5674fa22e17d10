/**
 * MossKV: an embedded, ordered, persistent key-value store. Start at {@link Engine.open}.
 *
 * @packageDocumentation
 */

export { type BatchOperation, ChainedBatch } from './batch.js'
export type { ReadOptions } from './core.js'
export type { Decoded, EncodingFor, EncodingName, Input } from './encoding.js'
export {
  Engine,
  type EngineEvents,
  type PutOptions,
  type Stats,
  type TypedOptions,
  type VerifyReport,
} from './engine.js'
export { type ErrorCode, MossError } from './errors.js'
export type { Entry, ExpiryOptions } from './expiry.js'
export { EntryIterator } from './iterator.js'
export type { Compression, Durability, OpenOptions, WriteOptions } from './options.js'
export type { IteratorOptions, KeyRange } from './range.js'
export { Snapshot } from './snapshot.js'
