import type { Command } from './command.js'
import { argument, codecs, ENCODING_OPTIONS } from './encoding.js'
import { UsageError } from './failure.js'

/** Everything that comes through standard input. */
async function standardInput(): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** `mosskv put` */
export const put: Command = {
  name: 'put',
  summary: 'set a key to a value',
  takes: ['<key>', '[value]'],
  options: ENCODING_OPTIONS,
  details: `Without a value it takes all of standard input, byte for byte (a newline at the end too).
Makes the database if there is none. For many entries \`mosskv load\` is far faster.`,
  examples: [
    ['mosskv put ./data user:1 Ada', ''],
    ['mosskv put ./data logo < logo.png', 'a file as a value'],
    ['mosskv put ./data -- -5 minus', 'a key that begins with -'],
    ['mosskv put ./data 00ff cafe --hex', 'bytes'],
  ],
  async run({ args, flags, database, prompted }) {
    const { key, value } = codecs(flags)
    const [name, text] = args as [string, string | undefined]
    const bytes = argument(key, name, 'the key')
    let stored: Buffer
    if (text !== undefined) stored = argument(value, text, 'the value')
    else if (prompted || process.stdin.isTTY) throw new UsageError('[value] is missing')
    else stored = await fromInput(value)
    await (await database.writer(true)).put(bytes, stored)
    return undefined
  },
}

/** Bytes as they come, unless an encoding was asked for, which is text with a newline at its end. */
async function fromInput(codec: ReturnType<typeof codecs>['value']): Promise<Buffer> {
  const input = await standardInput()
  if (codec.name === 'utf8') return input
  return codec.bytes(input.toString('latin1').trimEnd(), 'standard input')
}
