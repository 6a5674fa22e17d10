#!/usr/bin/env node
// `mosskv`, the program: finds the command, runs it, and turns how it ended into a line and an exit code.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, find } from './command.js'
import { COMMANDS } from './commands.js'
import { Database } from './database.js'
import { errorLine, UsageError } from './failure.js'
import { helpOf, helpWidth, overview } from './help.js'
import { Output, Stopped } from './output.js'
import { parse } from './parse.js'

const out = new Output(process.stdout)

function version(): string {
  const text = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** On standard error, if a person reads that. */
function note(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${text}\n`)
}

async function run(command: Command, words: string[]): Promise<number> {
  const onDatabase = command.name !== 'bench'
  const takes = onDatabase ? ['<database>', ...command.takes] : command.takes
  const { flags, args } = parse({ takes, options: command.options }, words)
  if (flags.on('help')) {
    out.write(helpOf(command, helpWidth(out.width)))
    return 0
  }
  const [location, ...rest] = onDatabase ? args : ['', ...args]
  if (onDatabase && location === '')
    throw new UsageError('<database> is empty: it must be the path of a directory')
  const database = new Database(location as string)
  try {
    const code = await command.run({ args: rest, flags, database, out, prompted: false, note })
    return code ?? 0
  } finally {
    await database.close()
  }
}

async function dispatch([name, ...words]: string[]): Promise<number> {
  if (name === undefined) {
    process.stderr.write(overview(COMMANDS, helpWidth(out.width)))
    return 2
  }
  if (name === '--version' || name === '-v' || name === 'version') out.line(version())
  else if (name === '--help' || name === '-h' || (name === 'help' && words.length === 0)) {
    out.write(overview(COMMANDS, helpWidth(out.width)))
  } else if (name === 'help') out.write(helpOf(find(COMMANDS, words[0] as string), helpWidth(out.width)))
  else if (existsSync(name) && !COMMANDS.some(command => command.name === name)) {
    throw new UsageError(`a command goes before the database: mosskv open ${name}, mosskv scan ${name}, …`)
  } else {
    const command = find(COMMANDS, name)
    const code = await run(command, words)
    await out.flush()
    return code
  }
  await out.flush()
  return 0
}

async function main(words: string[]): Promise<void> {
  try {
    process.exitCode = await dispatch(words)
  } catch (error) {
    if (error instanceof Stopped) return
    const command = COMMANDS.find(({ name }) => name === words[0])?.name
    const who = command === undefined ? 'mosskv' : `mosskv ${command}`
    const hint = error instanceof UsageError ? `; see ${who} --help` : ''
    process.exitCode = error instanceof UsageError ? 2 : 1
    // What was printed before it failed stands before the error.
    await out.flush().catch(() => {})
    process.stderr.write(`${who}: ${errorLine(error)}${hint}\n`)
  } finally {
    // A pipe that was not read to its end keeps the process alive.
    process.stdin.destroy()
  }
}

// Nobody may be reading what is said beside the output.
process.stderr.on('error', () => {})
main(process.argv.slice(2))
