import { type Call, type Command, JSON_OPTION } from './command.js'
import { type Codec, codecs, ENCODING_OPTIONS } from './encoding.js'
import { UsageError } from './failure.js'
import { count } from './format.js'
import { printable } from './output.js'
import { ORDER_OPTIONS, RANGE_OPTIONS, rangeOf } from './range.js'

/** At the prompt more than this floods the screen. */
const PROMPTED_LIMIT = 100

/** Prints every member of `entries` that `show` makes a text of; says how many. */
export async function print<T>(
  { out }: Call,
  entries: AsyncIterable<T>,
  show: (entry: T) => string | Uint8Array,
): Promise<number> {
  let printed = 0
  for await (const entry of entries) {
    printed++
    const full = out.write(show(entry))
    if (out.write('\n') || full) await out.flush()
  }
  await out.flush()
  return printed
}

/** What an error calls the value of a key. */
export function theValue(key: Buffer): string {
  return `the value of ${JSON.stringify(printable(key, false))}`
}

/** What an error calls a key. */
export function theKey(key: Buffer): string {
  return `the key ${JSON.stringify(printable(key, false))}`
}

/** Shows a field as text: on a terminal without what could harm it, else as it is. */
function shower(codec: Codec, terminal: boolean): (stored: Buffer, key: Buffer) => Buffer {
  if (codec.name !== 'utf8') return (stored, key) => Buffer.from(codec.text(stored, theValue(key)))
  return terminal ? stored => Buffer.from(printable(stored, false)) : stored => stored
}

const TAB = Buffer.from('\t')

/** `mosskv scan` */
export const scan: Command = {
  name: 'scan',
  summary: 'print the entries of a range, in order',
  takes: [],
  options: {
    ...RANGE_OPTIONS,
    ...ORDER_OPTIONS,
    keys: { type: 'boolean', help: 'print only keys' },
    values: { type: 'boolean', help: 'print only values' },
    ...JSON_OPTION,
    ...ENCODING_OPTIONS,
  },
  details: `One line an entry: the key, a tab, the value. Keys are in the order of their bytes. What is printed is the
database at one moment, whatever is written meanwhile. Values with tabs or newlines in them: --json.`,
  examples: [
    ['mosskv scan ./data', 'everything'],
    ['mosskv scan ./data --prefix user: --keys', 'keys that begin with it'],
    ['mosskv scan ./data --gte 2024 --lt 2025 -r -n 10', 'the last ten of a year'],
    ['mosskv scan ./data --json | jq .value', 'one JSON object a line'],
  ],
  async run(call) {
    const { flags, database, out, prompted } = call
    const { key, value } = codecs(flags)
    const [keys, values, json] = [flags.on('keys'), flags.on('values'), flags.on('json')]
    if (keys && values)
      throw new UsageError('--keys and --values exclude each other; without both, entries are shown')
    const asked = flags.whole('limit')
    const limit = asked ?? (prompted ? PROMPTED_LIMIT : Number.POSITIVE_INFINITY)
    const options = { ...rangeOf(flags, key), reverse: flags.on('reverse'), limit, fillCache: false }
    const engine = await database.reader()
    const [keyText, valueText] = [shower(key, out.terminal), shower(value, out.terminal)]
    let printed: number
    if (keys) {
      const show = json
        ? (k: Buffer) => JSON.stringify(key.toJson(k, theKey(k)))
        : (k: Buffer) => keyText(k, k)
      printed = await print(call, engine.keys(options), show)
    } else if (values) {
      const show = json
        ? ([k, v]: [Buffer, Buffer]) => JSON.stringify(value.toJson(v, theValue(k)))
        : ([k, v]: [Buffer, Buffer]) => valueText(v, k)
      printed = await print(call, engine.iterator(options), show)
    } else {
      const show = json
        ? ([k, v]: [Buffer, Buffer]) =>
            JSON.stringify({ key: key.toJson(k, theKey(k)), value: value.toJson(v, theValue(k)) })
        : ([k, v]: [Buffer, Buffer]) => Buffer.concat([keyText(k, k), TAB, valueText(v, k)])
      printed = await print(call, engine.iterator(options), show)
    }
    if (prompted && asked === undefined && printed === limit)
      call.note(`(the first ${count(limit)}; for more: --limit)`)
    return undefined
  },
}
