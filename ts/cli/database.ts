// The database of a command line: opened read-only for what reads, for writing only for what writes.

import { readdirSync } from 'node:fs'
import type { Engine } from '../index.js'
import { Failure } from './failure.js'

/** Keys and values as they are stored. */
export type Bytes = Engine<Buffer, Buffer>

/** The package, loaded when it is needed: help must work without native code. */
export function mosskv(): Promise<typeof import('../index.js')> {
  return import('../index.js')
}

const BYTES = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const

/** What `docs/format.md` says a database's files are called. */
const OURS = /^(?:CURRENT|LOCK|MANIFEST-\d+|\d+\.(?:wal|mst))$/

function names(location: string): string[] {
  try {
    return readdirSync(location)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    if (code === 'ENOTDIR') throw new Failure(`${location} is not a directory: a database is one`, code)
    throw new Failure(message, code)
  }
}

/** A database by its path, open at most once at a time. */
export class Database {
  /** The path as it was given. */
  readonly location: string
  #engine: Bytes | undefined
  #writing = false

  /** Opens nothing yet. */
  constructor(location: string) {
    this.location = location
  }

  /** Whether it is open for writing. */
  get writing(): boolean {
    return this.#writing
  }

  /** Whether there is a database, or what is left of one. Costs listing the directory. */
  exists(): boolean {
    return names(this.location).some(name => OURS.test(name) && name !== 'LOCK')
  }

  /** The open engine: as it stands if one is open, else read-only, which also works beside a program that writes. */
  async reader(): Promise<Bytes> {
    if (this.#engine) return this.#engine
    if (!this.exists()) throw this.missing()
    const { Engine } = await mosskv()
    this.#engine = await Engine.open(this.location, { ...BYTES, readOnly: true })
    return this.#engine
  }

  /** The engine, open for writing; what was open for reading is closed. `create`: make a database if there is none. */
  async writer(create: boolean): Promise<Bytes> {
    if (this.#engine && this.#writing) return this.#engine
    if (!this.exists()) {
      if (!create) throw this.missing()
      const other = names(this.location).find(name => !OURS.test(name))
      if (other !== undefined) {
        const what = `${this.location} holds no database but other files (${JSON.stringify(other)})`
        throw new Failure(`${what}: name a directory that is new or empty`)
      }
    }
    await this.close()
    const { Engine } = await mosskv()
    this.#engine = await Engine.open(this.location, BYTES)
    this.#writing = true
    return this.#engine
  }

  /** Closes what is open. */
  async close(): Promise<void> {
    const engine = this.#engine
    this.#engine = undefined
    this.#writing = false
    await engine?.close()
  }

  /** The failure of a command that needs a database. */
  missing(): Failure {
    const what = `there is no database in ${this.location}: check the path (put and load make one)`
    return new Failure(what, 'DATABASE_NOT_FOUND')
  }
}
