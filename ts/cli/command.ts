// What a command is, and what it gets when it runs.

import type { Database } from './database.js'
import { UsageError } from './failure.js'
import type { Output } from './output.js'
import { type Flags, type Grammar, nearest, type Options } from './parse.js'

/** What a running command has. */
export interface Call {
  /** Its arguments, without the database. */
  readonly args: readonly string[]
  /** Its options. */
  readonly flags: Flags
  /** The database it was called for. */
  readonly database: Database
  /** Standard output. */
  readonly out: Output
  /** Whether it was typed at the prompt of `mosskv open`. */
  readonly prompted: boolean
  /** Says something to a person: on standard error, and only if that is a terminal. */
  note(text: string): void
}

/** One command of `mosskv`. */
export interface Command extends Grammar {
  /** The word that calls it. */
  readonly name: string
  /** What it does: a phrase. */
  readonly summary: string
  /** The rest of its help: what to know; wrapped when it is shown. */
  readonly details: string
  /** Command lines to learn from, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[]
  /** Does the work. Returns the exit code if it is not 0. */
  run(call: Call): Promise<number | undefined>
}

/** The option of commands whose answer programs may read. */
export const JSON_OPTION: Options = { json: { type: 'boolean', help: 'answer in JSON' } }

/** The command of that name among `commands`. Throws a `UsageError` if there is none. */
export function find(commands: readonly Command[], name: string): Command {
  const command = commands.find(one => one.name === name)
  if (command) return command
  const names = commands.map(one => one.name)
  const near = nearest(name, names)
  const hint = near === undefined ? `there are ${names.join(', ')}` : `did you mean ${near}?`
  throw new UsageError(`there is no command ${JSON.stringify(name)}; ${hint}`)
}
