import { randomFillSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, JSON_OPTION } from './command.js'
import { type Bytes, mosskv } from './database.js'
import { bytes, count, plural } from './format.js'

const VALUES = 1_024

/** Keys of 16 bytes in an order that looks random: each number below `size` once. Made before the clock runs. */
function keysOf(size: number): Buffer[] {
  // A step without a common divisor with `size` walks through all of it.
  let step = Math.floor(size * 0.618) | 1
  while (common(step, size) !== 1) step += 2
  return Array.from({ length: size }, (_, i) => Buffer.from(String((i * step) % size).padStart(16, '0')))
}

function common(a: number, b: number): number {
  return b === 0 ? a : common(b, a % b)
}

/** Values to take turns with. Half of each can be compressed away, as in much real data. */
function valuesOf(size: number): Buffer[] {
  return Array.from({ length: VALUES }, () => {
    const value = Buffer.alloc(size, ' ')
    randomFillSync(value, 0, size >> 1)
    return value
  })
}

/** One figure. */
interface Figure {
  name: string
  what: string
  operations: number
  perSecond: number
  microseconds: number
}

const AT_MOST_MS = 1_000
const BATCH = 1_000
const DURABLE = 500

/** Does `step` until it was done `times` times or time is up; `step` says how many operations it did. */
async function measure(
  name: string,
  what: string,
  times: number,
  step: (from: number) => number | Promise<number>,
): Promise<Figure> {
  const start = performance.now()
  let operations = 0
  while (operations < times) {
    operations += await step(operations)
    if (performance.now() - start > AT_MOST_MS) break
  }
  const took = performance.now() - start
  return {
    name,
    what,
    operations,
    perSecond: Number(((operations / took) * 1000).toFixed(1)),
    microseconds: Number(((took / operations) * 1000).toFixed(3)),
  }
}

/** Every figure, in the order in which they are measured: later ones read what earlier ones wrote. */
async function* figures(engine: Bytes, entries: number, valueBytes: number): AsyncGenerator<Figure> {
  const [keys, values] = [keysOf(entries), valuesOf(valueBytes)]
  const key = (i: number) => keys[i % entries] as Buffer
  const value = (i: number) => values[i % VALUES] as Buffer
  yield await measure('put', 'one at a time, awaited', entries, async i => {
    await engine.put(key(i), value(i))
    return 1
  })
  yield await measure('put durable', 'one at a time, on the disk', DURABLE, async i => {
    await engine.put(key(i), value(i), { durability: 'disk' })
    return 1
  })
  // All of them, however long it takes: what follows reads them.
  for (let from = 0; from < entries; from += BATCH) await engine.batch(puts(from))
  yield await measure('batch', `${count(BATCH)} puts each, random keys`, entries, async from => {
    const batch = puts(from)
    await engine.batch(batch)
    return batch.length
  })
  yield await measure('get', 'one at a time, awaited, random', entries, async i => {
    await engine.get(key(i))
    return 1
  })
  yield await measure('getSync', 'random', entries, i => {
    engine.getSync(key(i))
    return 1
  })
  yield await measure('getMany', '100 keys each, random', entries, async i => {
    const some = Array.from({ length: 100 }, (_, j) => key(i + j))
    return (await engine.getMany(some)).length
  })
  for (const reverse of [false, true]) {
    const walk = engine.iterator({ reverse })
    const what = reverse ? 'all entries, backwards' : 'all entries, in order'
    yield await measure('scan', what, entries, async () => (await walk.nextv(BATCH)).length || entries)
    await walk.close()
  }

  function puts(from: number) {
    const length = Math.min(BATCH, entries - from)
    return Array.from({ length }, (_, j) => ({
      type: 'put' as const,
      key: key(from + j),
      value: value(from + j),
    }))
  }
}

/** A figure as a line; the widths fit all of them. */
function row({ name, what, perSecond, microseconds }: Figure): string {
  const rate = perSecond < 10 ? perSecond.toFixed(1) : count(perSecond)
  return `${name.padEnd(12)} ${what.padEnd(29)} ${rate.padStart(10)}/s ${microseconds.toFixed(2).padStart(11)} µs`
}

/** `mosskv bench` */
export const bench: Command = {
  name: 'bench',
  summary: 'measure this machine in a few seconds',
  takes: ['[directory]'],
  options: {
    entries: { type: 'string', argument: 'N', help: 'so many entries (default: 100000)' },
    'value-bytes': { type: 'string', argument: 'N', help: 'values of so many bytes (default: 100)' },
    ...JSON_OPTION,
  },
  details: `Fills a database of its own, which it removes at the end: in the directory, to measure the disk that holds it, or
else where temporary files go. One short run on one core: a first impression, good for comparing machines and disks.
The project's \`npm run bench\` compares stores.`,
  examples: [
    ['mosskv bench', ''],
    ['mosskv bench /mnt/disk --value-bytes 1000', 'another disk, larger values'],
  ],
  async run({ args, flags, out, note }) {
    const entries = flags.whole('entries', 1) ?? 100_000
    const valueBytes = flags.whole('value-bytes') ?? 100
    const parent = args[0] ?? tmpdir()
    mkdirSync(parent, { recursive: true })
    const directory = mkdtempSync(join(parent, 'mosskv-bench-'))
    const { Engine } = await mosskv()
    const engine = await Engine.open(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    const all: Figure[] = []
    try {
      note(
        `${plural(entries, 'entry', 'entries')}, keys of 16 B, values of ${bytes(valueBytes)}, in ${parent}`,
      )
      for await (const figure of figures(engine, entries, valueBytes)) {
        all.push(figure)
        if (flags.on('json')) continue
        out.line(row(figure))
        await out.flush()
      }
    } finally {
      await engine.close()
      rmSync(directory, { recursive: true, force: true })
    }
    if (flags.on('json')) out.line(JSON.stringify({ entries, valueBytes, figures: all }))
    return undefined
  },
}
