// What commands print. Text is gathered into large writes; a reader that goes away (`| head`) ends the command quietly.

import { isUtf8 } from 'node:buffer'
import { Failure } from './failure.js'

/** Thrown to a command whose reader is gone or who is told to stop. It is no error. */
export class Stopped extends Error {}

const ENOUGH = 64 * 1024

/** Standard output. */
export class Output {
  /** Whether a person reads it. */
  readonly terminal: boolean
  readonly #stream: NodeJS.WriteStream
  #parts: Uint8Array[] = []
  #text = ''
  #size = 0
  #stopped = false
  #error: NodeJS.ErrnoException | undefined

  /** Takes over the errors of `stream`. */
  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    this.terminal = stream.isTTY === true
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#error ??= error
    })
  }

  /** Columns of the terminal, or what most have. */
  get width(): number {
    return this.#stream.columns || 80
  }

  /** Adds to what is printed. True: it is time to await `flush`. */
  write(data: string | Uint8Array): boolean {
    if (typeof data === 'string') this.#text += data
    else {
      this.#collect()
      this.#parts.push(data)
    }
    this.#size += data.length
    return this.#size >= ENOUGH
  }

  /** Adds a line. True: it is time to await `flush`. */
  line(text: string): boolean {
    return this.write(`${text}\n`)
  }

  /** Prints what was added; resolves when more can be taken. Rejects with `Stopped` when nobody reads it any more. */
  async flush(): Promise<void> {
    if (this.#stopped) {
      this.#reset()
      this.#stopped = false
      throw new Stopped()
    }
    this.#collect()
    if (this.#parts.length > 0) {
      const data = Buffer.concat(this.#parts)
      this.#reset()
      await new Promise<void>(resolve => this.#stream.write(data, () => resolve()))
    }
    const error = this.#error
    if (!error) return
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') throw new Stopped()
    throw new Failure(`cannot write the output: ${error.message}`, error.code)
  }

  /** The next `flush` rejects with `Stopped`: the person who reads has seen enough. */
  stop(): void {
    this.#stopped = true
  }

  /** A stop that no command has noticed does not hit the next one. */
  forgetStop(): void {
    this.#stopped = false
  }

  #collect(): void {
    if (this.#text === '') return
    this.#parts.push(Buffer.from(this.#text))
    this.#text = ''
  }

  #reset(): void {
    this.#parts = []
    this.#text = ''
    this.#size = 0
  }
}

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * Stored bytes for a terminal: control and direction characters, which could change what it shows, are escaped; bytes
 * that are not UTF-8 as well. With `lines` newlines and tabs stay.
 */
export function printable(stored: Buffer, lines: boolean): string {
  if (!isUtf8(stored)) {
    return stored
      .toString('latin1')
      .replace(/[^\x20-\x7e]/g, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
  }
  return stored.toString('utf8').replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, character => {
    if (lines && (character === '\n' || character === '\t')) return character
    const code = character.charCodeAt(0)
    return SHORT[character] ?? (code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`)
  })
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
