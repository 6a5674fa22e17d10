// The prompt on a terminal: line editing, history, completion, Ctrl-C.

import { createInterface } from 'node:readline'
import type { Call } from './command.js'
import { errorLine } from './failure.js'
import { History } from './history.js'
import { Stopped } from './output.js'
import type { Prompt } from './prompt.js'

/** Reads lines from the terminal and runs them until the person leaves. */
export async function runTerminal(prompt: Prompt, { database, out, note }: Call): Promise<void> {
  const kept = new History()
  const { location } = database
  note(
    database.exists()
      ? `${location}; type help for the commands, exit to leave`
      : `There is no database in ${location} yet: the first put makes it. Type help for the commands, exit to leave.`,
  )
  // Lines and completions take turns: they share the database.
  let turn: Promise<unknown> = Promise.resolve()
  let busy = 0
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: 'mosskv> ',
    history: kept.read(),
    historySize: 1_000,
    removeHistoryDuplicates: true,
    completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
      inTurn(() => prompt.complete(line)).then(
        result => done(null, result),
        () => done(null, [[], line]),
      )
    },
  })
  terminal.on('history', lines => kept.write(lines))
  terminal.on('SIGINT', () => {
    if (busy > 0) return out.stop()
    if (terminal.line !== '') {
      terminal.write(null, { ctrl: true, name: 'e' })
      terminal.write(null, { ctrl: true, name: 'u' })
    } else {
      process.stdout.write('\n(to leave: exit, or Ctrl-D)\n')
      terminal.prompt()
    }
  })
  terminal.on('line', line => {
    busy++
    inTurn(async () => {
      out.forgetStop()
      const leave = await prompt.run(line).catch(report)
      busy--
      if (leave) terminal.close()
      else terminal.prompt()
    })
  })
  const closed = new Promise<void>(resolve => terminal.once('close', resolve))
  terminal.prompt()
  await closed
  await turn
}

/** An error at the prompt is one line, and the prompt goes on. */
function report(error: unknown): boolean {
  process.stderr.write(error instanceof Stopped ? '(stopped)\n' : `${errorLine(error)}\n`)
  return false
}
