/**
 * One line that says what runs and when it will be over; silent unless standard error is a terminal.
 */
export class Progress {
  #start = performance.now()
  #done = 0
  #all

  /** @param {number} all how many tasks */
  constructor(all) {
    this.#all = all
  }

  /** @param {string} what starts now */
  next(what) {
    if (process.stderr.isTTY)
      process.stderr.write(`\r\x1b[K[${this.#done + 1}/${this.#all}] ${what}  ETA ${this.#eta()}`)
    this.#done += 1
  }

  clear() {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  }

  #eta() {
    if (this.#done === 0) return '?'
    const left = ((performance.now() - this.#start) / this.#done) * (this.#all - this.#done)
    return `${Math.floor(left / 60_000)}:${String(Math.floor(left / 1000) % 60).padStart(2, '0')}`
  }
}
