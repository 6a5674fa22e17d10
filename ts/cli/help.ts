// The help texts, made from what the commands say about themselves.

import type { Command } from './command.js'
import { columns, wrap } from './format.js'
import type { OptionSpec } from './parse.js'

const GROUPS: readonly (readonly [title: string, names: readonly string[]])[] = [
  ['One entry', ['get', 'put', 'del']],
  ['Many entries', ['scan', 'count', 'load', 'dump']],
  ['By hand', ['open']],
  ['The database', ['stats', 'tree', 'verify', 'compact', 'destroy']],
  ['The machine', ['bench']],
]

/** Longer lines are hard to read. */
const WIDEST = 100

/** How wide the help is, on something so many columns wide. */
export function helpWidth(columns: number): number {
  return Math.min(columns, WIDEST)
}

/** The usage line of a command. */
export function usage(command: Command, prompted: boolean): string {
  const database = prompted || command.name === 'bench' ? [] : ['<database>']
  const words = [command.name, ...database, ...command.takes]
  if (Object.keys(command.options).length > 0) words.push('[options]')
  return prompted ? words.join(' ') : `mosskv ${words.join(' ')}`
}

/** The help of everything. */
export function overview(commands: readonly Command[], width: number): string {
  const longest = Math.max(...commands.map(({ name }) => name.length))
  const lines = [
    'mosskv: an ordered, persistent key-value store in a directory',
    '',
    'Usage: mosskv <command> <database> [arguments] [options]',
    '',
    'A database is a directory; put and load make it when it is not there.',
    '',
    '  mosskv put ./data user:1 Ada         set a key',
    '  mosskv get ./data user:1             print its value',
    '  mosskv scan ./data --prefix user:    print what begins with user:, in order',
    '  mosskv load ./data users.jsonl       read {"key":…,"value":…} lines, or CSV',
    '  mosskv open ./data                   look around, with completion and history',
    '',
  ]
  for (const [title, names] of GROUPS) {
    lines.push(title)
    for (const name of names) {
      const command = commands.find(one => one.name === name) as Command
      lines.push(`  ${name.padEnd(longest)}  ${command.summary}`)
    }
    lines.push('')
  }
  lines.push('For more, with examples: mosskv help <command>. The version: mosskv --version.', '')
  const rules = `Databases are opened read-only, also beside the program that writes them, except by put, del, load, compact
    and destroy. Exit codes: 0 all is well, 1 an error (one line on standard error), 2 the command line is wrong.`
  lines.push(...wrap(rules, width))
  return `${lines.join('\n')}\n`
}

/** The help of a command. */
export function helpOf(command: Command, width: number, prompted = false): string {
  const lines = [
    `${command.name}: ${command.summary}`,
    '',
    `Usage: ${usage(command, prompted)}`,
    '',
    ...wrap(command.details, width),
  ]
  const options = Object.entries(command.options)
  if (options.length > 0) {
    lines.push('', 'Options')
    lines.push(...columns(options.map(([name, spec]) => ['', flag(name, spec), spec.help])))
  }
  const examples = command.examples.map(([line, does]) => ['', prompted ? promptLine(line) : line, does])
  if (examples.length > 0) lines.push('', 'Examples', ...columns(examples))
  return `${lines.join('\n')}\n`
}

function flag(name: string, { short, argument }: OptionSpec): string {
  const letter = short === undefined ? '    ' : `-${short}, `
  return `${letter}--${name}${argument === undefined ? '' : ` ${argument}`}`
}

/** `mosskv get ./data user:1` is `get user:1` at the prompt. */
function promptLine(line: string): string {
  return line.replace(/^mosskv (\w+) \S+/, '$1')
}
