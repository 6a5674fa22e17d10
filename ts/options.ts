// Options and their checks. Every option object is checked whole: unknown names are refused, numbers have ranges.

import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NativeOptions } from '../native/native.js'
import type { EncodingName } from './encoding.js'
import { describe, invalid, MossError } from './errors.js'

/**
 * What an acknowledged write survives. `memory`: not logged, nothing until the next flush or a clean close. `os`: the
 * death of the process (`kill -9`), not of the machine. `disk`: power loss.
 */
export type Durability = 'memory' | 'os' | 'disk'

/** How blocks are compressed. `zstd` has a level from 1 to 19, 3 unless said: `zstd:9`. */
export type Compression = 'none' | 'lz4' | 'zstd' | `zstd:${number}`

/** How `Engine.open` opens. All optional; the defaults are meant to be good. */
export interface OpenOptions<K extends EncodingName = 'utf8', V extends EncodingName = 'utf8'> {
  /** How keys become bytes; they are ordered by these bytes. Default: `'utf8'`. */
  keyEncoding?: K
  /** How values become bytes. Default: `'utf8'`. */
  valueEncoding?: V
  /** Create the directory and an empty database when there is none. Default: true. */
  createIfMissing?: boolean
  /** Refuse to open when there is a database already. Default: false. */
  errorIfExists?: boolean
  /** Open without writing or deleting anything. Default: false. */
  readOnly?: boolean
  /** The durability of writes that do not name their own. Default: `'os'`. */
  durability?: Durability
  /** Bytes a memtable may hold before it is flushed; 64 KiB to 4 GiB. Default: 64 MiB. */
  memtableBytes?: number
  /** How many tables may stand in L0 before compaction is due; 1 to 1,000. Default: 10. */
  maxTables?: number
  /**
   * Bytes of blocks, indexes and filters kept in memory; up to 2^46. Up to three quarters of them go to tables that are so much
   * read that they are kept whole. Default: 256 MiB.
   */
  cacheBytes?: number
  /** How many files may be open at once; 16 to 2^20. Default: half of what the process may open, at most 4,096. */
  maxOpenFiles?: number
  /**
   * The compression of all levels, or of each, the last one repeated. A table that only changes its level keeps the
   * compression it was written with, unless `compact` moves it. Default: LZ4 for levels 0 to 5, `zstd:1` for the deepest,
   * level 6, where nine tenths of a large database are.
   */
  compression?: Compression | readonly Compression[]
  /** Filter bits per key of all levels, or of each, the last one repeated; 0 (no filter) to 32. Default: 10. */
  filterBitsPerKey?: number | readonly number[]
  /** Uncompressed bytes of a data block; 512 B to 1 MiB. Default: 8 KiB. */
  blockBytes?: number
  /** Bytes of a table made by compaction; 64 KiB to 1 GiB. Default: 64 MiB. */
  tableBytes?: number
  /** Threads that compact; 1 to 64. Default: one less than there are cores, at least one. */
  compactionThreads?: number
  /** Check every checksum on every read, and every table after it is written. Slower. Default: false. */
  paranoid?: boolean
}

/** How one write is done. */
export interface WriteOptions {
  /** What the write survives. Default: the database's. Writes of one turn get the strongest asked for among them. */
  durability?: Durability
}

/** @internal */
export function checkObject(name: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(name, value, 'an object')
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw new MossError(
        'INVALID_ARGUMENT',
        `${name} has an unknown member ${describe(key)}: allowed are ${known.join(', ')}`,
      )
    }
  }
  return value as Record<string, unknown>
}

/** @internal */
export function checkInteger(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw invalid(name, value, `an integer from ${min} to ${max}`)
  }
  return value
}

/** @internal */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(name, value, 'true or false')
  return value
}

const DURABILITIES: readonly unknown[] = ['memory', 'os', 'disk']

/**
 * The number of a durability: the larger, the stronger.
 * @internal
 */
