import type { Command } from './command.js'
import { argument, codecs, ENCODING_OPTIONS } from './encoding.js'
import { UsageError } from './failure.js'
import { RANGE_OPTIONS, rangeOf } from './range.js'

/** `mosskv del` */
export const del: Command = {
  name: 'del',
  summary: 'remove keys, or all keys of a range',
  takes: ['[key...]'],
  options: { ...RANGE_OPTIONS, ...ENCODING_OPTIONS },
  details: `Several keys, or a range, are removed together or not at all. A key that is not there is no error.
A range is removed at once, however many keys it has; the space comes back by and by, or with \`compact\`.`,
  examples: [
    ['mosskv del ./data user:1 user:2', ''],
    ['mosskv del ./data --prefix session:', 'everything that begins with session:'],
    ['mosskv del ./data --gte 2024 --lt 2025', ''],
  ],
  async run({ args, flags, database }) {
    const { key } = codecs(flags)
    const bounds = Object.keys(RANGE_OPTIONS).map(name => flags.text(name))
    const ranged = bounds.some(bound => bound !== undefined)
    if (ranged && args.length > 0) throw new UsageError('give keys or a range, not both')
    if (!ranged && args.length === 0)
      throw new UsageError('<key> is missing (or a range: --prefix, --gte, --lt)')
    // `--prefix "$NAME"` with an empty NAME must not remove everything.
    if (ranged && !bounds.some(Boolean))
      throw new UsageError('the range is everything: to remove that, use destroy')
    const range = rangeOf(flags, key)
    const keys = args.map(name => argument(key, name, 'the key'))
    const engine = await database.writer(false)
    if (ranged) await engine.clear(range)
    else await engine.batch(keys.map(key => ({ type: 'del', key })))
    return undefined
  },
}
