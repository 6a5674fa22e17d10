// What adapters share: the engine they were given, or one that they open when it is first used and close themselves.

import type { EncodingName } from './encoding.js'
import { Engine } from './engine.js'
import type { OpenOptions } from './options.js'

/** @internal */
export class Lent<V> {
  readonly #given: Engine<string, V> | undefined
  readonly #open: () => Promise<Engine<string, V>>
  #opened: Promise<Engine<string, V>> | undefined

  /** Over `database`: an open engine, or where one is to be opened with `options`, which `opened` is then told of. */
  constructor(
    database: string | URL | Engine<string, V>,
    options: OpenOptions<'utf8', EncodingName>,
    opened?: (engine: Engine<string, V>) => void,
  ) {
    const given = database instanceof Engine ? database : undefined
    this.#given = given
    this.#open = async () => {
      const engine = (await Engine.open(database as string | URL, options)) as Engine<string, V>
      opened?.(engine)
      return engine
    }
  }

  /** The engine. One that could not be opened is tried again by the next call. */
  engine(): Promise<Engine<string, V>> {
    if (this.#given) return Promise.resolve(this.#given)
    this.#opened ??= this.#open().catch(error => {
      this.#opened = undefined
      throw error
    })
    return this.#opened
  }

  /** Closes the engine if it was opened here; the next call opens it again. */
  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await (await opened?.catch(() => undefined))?.close()
  }
}

/** The keys that begin with `prefix`, which ends in a colon; all keys without one. @internal */
export function below(prefix: string): { gte?: string; lt?: string } {
  return prefix === '' ? {} : { gte: prefix, lt: `${prefix.slice(0, -1)};` }
}
