// The commands that can be typed after `mosskv open`, and how one line of them is run.

import { type Call, type Command, find } from './command.js'
import { count } from './count.js'
import { del } from './del.js'
import { type Codecs, codecs } from './encoding.js'
import { UsageError } from './failure.js'
import { columns, wrap } from './format.js'
import { get } from './get.js'
import { helpOf, helpWidth, usage } from './help.js'
import { type Flags, parse } from './parse.js'
import { put } from './put.js'
import { scan } from './scan.js'
import { stats } from './stats.js'
import { tree } from './tree.js'
import { quoted, words } from './words.js'

const PROMPTED: readonly Command[] = [get, put, del, scan, count, stats, tree]
const WRITES: readonly Command[] = [put, del]
const HELP_COMMANDS = ['help', 'exit']
const MOST_COMPLETIONS = 50

/** Runs lines, one at a time, on the database of `mosskv open`. */
export class Prompt {
  readonly #call: Call

  /** `call` is that of `open`: its encodings hold for every line that names none. */
  constructor(call: Call) {
    this.#call = call
  }

  /** Runs a line. True: it asks to leave. Throws what the command throws. */
  async run(line: string): Promise<boolean> {
    const [name, ...rest] = words(line)
    const { out, database } = this.#call
    if (name === undefined) return false
    if (name === 'exit' || name === 'quit') return true
    try {
      if (name === 'help') out.write(help(rest[0], helpWidth(out.width)))
      else await this.#command(find(PROMPTED, name), rest)
      await out.flush()
    } catch (error) {
      // What was printed before it failed stands before the error.
      await out.flush().catch(() => {})
      throw error
    } finally {
      // The next read shows what another program has written meanwhile.
      if (!database.writing) await database.close()
    }
    return false
  }

  async #command(command: Command, rest: string[]): Promise<void> {
    const { out } = this.#call
    const { flags, args } = parse(command, rest)
    if (flags.on('help')) {
      out.write(helpOf(command, helpWidth(out.width), true))
      return
    }
    if (this.#call.flags.on('read-only') && WRITES.includes(command))
      throw new UsageError('the prompt was opened with --read-only')
    const named = flags.on('hex') || flags.on('base64')
    const merged = named ? flags : flags.over(this.#call.flags)
    await command.run({ ...this.#call, args, flags: merged, prompted: true })
  }

  /** What the last word of `line` could become, and that word. Reads up to 50 keys. */
  async complete(line: string): Promise<[string[], string]> {
    const word = /\S*$/.exec(line)?.[0] as string
    const begun = line.slice(0, line.length - word.length).trim()
    const beginning = (all: readonly string[]) =>
      all.filter(one => one.startsWith(word)).map(one => `${one} `)
    if (begun === '') return [beginning([...PROMPTED.map(({ name }) => name), ...HELP_COMMANDS]), word]
    const command = PROMPTED.find(({ name }) => name === begun.split(/\s/, 1)[0])
    if (command === undefined)
      return [begun === 'help' ? beginning(PROMPTED.map(({ name }) => name)) : [], word]
    if (word.startsWith('-')) return [beginning(Object.keys(command.options).map(name => `--${name}`)), word]
    const wantsKey = command === get || command === put || command === del || begun.includes(' ')
    return [wantsKey ? await this.#keys(word, this.#call.flags) : [], word]
  }

  async #keys(word: string, flags: Flags): Promise<string[]> {
    const { database } = this.#call
    const { key }: Codecs = codecs(flags)
    try {
      const engine = await database.reader()
      const found: string[] = []
      for await (const stored of engine.keys({ gte: key.bytes(word, 'the key'), limit: MOST_COMPLETIONS })) {
        const text = key.text(stored, 'the key')
        if (!text.startsWith(word)) break
        if (quoted(text) === text) found.push(text)
      }
      return found
    } catch {
      // No database yet, or a key that cannot be typed: nothing to offer.
      return []
    } finally {
      if (!database.writing) await database.close()
    }
  }
}

/** The help at the prompt: of everything, or of one command. */
function help(name: string | undefined, width: number): string {
  if (name !== undefined) return helpOf(find(PROMPTED, name), width, true)
  const rows = PROMPTED.map(command => ['', usage(command, true), command.summary])
  rows.push(['', 'help [command]', 'say more, with examples'], ['', 'exit', 'leave (or Ctrl-D)'])
  const quoting =
    'Quote what has spaces or quotes: put user:1 \'{"name":"Ada"}\'. Ctrl-C stops what runs; Tab completes.'
  return `${[...columns(rows), '', ...wrap(quoting, width)].join('\n')}\n`
}
