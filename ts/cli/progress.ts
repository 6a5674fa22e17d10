// How far a long command is: one line on standard error that is drawn again and again, and only on a terminal.

import { bytes, count, duration } from './format.js'

const BAR = 24
const REDRAW_EVERY_MS = 100

/** Entries done, their rate and, when the whole is known, a bar and the time that is left. */
export class Progress {
  readonly #shown: boolean
  readonly #start = performance.now()
  readonly #wholeBytes: number | undefined
  #drawn = this.#start
  #entries = 0
  #bytes = 0
  #inputBytes = 0

  /** `shown`: false when something else is drawn on that terminal. `wholeBytes`: the size of the input, if known. */
  constructor(shown: boolean, wholeBytes?: number) {
    this.#shown = shown && process.stderr.isTTY === true
    this.#wholeBytes = wholeBytes
  }

  /** Entries so far. */
  get entries(): number {
    return this.#entries
  }

  /** Bytes of keys and values so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Milliseconds so far. */
  get took(): number {
    return performance.now() - this.#start
  }

  /** One more entry, of so many bytes. */
  add(size: number): void {
    this.#entries++
    this.#bytes += size
    if (this.#shown && (this.#entries & 0xff) === 0) this.#draw()
  }

  /** So many more bytes of the input were read. */
  read(size: number): void {
    this.#inputBytes += size
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#shown) process.stderr.write('\r\x1b[K')
  }

  #draw(): void {
    const now = performance.now()
    if (now - this.#drawn < REDRAW_EVERY_MS) return
    this.#drawn = now
    const took = now - this.#start
    const rate = `${count(this.#entries)} entries  ${count((this.#entries / took) * 1000)}/s  ${bytes(this.#bytes)}`
    process.stderr.write(`\r\x1b[K${this.#bar(took)}${rate}`)
  }

  #bar(took: number): string {
    if (this.#wholeBytes === undefined || this.#wholeBytes === 0) return ''
    const part = Math.min(1, this.#inputBytes / this.#wholeBytes)
    const bar = '█'.repeat(Math.round(part * BAR)).padEnd(BAR, '░')
    const left = part === 0 ? '' : `ETA ${duration((took / part) * (1 - part))}  `
    return `${bar} ${Math.floor(part * 100)} %  ${left}`
  }
}
