// What was typed at the prompt, kept for the next time.

import { readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const MOST = 1_000

/** Lines of earlier prompts, the newest first, as `node:readline` has them. */
export class History {
  readonly #file: string | undefined

  /** In `MOSSKV_HISTORY`, or in the home directory; nowhere if the variable is empty. */
  constructor(file = process.env.MOSSKV_HISTORY) {
    if (file === undefined) this.#file = join(homedir(), '.mosskv_history')
    else if (file !== '') this.#file = file
  }

  /** What was kept; nothing if there is no file. */
  read(): string[] {
    if (this.#file === undefined) return []
    try {
      return readFileSync(this.#file, 'utf8').split('\n').filter(Boolean).slice(0, MOST)
    } catch {
      return []
    }
  }

  /** Keeps `lines`, for the eyes of the user alone. A file that cannot be written is no reason to fail. */
  write(lines: readonly string[]): void {
    if (this.#file === undefined) return
    try {
      writeFileSync(this.#file, `${lines.slice(0, MOST).join('\n')}\n`, { mode: 0o600 })
    } catch {
      // Nothing was promised.
    }
  }
}
