import { setImmediate } from 'node:timers/promises'
import { type Command, JSON_OPTION } from './command.js'
import { codecs, ENCODING_OPTIONS } from './encoding.js'
import { RANGE_OPTIONS, rangeOf } from './range.js'

const PAGE = 4096

/** `mosskv count` */
export const count: Command = {
  name: 'count',
  summary: 'count the keys of a range',
  takes: [],
  options: { ...RANGE_OPTIONS, ...JSON_OPTION, ...ENCODING_OPTIONS },
  details: 'Reads all keys of the range: exact, and about a second for every few million of them.',
  examples: [
    ['mosskv count ./data', ''],
    ['mosskv count ./data --prefix user:', ''],
  ],
  async run({ flags, database, out }) {
    const range = rangeOf(flags, codecs(flags).key)
    const keys = (await database.reader()).keys({ ...range, fillCache: false })
    let found = 0
    for (;;) {
      const { length } = await keys.nextv(PAGE)
      if (length === 0) break
      found += length
      // Ctrl-C at the prompt is noticed between turns.
      await setImmediate()
      await out.flush()
    }
    await keys.close()
    out.line(flags.on('json') ? JSON.stringify({ count: found }) : String(found))
    return undefined
  },
}
