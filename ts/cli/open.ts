import { createInterface } from 'node:readline'
import type { Call, Command } from './command.js'
import { codecs, ENCODING_OPTIONS } from './encoding.js'
import { Prompt } from './prompt.js'
import { runTerminal } from './terminal.js'

/** Runs the lines of a file or pipe; the first error ends it. */
async function runLines(prompt: Prompt): Promise<void> {
  let number = 0
  for await (const line of createInterface({ input: process.stdin })) {
    number++
    try {
      if (await prompt.run(line)) return
    } catch (error) {
      if (error instanceof Error) error.message = `line ${number}: ${error.message}`
      throw error
    }
  }
}

/** `mosskv open` */
export const open: Command = {
  name: 'open',
  summary: 'a prompt: get, put, del, scan and more, typed by hand',
  takes: [],
  options: {
    'read-only': { type: 'boolean', help: 'refuse put and del' },
    ...ENCODING_OPTIONS,
  },
  details: `Tab completes commands, options and keys; the arrows bring back earlier lines (kept in ~/.mosskv_history, or where
MOSSKV_HISTORY says; empty: nowhere). Reads show the database as it is now, also while another program writes. The
first put or del takes it for writing until the prompt is left. Words are quoted as in a shell. From a pipe it runs
one command a line and stops at the first error.`,
  examples: [
    ['mosskv open ./data', ''],
    ['mosskv open ./data --value-encoding json', 'for all that is typed'],
    ["echo 'get user:1' | mosskv open ./data", ''],
  ],
  async run(call: Call) {
    codecs(call.flags)
    const prompt = new Prompt(call)
    if (process.stdin.isTTY && call.out.terminal) await runTerminal(prompt, call)
    else await runLines(prompt)
    return undefined
  },
}
