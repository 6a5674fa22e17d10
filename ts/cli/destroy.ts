import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import type { Command } from './command.js'
import { mosskv } from './database.js'
import { Failure, UsageError } from './failure.js'
import { bytes } from './format.js'
import { onDisk } from './stats.js'

/** What the person at the terminal answers; nothing when they leave. */
function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  return new Promise(resolve => {
    terminal.on('close', () => resolve(''))
    terminal.question(question).then(
      answer => {
        resolve(answer.trim())
        terminal.close()
      },
      () => resolve(''),
    )
  })
}

/** `mosskv destroy` */
export const destroy: Command = {
  name: 'destroy',
  summary: 'remove the database for ever',
  takes: [],
  options: { yes: { type: 'boolean', short: 'y', help: 'do not ask' } },
  details: `Removes the files that MossKV made, and the directory if nothing else is in it. Asks first; where nobody can be
asked, it needs --yes. No program may have the database open.`,
  examples: [
    ['mosskv destroy ./data', ''],
    ['mosskv destroy ./data --yes', 'in a script'],
  ],
  async run({ flags, database, note }) {
    const { location } = database
    if (!database.exists()) throw database.missing()
    if (!flags.on('yes')) {
      if (!process.stdin.isTTY)
        throw new UsageError('nobody can be asked here: say --yes to remove the database')
      const size = bytes(onDisk(location).bytes)
      const answer = await ask(`Remove the database in ${location} (${size}) for ever? Type yes: `)
      if (answer !== 'yes') throw new Failure('nothing was removed')
    }
    const { Engine } = await mosskv()
    await Engine.destroy(location)
    note(existsSync(location) ? `removed; ${location} stays, because other files are in it` : 'removed')
    return undefined
  },
}