export function checkDurability(name: string, value: unknown): number {
  const number = DURABILITIES.indexOf(value)
  if (number < 0) throw invalid(name, value, "'memory', 'os' or 'disk'")
  return number
}

/**
 * The durability a write asks for, as a number; `fallback` when it does not.
 * @internal
 */
export function writeDurability(options: unknown, fallback: number): number {
  if (options === undefined) return fallback
  const { durability } = checkObject('options', options, ['durability'])
  return durabilityOr(durability, fallback)
}

/** @internal */
export function durabilityOr(durability: unknown, fallback: number): number {
  return durability === undefined ? fallback : checkDurability('option durability', durability)
}

/** @internal */
export function checkLocation(location: unknown): string {
  if (location instanceof URL) {
    if (location.protocol !== 'file:') throw invalid('location', location.href, 'a path or a file: URL')
    return fileURLToPath(location)
  }
  if (typeof location !== 'string' || location === '' || location.includes('\0')) {
    throw invalid('location', location, 'the path of a directory')
  }
  return path.resolve(location)
}

const KIB = 2 ** 10
const MIB = 2 ** 20
const GIB = 2 ** 30

const NUMBERS: Record<string, readonly [number, number]> = {
  memtableBytes: [64 * KIB, 4 * GIB],
  maxTables: [1, 1_000],
  cacheBytes: [0, 2 ** 46],
  maxOpenFiles: [16, 2 ** 20],
  blockBytes: [512, MIB],
  tableBytes: [64 * KIB, GIB],
  compactionThreads: [1, 64],
}
const BOOLEANS = ['createIfMissing', 'errorIfExists', 'readOnly', 'paranoid']
/** The names of all options of `open`. @internal */
export const OPTION_NAMES = [
  'keyEncoding',
  'valueEncoding',
  'durability',
  'compression',
  'filterBitsPerKey',
  ...BOOLEANS,
  ...Object.keys(NUMBERS),
]

function levels<T>(name: string, value: unknown, check: (name: string, value: unknown) => T): T[] {
  const all = Array.isArray(value) ? value : [value]
  if (all.length < 1 || all.length > 7) {
    throw new MossError(
      'INVALID_ARGUMENT',
      `${name} has ${all.length} members: it must have 1 to 7, one a level`,
    )
  }
  return all.map(one => check(name, one))
}

function checkCompression(name: string, value: unknown): number {
  if (value === 'none') return -1
  if (value === 'lz4') return 0
  if (value === 'zstd') return 3
  const level = typeof value === 'string' ? /^zstd:(\d{1,2})$/.exec(value)?.[1] : undefined
  if (level !== undefined && Number(level) >= 1 && Number(level) <= 19) return Number(level)
  throw invalid(name, value, "'none', 'lz4', 'zstd' or 'zstd:1' to 'zstd:19'")
}

/**
 * Checks the options of `open` (the encodings are checked by their own module).
 * @internal
 */
export function checkOpenOptions(options: unknown): {
  given: Record<string, unknown>
  native: NativeOptions
} {
  const given = checkObject('options', options, OPTION_NAMES)
  const native: Record<string, unknown> = {}
  for (const name of BOOLEANS) {
    if (given[name] !== undefined) native[name] = checkBoolean(`option ${name}`, given[name])
  }
  for (const [name, [min, max]] of Object.entries(NUMBERS)) {
    if (given[name] !== undefined) native[name] = checkInteger(`option ${name}`, given[name], min, max)
  }
  if (given.durability !== undefined) {
    native.durability = checkDurability('option durability', given.durability)
  }
  if (given.compression !== undefined) {
    native.compression = levels('option compression', given.compression, checkCompression)
  }
  if (given.filterBitsPerKey !== undefined) {
    native.filterBitsPerKey = levels('option filterBitsPerKey', given.filterBitsPerKey, (name, bits) =>
      checkInteger(name, bits, 0, 32),
    )
  }
  return { given, native: native as NativeOptions }
}
