import type { Command } from './command.js'
import { csvField } from './csv.js'
import { codecs, ENCODING_OPTIONS } from './encoding.js'
import { Progress } from './progress.js'
import { RANGE_OPTIONS, rangeOf } from './range.js'
import { print, theKey, theValue } from './scan.js'

/** `mosskv dump` */
export const dump: Command = {
  name: 'dump',
  summary: 'write all entries, for `load` to read',
  takes: [],
  options: {
    csv: { type: 'boolean', help: 'CSV with a first line key,value (default: JSON lines)' },
    ...RANGE_OPTIONS,
    ...ENCODING_OPTIONS,
  },
  details: `Writes {"key":…,"value":…} a line to standard output: the database at one moment. Nothing is changed on the way:
an entry that is not UTF-8 ends it with an error, and --hex or --base64 write any bytes.`,
  examples: [
    ['mosskv dump ./data > data.jsonl', ''],
    ['mosskv dump ./data --base64 | gzip > data.gz', 'binary keys or values'],
    ['mosskv dump ./data --csv --prefix user: > users.csv', 'some of it, as CSV'],
    ['mosskv dump ./old | mosskv load ./new', 'a copy without history'],
  ],
  async run(call) {
    const { flags, database, out } = call
    const { key, value } = codecs(flags)
    const entries = (await database.reader()).iterator({ ...rangeOf(flags, key), fillCache: false })
    const progress = new Progress(!out.terminal)
    const csv = flags.on('csv')
    if (csv) out.line('key,value')
    try {
      await print(call, entries, ([k, v]) => {
        progress.add(k.length + v.length)
        return csv
          ? `${csvField(key.text(k, theKey(k)))},${csvField(value.text(v, theValue(k)))}`
          : JSON.stringify({ key: key.toJson(k, theKey(k)), value: value.toJson(v, theValue(k)) })
      })
    } finally {
      progress.clear()
    }
    return undefined
  },
}
