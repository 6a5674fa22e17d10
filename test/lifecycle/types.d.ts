import type { Engine, OpenOptions } from 'mosskv'

/** What a case gets. */
export interface Context {
  /** An empty directory. */
  directory: string
  /** Where the case's database is to be. */
  path: string
  /** Opens it. */
  open(options?: OpenOptions): Promise<Engine>
  /** Tells that this write was acknowledged, by the database `name` of the directory (`db` unless said). */
  acknowledge(key: string, value: string, name?: string): void
  /** Tells that the case came to its point; once or more. */
  reach(): void
}

/** One case, and what is expected of its process. */
export interface Case {
  name: string
  run(context: Context): unknown
  /** The exit status, if not 0. */
  status?: number
  /** The signal, if one is to end it. */
  signal?: NodeJS.Signals
  /** What must be on stderr; without it, nothing may be. */
  stderr?: RegExp
  /** Flags of Node. */
  flags?: string[]
  /** How many keys must have been acknowledged at least. */
  acknowledged?: number
}
