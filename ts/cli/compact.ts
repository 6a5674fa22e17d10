import { type Command, JSON_OPTION } from './command.js'
import { codecs, ENCODING_OPTIONS } from './encoding.js'
import { bytes, duration } from './format.js'
import { RANGE_OPTIONS, rangeOf } from './range.js'
import { onDisk } from './stats.js'

/** `mosskv compact` */
export const compact: Command = {
  name: 'compact',
  summary: 'rewrite into one level, without what was overwritten or removed',
  takes: [],
  options: { ...RANGE_OPTIONS, ...JSON_OPTION, ...ENCODING_OPTIONS },
  details: `Compaction runs by itself while a program writes; this does all of it now. It needs as much free space as the range
takes, and no other program may have the database open.`,
  examples: [
    ['mosskv compact ./data', ''],
    ['mosskv compact ./data --prefix session:', 'after many removals there'],
  ],
  async run({ flags, database, out, note }) {
    const bounds = rangeOf(flags, codecs(flags).key)
    const start = performance.now()
    const engine = await database.writer(false)
    const before = onDisk(engine.location).bytes
    note('compacting…')
    const whole = Object.values(bounds).every(bound => bound === undefined)
    await engine.compact(whole ? undefined : bounds)
    const { location } = engine
    // The files that were replaced are gone when it is closed.
    await database.close()
    const after = onDisk(location).bytes
    const took = performance.now() - start
    if (flags.on('json')) out.line(JSON.stringify({ before, after, milliseconds: Math.round(took) }))
    else note(`${bytes(before)} before, ${bytes(after)} now, in ${duration(took)}`)
    return undefined
  },
}
