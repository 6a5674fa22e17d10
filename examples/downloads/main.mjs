/**
 * The main job: the monthly downloads of every npm package, in and out of MossKV.
 *
 *     node downloads/main.mjs [--keep] [--pairs N] [--dir PATH] [--kills N] [--seed N]
 *
 * Loads 3.8 million pairs with an index, asks questions, kills a writing process and looks what is left, draws the
 * tree. Ends with exit code 1 if any check fails. The database is removed at the end unless `--keep`.
 */
import { mkdtempSync, rmSync, readdirSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Engine } from 'mosskv'
import { crash } from './crash.mjs'
import { Expected } from './expected.mjs'
import { load } from './load.mjs'
import { ask, checkEverything, lookUp } from './questions.mjs'
import { Random } from './random.mjs'
import { Report, megabytes, seconds } from './report.mjs'
import { drawTree } from './tree.mjs'

const MAX_RESIDENT_BYTES = 1.2e9
const GOAL_MS = 90_000
const SAMPLE = 20_000
const ENOUGH_UPDATES = 10_000

const { values: options } = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    pairs: { type: 'string', default: 'Infinity' },
    dir: { type: 'string' },
    kills: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
  },
})

/** @param {'pairs' | 'kills' | 'seed'} name */
function number(name) {
  const value = Number(options[name])
  if (value >= 0) return value
  console.error(`--${name} must be a number from 0 on, not ${options[name]}`)
  process.exit(2)
}

/** A fresh folder, or the one asked for, which must be empty. */
function folder() {
  if (options.dir === undefined) return mkdtempSync(join(tmpdir(), 'mosskv-downloads-'))
  const path = resolve(options.dir)
  mkdirSync(path, { recursive: true })
  if (readdirSync(path).length === 0) return path
  console.error(`--dir must be an empty folder: ${path}`)
  process.exit(2)
}

const limit = number('pairs')
const kills = number('kills')
const seed = number('seed')
const path = createRequire(import.meta.url).resolve('download-counts/counts.json')

const start = performance.now()
const work = folder()
const directory = join(work, 'db')
const packagesFile = join(work, 'packages.json')
const remove = () => {
  if (!options.keep) rmSync(work, { recursive: true, force: true })
}
process.once('exit', remove)
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => process.exit(1))

/**
 * Opens the database, lets it be used, and closes it again whatever happens.
 * @param {(engine: Engine) => Promise<void>} use
 */
async function open(use) {
  const engine = await Engine.open(directory, { memtableBytes: 64 * 2 ** 20 })
  try {
    await use(engine)
  } finally {
    await engine.close()
  }
}

const random = new Random(seed)
const report = new Report()
const expected = new Expected({ top: 20, sample: SAMPLE, random })

console.log(`The downloads of every npm package, in ${directory} (seed ${seed})`)
await open(async engine => {
  await report.section('Load', () => load(engine, path, expected, { limit, report }))
  await report.section('Questions', async () => {
    await ask(engine, expected, report)
    await lookUp(engine, expected, report)
  })
  await report.section('Every entry', () => checkEverything(engine, expected.totals, report))
  await report.section('Tree', async () => drawTree(await engine.stats(), line => report.line(line)))
})

await report.section('Crash', async () => {
  const { sample: packages, totals } = expected
  for (let kill = 0; kill < kills; kill++) {
    const enough = 1 + random.below(ENOUGH_UPDATES)
    await crash({
      open,
      directory,
      packagesFile,
      packages,
      totals,
      seed: random.below(2 ** 32),
      enough,
      report,
    })
  }
  await open(engine => checkEverything(engine, totals, report))
})

const took = performance.now() - start
const resident = process.resourceUsage().maxRSS * 1024
console.log('\nTimes and memory')
report.showTimes()
report.line(
  `all of it in ${seconds(took)}${took > GOAL_MS ? `, more than the ${GOAL_MS / 1000} s it should take` : ''}`,
)
report.check(
  resident < MAX_RESIDENT_BYTES,
  `at most ${megabytes(resident)} resident`,
  `more than ${megabytes(MAX_RESIDENT_BYTES)}`,
)
if (options.keep) report.line(`the database is in ${directory}`)

console.log(report.failed === 0 ? '\nAll checks passed.' : `\n${report.failed} checks FAILED.`)
process.exitCode = report.failed === 0 ? 0 : 1
