/**
 * The process that is killed. Updates random packages for ever, and says on standard output, a line of JSON each:
 *
 *     ["issued", name, count]         before the write is handed to the engine
 *     ["acknowledged", name, count]   after its promise has resolved
 *
 * Lines are written synchronously: what was said before the kill is in the pipe.
 *
 *     node crash-writer.mjs <directory> <file with [{ name, count }]> <seed>
 */
import { readFileSync, writeSync } from 'node:fs'
import { Engine } from 'mosskv'
import { update } from './keys.mjs'
import { Random } from './random.mjs'

const WRITERS = 16
const COUNTS = 1e9

const [directory = '', file = '', seed = ''] = process.argv.slice(2)
const packages = /** @type {import('./counts.mjs').Pair[]} */ (JSON.parse(readFileSync(file, 'utf8')))
const random = new Random(Number(seed))
const engine = await Engine.open(directory, { createIfMissing: false })

/**
 * @param {'issued' | 'acknowledged'} word
 * @param {import('./counts.mjs').Pair} pair
 */
const say = (word, { name, count }) => writeSync(1, `${JSON.stringify([word, name, count])}\n`)

/** @param {import('./counts.mjs').Pair[]} own no other writer touches these */
async function write(own) {
  for (;;) {
    const pair = own[random.below(own.length)]
    if (pair === undefined) return
    const before = pair.count
    pair.count = random.below(COUNTS)
    say('issued', pair)
    await engine.batch(update(pair.name, before, pair.count), { durability: 'os' })
    say('acknowledged', pair)
  }
}

await Promise.all(
  Array.from({ length: WRITERS }, (_, me) => write(packages.filter((_, i) => i % WRITERS === me))),
)
