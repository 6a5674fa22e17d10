import { type Command, JSON_OPTION } from './command.js'
import type { Bytes } from './database.js'
import { codecs, ENCODING_OPTIONS } from './encoding.js'
import { Failure, UsageError } from './failure.js'
import { bytes, count, duration, plural } from './format.js'
import { type Entry, entriesOf, type Format, type Source, sizeOf } from './input.js'
import { Progress } from './progress.js'

const BATCH_ENTRIES = 1_000
const BATCH_BYTES = 2 ** 20

/** Writes entries in batches; the next one is put together while one is under way. */
class Loader {
  /** Entries acknowledged. */
  loaded = 0
  readonly #engine: Bytes
  #writing: Promise<void> = Promise.resolve()
  #batch: ({ type: 'put' } & Entry)[] = []
  #size = 0

  constructor(engine: Bytes) {
    this.#engine = engine
  }

  /** Takes an entry. True: it is time to await `write`. */
  add({ key, value }: Entry): boolean {
    this.#batch.push({ type: 'put', key, value })
    this.#size += key.length + value.length
    return this.#batch.length >= BATCH_ENTRIES || this.#size >= BATCH_BYTES
  }

  /** Sends what was taken, once the batch before it is acknowledged. */
  async write(): Promise<void> {
    const batch = this.#batch
    this.#batch = []
    this.#size = 0
    await this.#writing
    this.#writing = this.#engine.batch(batch).then(() => {
      this.loaded += batch.length
    })
    // A failure is reported by whoever awaits it next.
    this.#writing.catch(() => {})
  }

  /** Resolves when all that was taken is acknowledged. */
  async finish(): Promise<void> {
    await this.write()
    await this.#writing
  }
}

function formatOf(path: string, csv: boolean): Format {
  return csv || path.toLowerCase().endsWith('.csv') ? 'csv' : 'jsonl'
}

/** `mosskv load` */
export const load: Command = {
  name: 'load',
  summary: 'read entries from files or a pipe',
  takes: ['[file...]'],
  options: {
    csv: { type: 'boolean', help: 'CSV (files named *.csv are taken for it anyway)' },
    ...JSON_OPTION,
    ...ENCODING_OPTIONS,
  },
  details: `Reads JSON lines, {"key":…,"value":…} each, or CSV with two columns (a first line key,value is skipped). Without
a file, or for -, it reads standard input. Makes the database if there is none; keys that are there get the new value.
A line that is wrong ends it with an error that names the line; what stands before it is loaded.`,
  examples: [
    ['mosskv load ./data users.jsonl orders.csv', ''],
    ['zcat data.gz | mosskv load ./data --base64', 'what dump --base64 wrote'],
    ['mosskv load ./data --csv < pairs.csv', ''],
    ['mosskv load ./data docs.jsonl --value-encoding json', 'values that are any JSON'],
  ],
  async run({ args, flags, database, out, note }) {
    const paths = args.length === 0 ? ['-'] : args
    if (paths.indexOf('-') !== paths.lastIndexOf('-')) throw new UsageError('- can be given only once')
    const sources: Source[] = paths.map(path => ({ path, format: formatOf(path, flags.on('csv')) }))
    const codec = codecs(flags)
    const progress = new Progress(true, sizeOf(sources))
    if (paths.includes('-') && process.stdin.isTTY)
      note('type one {"key":…,"value":…} a line; Ctrl-D ends the input')
    const loader = new Loader(await database.writer(true))
    try {
      for (const source of sources) {
        for await (const entries of entriesOf(source, codec, size => progress.read(size))) {
          for (const entry of entries) {
            progress.add(entry.key.length + entry.value.length)
            if (loader.add(entry)) await loader.write()
          }
        }
      }
      await loader.finish()
    } catch (error) {
      progress.clear()
      await loader.finish().catch(() => {})
      const { message, code } = error as Failure
      throw new Failure(`${message}; ${plural(loader.loaded, 'entry', 'entries')} loaded before`, code)
    }
    progress.clear()
    const { entries, bytes: size, took } = progress
    if (flags.on('json')) out.line(JSON.stringify({ entries, bytes: size, milliseconds: Math.round(took) }))
    else {
      const rate = count((entries / took) * 1000)
      note(`loaded ${plural(entries, 'entry', 'entries')}, ${bytes(size)}, in ${duration(took)} (${rate}/s)`)
    }
    return undefined
  },
}
