import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { vi } from 'vitest'
import { type Outcome, packageRoot } from './child.js'

// Many processes a test: on a machine with much else to do that takes its time.
vi.setConfig({ testTimeout: 120_000 })

/** The program as npm installs it. */
export const program = join(packageRoot, 'dist', 'cli', 'main.js')

/** The words to run the program and what goes into its standard input. */
export interface Run {
  input?: string | Uint8Array
  env?: NodeJS.ProcessEnv
  cwd?: string
}

/** Runs `mosskv` with `words` in pipes, to its end. */
export function mosskv(
  words: string[],
  { input = '', env, cwd }: Run = {},
): Promise<Outcome & { bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...words], { env: { ...process.env, ...env }, cwd })
    const chunks: Buffer[] = []
    let stderr = ''
    child.stdout.on('data', data => chunks.push(data))
    child.stderr.on('data', data => {
      stderr += data
    })
    child.on('error', reject)
    child.on('close', (status, signal) => {
      const bytes = Buffer.concat(chunks)
      resolve({ stdout: bytes.toString(), bytes, stderr, status, signal })
    })
    // A program that does not read its input may be gone before it is written.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/** What `mosskv` prints; throws unless it succeeds and is silent on standard error. */
export async function ok(words: string[], run?: Run): Promise<string> {
  const { stdout, stderr, status, signal } = await mosskv(words, run)
  if (status !== 0 || stderr !== '')
    throw new Error(`mosskv ${words.join(' ')} ended with ${status ?? signal}: ${stderr}`)
  return stdout
}

/** `mosskv` in a pseudo-terminal, typed at by a test. */
export class Terminal {
  /** Everything that was shown. */
  shown = ''
  /** The exit code. */
  readonly ended: Promise<number | null>
  readonly #child: ChildProcessWithoutNullStreams
  #seen = 0
  #changed: () => void = () => {}

  /** Starts it. util-linux's `script` makes the terminal; the one of macOS and the BSDs takes its words differently. */
  constructor(words: string[], env: NodeJS.ProcessEnv = {}) {
    const command = [process.execPath, program, ...words]
    const script =
      process.platform === 'linux'
        ? ['-q', '-e', '-c', command.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' '), '/dev/null']
        : ['-q', '/dev/null', ...command]
    this.#child = spawn('script', script, {
      env: { ...process.env, TERM: 'xterm', MOSSKV_HISTORY: '', ...env },
    })
    this.#child.stdout.on('data', data => {
      this.shown += data
      this.#changed()
    })
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject)
      this.#child.on('close', status => {
        resolve(status)
        this.#changed()
      })
    })
  }

  /** Waits until `text` is shown behind what was waited for before; gives what came up to it. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.shown.indexOf(text, this.#seen)
      if (at >= 0) {
        const before = this.shown.slice(this.#seen, at)
        this.#seen = at + text.length
        return before
      }
      if (this.#child.exitCode !== null)
        throw new Error(`it ended before it showed ${JSON.stringify(text)}: ${this.shown}`)
      await new Promise<void>(resolve => {
        this.#changed = resolve
      })
    }
  }

  /** Types. */
  type(text: string): void {
    this.#child.stdin.write(text)
  }

  /** Types a line at the prompt and gives what is shown until the next one. */
  async line(text: string): Promise<string> {
    this.type(`${text}\r`)
    await this.until('\r\n')
    return stripVTControlCharacters(await this.until('mosskv> '))
  }

  /** Looks away: what is shown waits, and so does the program. */
  lookAway(): void {
    this.#child.stdout.pause()
  }

  /** Looks again. */
  look(): void {
    this.#child.stdout.resume()
  }
}
