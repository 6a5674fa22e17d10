import { type Command, JSON_OPTION } from './command.js'
import { argument, codecs, ENCODING_OPTIONS } from './encoding.js'
import { Failure } from './failure.js'
import { printable } from './output.js'

/** `mosskv get` */
export const get: Command = {
  name: 'get',
  summary: 'print the value of a key',
  takes: ['<key>'],
  options: {
    raw: { type: 'boolean', help: 'the stored bytes, without a newline after them' },
    ...JSON_OPTION,
    ...ENCODING_OPTIONS,
  },
  details: `Prints the value and a newline. A key that is not there is an error, with exit code 1.
On a terminal, control characters in values are shown as \\x1b and the like.`,
  examples: [
    ['mosskv get ./data user:1', 'Ada'],
    ['mosskv get ./data user:1 --json', '{"key":"user:1","value":"Ada"}'],
    ['mosskv get ./data logo --raw > logo.png', 'a value that is a file'],
    ['mosskv get ./data 00ff --key-encoding hex', 'a key that is not text'],
  ],
  async run({ args, flags, database, out }) {
    const { key, value } = codecs(flags)
    const [name] = args as [string]
    const wanted = argument(key, name, 'the key')
    const stored = await (await database.reader()).get(wanted)
    if (stored === undefined) throw new Failure(`there is no key ${JSON.stringify(name)}`, 'KEY_NOT_FOUND')
    const what = `the value of ${JSON.stringify(name)}`
    if (flags.on('raw')) out.write(stored)
    else if (flags.on('json')) out.line(JSON.stringify({ key: name, value: value.toJson(stored, what) }))
    else if (value.name !== 'utf8') out.line(value.text(stored, what))
    else if (out.terminal) out.line(printable(stored, true))
    else {
      out.write(stored)
      out.write('\n')
    }
    return undefined
  },
}
