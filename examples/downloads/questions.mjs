/**
 * Questions to the database, each answer compared with what the file says.
 */
import { packageKey, pairOfPackage, pairOfRank, PACKAGE, RANK, startingWith } from './keys.mjs'
import { Totals } from './expected.mjs'
import { thousands } from './report.mjs'

/** @typedef {import('mosskv').Engine} Engine */
/** @typedef {import('./expected.mjs').Expected} Expected */
/** @typedef {import('./report.mjs').Report} Report */

const TOP = 20

/**
 * Adds up a range of the database.
 * @param {Engine} engine
 * @param {{ gte: string, lt: string }} range
 * @param {(entry: [string, string]) => import('./counts.mjs').Pair} pairOf
 */
async function totalsOf(engine, range, pairOf) {
  const totals = new Totals()
  const iterator = engine.iterator(range)
  try {
    for (;;) {
      const entries = await iterator.nextv(1000)
      if (entries.length === 0) return totals
      for (const entry of entries) totals.add(pairOf(entry))
    }
  } finally {
    await iterator.close()
  }
}

/**
 * Reads every entry and compares both halves, the packages and the index, with the totals they must have.
 * @param {Engine} engine
 * @param {Totals} wanted
 * @param {Report} report
 */
export async function checkEverything(engine, wanted, report) {
  const start = performance.now()
  const packages = await totalsOf(engine, startingWith(PACKAGE), pairOfPackage)
  const ranks = await totalsOf(engine, startingWith(RANK), pairOfRank)
  const rate = (packages.pairs + ranks.pairs) / ((performance.now() - start) / 1000)
  report.check(`${packages}` === `${wanted}`, `every package is there: ${wanted}`, `${packages}`)
  report.check(`${ranks}` === `${packages}`, 'the index agrees with the packages', `${ranks}`)
  report.line(`read at ${thousands(rate)} entries/s`)
}

/**
 * @param {Engine} engine
 * @param {Expected} expected
 * @param {Report} report
 */
export async function ask(engine, expected, report) {
  const react = await engine.get(packageKey('react'))
  report.check(
    react === (expected.react === undefined ? undefined : String(expected.react)),
    `react: ${react === undefined ? 'not loaded' : `${thousands(Number(react))} downloads a month`}`,
    `the file says ${expected.react}`,
  )

  const types = await totalsOf(engine, startingWith(packageKey('@types/')), pairOfPackage)
  report.check(
    `${types}` === `${expected.types}`,
    `@types/…: ${thousands(types.pairs)} packages, ${thousands(types.downloads)} downloads`,
    `the file says ${expected.types}`,
  )

  const last = await engine.keys({ ...startingWith(packageKey('react-dom')), reverse: true, limit: 5 }).all()
  const names = last.map(key => key.slice(PACKAGE.length))
  report.check(
    names.join() === expected.lastReactDom(5).join(),
    `the last names that begin with react-dom: ${names.join(', ') || 'none loaded'}`,
    `the file says ${expected.lastReactDom(5).join(', ')}`,
  )

  const top = (await engine.iterator({ ...startingWith(RANK), reverse: true, limit: TOP }).all()).map(
    pairOfRank,
  )
  report.check(
    JSON.stringify(top) === JSON.stringify(expected.top()),
    `the ${TOP} most downloaded:`,
    `the file says ${JSON.stringify(expected.top())}`,
  )
  for (const [place, { name, count }] of top.entries()) {
    report.line(`${String(place + 1).padStart(6)}  ${name.padEnd(24)} ${thousands(count).padStart(15)}`)
  }
}

/**
 * Looks up packages chosen at random.
 * @param {Engine} engine
 * @param {Expected} expected
 * @param {Report} report
 */
export async function lookUp(engine, { sample }, report) {
  const start = performance.now()
  let wrong = 0
  for (const { name, count } of sample) {
    if ((await engine.get(packageKey(name))) !== String(count)) wrong += 1
  }
  const rate = sample.length / ((performance.now() - start) / 1000)
  report.check(
    wrong === 0,
    `${thousands(sample.length)} random packages, one after the other: ${thousands(rate)} gets/s`,
    `${wrong} wrong`,
  )
}
