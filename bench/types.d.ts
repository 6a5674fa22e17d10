/** What a store and a workload have to be. A new one of either is one new file in `stores/` or `workloads/`. */

/** `os`: an acknowledged write survives the kill of the process. `disk`: it survives power loss. */
export type Durability = 'os' | 'disk'

/** Keys are strings of 16 ASCII characters; values are 100 bytes, taken and returned as one of these. */
export type Values = 'buffer' | 'string'
export type Value = Buffer | string

export type Visit = (key: string, value: Value) => void

/** An open store. Values it hands out are the caller's own: valid for good, not only until the next read. */
export interface Store {
  put(key: string, value: Value): Promise<unknown>
  /** Writes keys[from..to) with their values, all or nothing. */
  batch(keys: string[], values: Value[], from: number, to: number): Promise<unknown>
  /** The store's way to read from an async function; a value that is there at once may be returned at once. */
  get(key: string): Promise<Value | undefined> | Value | undefined
  getSync(key: string): Value | undefined
  getMany(keys: string[]): Promise<(Value | undefined)[]>
  /** Every entry, in order. */
  scan(visit: Visit): Promise<void>
  scanReverse(visit: Visit): Promise<void>
  /** The first `limit` entries from `key` on. */
  seek(key: string, limit: number, visit: Visit): Promise<void>
  /** Brings what was written to the shape in which it rests: flushed, compacted. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** A file in `stores/`: how one store is used, on the fastest path that its documentation offers. */
export interface StoreModule {
  name: string
  /** The options it is opened with, for the record. */
  settings: Record<Durability, object>
  open(directory: string, durability: Durability, values: Values): Promise<Store>
}

/** The data: the same for every store, made before the clock starts. */
export interface Data {
  /** Keys in random order. */
  keys: string[]
  /** As many keys that are in no store. */
  missing: string[]
  /** The value that belongs to a key. */
  valueFor(key: string): Value
  /** Throws unless this is the value that belongs to the key: looks at the length and a byte that differs, now and then at all. */
  check(key: string, value: Value | undefined): void
}

export interface Context {
  store: Store
  data: Data
  count: number
  /**
   * Calls `step(i)` for i = 0, 1, … until `count` calls are made or the time is up, with so many calls in flight.
   * Resolves to the number of calls.
   */
  repeat(step: (i: number) => unknown, options?: { inFlight?: number; count?: number }): Promise<number>
}

/** One row of the table; the files in `workloads/` export lists of them. */
export interface Workload {
  name: string
  /** What is counted. */
  unit: string
  values: Values
  durability: Durability
  /** Whether the store holds `count` entries, at rest, before the clock starts. */
  filled: boolean
  /** Divides the number of entries for a workload whose operations are slow. */
  share?: number
  /** What must not be timed; its outcome goes to `run`. */
  prepare?(context: Context): unknown
  /** The timed part; resolves to how much was done. */
  // biome-ignore lint/suspicious/noExplicitAny: each workload knows what it prepared
  run(context: Context, prepared: any): Promise<number>
}
