// From the words of a command line to options and arguments, checked against what a command says it takes.

import { parseArgs } from 'node:util'
import { UsageError } from './failure.js'

/** One option of a command. */
export interface OptionSpec {
  /** Whether it takes an argument. */
  type: 'boolean' | 'string'
  /** One letter. */
  short?: string
  /** What its argument is called in the help. */
  argument?: string
  /** What it does: a phrase. */
  help: string
}

/** The options of a command by name. */
export type Options = Record<string, OptionSpec>

/** What a command says about its words. */
export interface Grammar {
  /** Its arguments, as the usage line shows them: `<key>` must be there, `[value]` may be, `[file...]` may repeat. */
  readonly takes: readonly string[]
  /** Its options. */
  readonly options: Options
}

/** The options that were given. */
export class Flags {
  readonly #values: Record<string, unknown>

  /** From what `parseArgs` found. */
  constructor(values: Record<string, unknown>) {
    this.#values = values
  }

  /** Whether a switch is on. */
  on(name: string): boolean {
    return this.#values[name] === true
  }

  /** The argument of an option. */
  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  /** The argument of an option as a whole number from `least` on; throws a `UsageError` if it is none. */
  whole(name: string, least = 0): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const number = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number
    throw new UsageError(`--${name} is ${JSON.stringify(text)}: it must be a whole number from ${least} on`)
  }

  /** The same options, with those of `others` where these say nothing. */
  over(others: Flags): Flags {
    return new Flags({ ...others.#values, ...this.#values })
  }
}

/** Every command has it. */
const HELP: Options = { help: { type: 'boolean', short: 'h', help: 'show this help' } }

/** Splits `words` into flags and arguments. Throws a `UsageError` for what the grammar does not know. */
export function parse(grammar: Grammar, words: readonly string[]): { flags: Flags; args: string[] } {
  const options: Record<string, { type: 'boolean' | 'string'; short?: string }> = {}
  for (const [name, { type, short }] of Object.entries({ ...HELP, ...grammar.options })) {
    options[name] = short === undefined ? { type } : { type, short }
  }
  let parsed: { values: Record<string, unknown>; positionals: string[] }
  try {
    parsed = parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(explain(error as Error, Object.keys(options)))
  }
  const flags = new Flags(parsed.values)
  if (!flags.on('help')) checkCount(grammar, parsed.positionals)
  return { flags, args: parsed.positionals }
}

function explain(error: Error, known: string[]): string {
  const unknown = /^Unknown option '(-[^']+)'/.exec(error.message)?.[1]
  const named = /^Option '(-\w)?(?:, )?(--[\w-]+)?/.exec(error.message)
  const option = named?.[2] ?? named?.[1]
  if (option !== undefined) {
    if (error.message.includes('does not take')) return `${option} takes no argument`
    const dash = option.startsWith('--') ? `${option}=-…` : `${option}-…`
    return `${option} needs an argument (one that begins with - is given as ${dash})`
  }
  if (unknown === undefined) return error.message
  const near = nearest(unknown.replace(/^-+/, ''), known)
  const hint = near === undefined ? '' : `; did you mean --${near}?`
  return `there is no option ${unknown}${hint} (a key that begins with - goes after --)`
}

function checkCount({ takes, options }: Grammar, args: string[]): void {
  const missing = takes.filter(name => name.startsWith('<'))[args.length]
  if (missing !== undefined) throw new UsageError(`${missing.replace('...', '')} is missing`)
  if (args.length <= takes.length || takes.some(name => name.includes('...'))) return
  const extra = args[takes.length] as string
  const hint = 'prefix' in options ? `a range of keys: --prefix ${extra}` : 'quote what has spaces'
  throw new UsageError(`${JSON.stringify(extra)} is one argument too many (${hint})`)
}

/** The one of `names` that `word` was probably meant to be. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const near = names.map(name => ({ name, away: distance(word, name) })).sort((a, b) => a.away - b.away)[0]
  return near && near.away <= Math.ceil(word.length / 3) ? near.name : undefined
}

/** How many letters have to be added, removed, replaced or swapped with the next. */
function distance(from: string, to: string): number {
  let before: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      const swapped = from[i - 2] === to[j - 1] && from[i - 1] === to[j - 2] ? before[j - 2] : undefined
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1, (swapped ?? replaced) + 1))
    }
    before = row
    row = next
  }
  return row[to.length]!
}
