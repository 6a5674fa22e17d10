/**
 * What the program says: sections with their times, checks, and a progress bar on a terminal.
 */

/** @param {number} number */
export const thousands = number => Math.round(number).toLocaleString('en-US')

/** @param {number} bytes */
export const megabytes = bytes => `${(bytes / 1e6).toFixed(1)} MB`

/** @param {number} milliseconds */
export const seconds = milliseconds => `${(milliseconds / 1000).toFixed(1)} s`

export class Report {
  failed = 0
  /** @type {{ title: string, took: number }[]} */
  times = []

  /**
   * Runs a part of the program under a heading and keeps its time.
   * @template T
   * @param {string} title
   * @param {() => Promise<T>} body
   */
  async section(title, body) {
    console.log(`\n${title}`)
    const start = performance.now()
    try {
      return await body()
    } finally {
      this.times.push({ title, took: performance.now() - start })
    }
  }

  /** @param {string} line */
  line(line) {
    console.log(`  ${line}`)
  }

  /**
   * Says whether something is as it must be; one failure makes the program fail.
   * @param {boolean} right
   * @param {string} what
   * @param {string} [otherwise] what was found instead
   */
  check(right, what, otherwise = '') {
    if (!right) this.failed += 1
    console.log(right ? `  ✓ ${what}` : `  ✗ ${what}${otherwise && `: ${otherwise}`}`)
  }

  /** Prints what every section took. */
  showTimes() {
    const width = Math.max(...this.times.map(({ title }) => title.length))
    for (const { title, took } of this.times)
      this.line(`${title.padEnd(width)}  ${seconds(took).padStart(7)}`)
  }
}

const BAR = 30
const REDRAW_EVERY_MS = 100

/** A bar with rate and remaining time; silent unless standard error is a terminal. */
export class Progress {
  #start = performance.now()
  #drawn = 0
  #pairs
  #bytes

  /**
   * Of the whole, as far as it is known.
   * @param {number} pairs at most
   * @param {number} bytes at most
   */
  constructor(pairs, bytes) {
    this.#pairs = pairs
    this.#bytes = bytes
  }

  /**
   * @param {number} pairs so far
   * @param {number} bytes so far
   */
  update(pairs, bytes) {
    const now = performance.now()
    if (!process.stderr.isTTY || now - this.#drawn < REDRAW_EVERY_MS) return
    this.#drawn = now
    const took = now - this.#start
    const part = Math.min(1, Math.max(pairs / this.#pairs, bytes / this.#bytes))
    const bar = '█'.repeat(Math.round(part * BAR)).padEnd(BAR, '░')
    const left = part === 0 ? '?' : seconds((took / part) * (1 - part))
    const rate = `${thousands((pairs / took) * 1000)} pairs/s`
    process.stderr.write(
      `\r\x1b[K  ${bar} ${(part * 100).toFixed(0)} %  ${rate}  ${megabytes(bytes)}  ETA ${left}`,
    )
  }

  /** Takes the bar away. */
  clear() {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  }
}
