// Between what a program written for classic-level says (options, encodings, error codes) and what an engine takes.

import { type AbstractOpenOptions, AbstractSnapshot } from 'abstract-level'
import type { Answers } from './answers.js'
import { formOf, valueIn } from './core.js'
import { type Encoding, type EncodingName, either, encodingOf } from './encoding.js'
import type { PutOptions, TypedOptions } from './engine.js'
import { invalid } from './errors.js'
import type { ExpiryOptions } from './expiry.js'
import { OPTION_NAMES, type OpenOptions, type WriteOptions } from './options.js'
import type { Snapshot } from './snapshot.js'

/** What abstract-level hands over and takes back: text in the format `utf8`, else bytes. @internal */
export type Data = string | Buffer | Uint8Array

/** The options of `open` that classic-level has under another name. */
export interface ClassicOptions {
  /** `cacheBytes`. */
  cacheSize?: number | undefined
  /** `memtableBytes`. */
  writeBufferSize?: number | undefined
  /** `blockBytes`. */
  blockSize?: number | undefined
  /** `tableBytes`. */
  maxFileSize?: number | undefined
}

/** How the database is opened: the options of `Engine.open`, or classic-level's names for them. */
export interface LevelOpenOptions
  extends AbstractOpenOptions,
    ClassicOptions,
    Omit<OpenOptions, 'keyEncoding' | 'valueEncoding' | 'compression' | 'createIfMissing' | 'errorIfExists'> {
  /** As for `Engine.open`; `true` is its default and `false` is `'none'`. */
  compression?: OpenOptions['compression'] | boolean
}

/** How one write is done. */
export interface LevelWriteOptions {
  /** `true`: the write survives power loss, as with `durability: 'disk'`. Default: as the database was opened. */
  sync?: boolean | undefined
  /** What the write survives; goes before `sync`. */
  durability?: WriteOptions['durability'] | undefined
}

const RENAMED: Record<keyof ClassicOptions, keyof OpenOptions> = {
  cacheSize: 'cacheBytes',
  writeBufferSize: 'memtableBytes',
  blockSize: 'blockBytes',
  maxFileSize: 'tableBytes',
}

/**
 * The options of `Engine.open`. Others are left alone: abstract-level passes them on to hooks.
 * @internal
 */
export function openOptions(options: Record<string, unknown>): TypedOptions<Data, Data> {
  const chosen: Record<string, unknown> = {}
  for (const [classic, name] of Object.entries(RENAMED)) chosen[name] = options[classic]
  for (const name of OPTION_NAMES) if (options[name] !== undefined) chosen[name] = options[name]
  if (chosen.compression === true) chosen.compression = undefined
  else if (chosen.compression === false) chosen.compression = 'none'
  return { ...chosen, keyEncoding: either, valueEncoding: either } as never
}

/** The options of a write. @internal */
export function writeOptions({ sync, durability }: LevelWriteOptions): WriteOptions | undefined {
  if (durability !== undefined) return { durability }
  return sync ? { durability: 'disk' } : undefined
}

/** The options of a put. @internal */
export function putOptions(options: LevelWriteOptions & ExpiryOptions): PutOptions | undefined {
  const { ttl, expiresAt } = options
  if (ttl === undefined && expiresAt === undefined) return writeOptions(options)
  return { ...writeOptions(options), ttl, expiresAt }
}

/** A snapshot as abstract-level has them. @internal */
export class LevelSnapshot extends (AbstractSnapshot as new (options: object) => AbstractSnapshot) {
  readonly inner: Snapshot

  constructor(inner: Snapshot, options: object) {
    super(options)
    this.inner = inner
  }

  async _close(): Promise<void> {
    this.inner.close()
  }
}

/** What abstract-level passes to a read. @internal */
export interface LevelReadOptions {
  snapshot?: AbstractSnapshot | undefined
  fillCache?: boolean | undefined
  keyEncoding?: string
  valueEncoding?: string
}

/** The options of a read; `undefined` when there is nothing to say. @internal */
export function readOptions({ snapshot, fillCache }: LevelReadOptions) {
  if (snapshot == null && fillCache === undefined) return undefined
  return { snapshot: snapshotOf(snapshot), fillCache }
}

/** The engine's snapshot in one of abstract-level's. @internal */
export function snapshotOf(snapshot: AbstractSnapshot | null | undefined): Snapshot | undefined {
  if (snapshot == null) return undefined
  if (snapshot instanceof LevelSnapshot) return snapshot.inner
  throw invalid('option snapshot', snapshot, 'what the snapshot() of this database returned')
}

/** What abstract-level passes for a range. @internal */
export interface LevelRange extends LevelReadOptions {
  gt?: Data
  gte?: Data
  lt?: Data
  lte?: Data
  reverse?: boolean
  limit?: number
}

/** The bounds. Of two bounds on one side the one that includes its key counts, as in LevelDB. @internal */
export function rangeOf({ gt, gte, lt, lte }: LevelRange) {
  return {
    ...(gte !== undefined ? { gte } : gt !== undefined ? { gt } : {}),
    ...(lte !== undefined ? { lte } : lt !== undefined ? { lt } : {}),
  }
}

/** How values are read in a format of abstract-level. @internal */
export interface Form {
  flag: number
  value(found: unknown): Data | undefined
  many(answers: Answers, start: number, end: number): Data
}

function form(name: EncodingName): Form {
  const encoding = encodingOf(name, 'valueEncoding') as Encoding<Data>
  return {
    flag: formOf(encoding),
    value: valueIn(encoding),
    many: (answers, start, end) => answers.value(encoding, start, end),
  }
}

/** The formats of this database. @internal */
export const FORMS: Record<string, Form> = { utf8: form('utf8'), buffer: form('buffer'), view: form('view') }
