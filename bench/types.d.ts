/** What a store and a workload have to be. A new one of either is one new file in `stores/` or `workloads/`. */

/** `os`: an acknowledged write survives the kill of the process. `disk`: it survives power loss. */
export type Durability = 'os' | 'disk'

/** Keys are strings of 16 ASCII characters; values have `valueBytes` bytes, taken and returned as one of these. */
export type Values = 'buffer' | 'string'
export type Value = Buffer | string

export type Visit = (key: string, value: Value) => void

/**
 * What not every store has: writes that reach the disk before they are acknowledged, synchronous reads, one database
 * open in several worker threads of a process.
 */
export type Ability = 'disk' | 'getSync' | 'threads'

/** An open store. Values it hands out are the caller's own: valid for good, not only until the next read. */
export interface Store {
  put(key: string, value: Value): Promise<unknown> | unknown
  /** Writes keys[from..to) with their values, all or nothing. */
  batch(keys: string[], values: Value[], from: number, to: number): Promise<unknown> | unknown
  /** The store's way to read from an async function; a value that is there at once may be returned at once. */
  get(key: string): Promise<Value | undefined> | Value | undefined
  /** There unless the store's module says that it `cannot`. */
  getSync?(key: string): Value | undefined
  getMany(keys: string[]): Promise<(Value | undefined)[]> | (Value | undefined)[]
  /** Every entry, in order. */
  scan(visit: Visit): Promise<void>
  scanReverse(visit: Visit): Promise<void>
  /** The first `limit` entries from `key` on. */
  seek(key: string, limit: number, visit: Visit): Promise<void>
  /** Brings what was written to the shape in which it rests: flushed, compacted. */
  settle(): Promise<void>
  close(): Promise<void>
  /** What `open` in another thread needs to reach this very store, if anything. */
  handle?(): unknown
}

/** How a store is opened. */
export interface How {
  durability: Durability
  values: Values
  valueBytes: number
  /** Whether several threads of the process have it open. */
  threads?: boolean
  /** What the main thread's store gave as its `handle`. */
  handle?: unknown
}

/** A file in `stores/`, of the same name: how one store is used, on the fastest path its documentation offers. */
export interface StoreModule {
  name: string
  /** What runs: the version of the package, of the library in it where that is known. */
  version: string
  /** The options it is opened with, for the record. */
  settings: Partial<Record<Durability, object>>
  /** Why there are no figures for workloads that need this. */
  cannot?: Partial<Record<Ability, string>>
  /** What a reader of the figures should know. */
  findings?: string[]
  open(directory: string, how: How): Promise<Store>
}

/** The data: the same for every store, made before the clock starts. */
export interface Data {
  /** Keys in random order. */
  keys: string[]
  /** As many keys that are in no store. */
  missing: string[]
  /** The value that belongs to a key after so many overwrites. */
  valueFor(key: string, version?: number): Value
  /** Throws unless this is that value: looks at the length and two bytes that differ, now and then at all. */
  check(key: string, value: Value | undefined, version?: number): void
}

export interface Context {
  module: StoreModule
  directory: string
  how: How
  /** Open, unless the workload is `closed`. */
  store: Store
  data: Data
  /** Entries. */
  count: number
  /** How long to measure, at most. */
  seconds: number
  /**
   * Runs so many lanes side by side. Each takes numbers (0, 1, … below `count`, each once) and does what there is to do
   * for them, until it gets -1 because all are taken or the time is up. A lane is a loop, so that next to nothing of
   * what is measured is the benchmark's own work. Resolves to how many numbers were taken.
   */
  repeat(
    lane: (take: () => number) => Promise<void>,
    options?: { inFlight?: number; count?: number },
  ): Promise<number>
}

/** One row of the table. */
export interface Measure {
  name: string
  unit: string
  /** Whether less is better. */
  less?: boolean
  /** What MossKV wants to reach: times the best rival, or a figure. */
  target?: { times: number } | { atMost: number }
}

/** What one process measures; the files in `workloads/` export lists of them. */
export interface Workload {
  name: string
  measures: Measure[]
  values: Values
  /** Instead of the size that the command line asks for. */
  valueBytes?: number
  durability: Durability
  /** Whether the store holds `count` entries, at rest, before the clock starts. */
  filled: boolean
  /** Whether that store is changed: then the workload works on a copy. */
  changes?: boolean
  /** Whether the workload opens the store itself. */
  closed?: boolean
  needs?: Ability[]
  /** Divides the number of entries for a workload whose operations are slow. */
  share?: number
  /** What must not be timed; its outcome goes to `run` and `verify`. */
  prepare?(context: Context): unknown
  /** The timed part; resolves to how much was done (then the measure is so much a second), or to all measures. */
  // biome-ignore lint/suspicious/noExplicitAny: each workload knows what it prepared
  run(context: Context, prepared: any): Promise<number | number[]>
  /** After the timed part: throws unless what was written can be read. */
  // biome-ignore lint/suspicious/noExplicitAny: each workload knows what it prepared
  verify?(context: Context, prepared: any, done: number | number[]): Promise<void>
}
