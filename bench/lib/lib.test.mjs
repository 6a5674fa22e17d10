import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chart } from './chart.mjs'
import { makeData } from './data.mjs'
import { loadStores, loadWorkloads } from './load.mjs'
import { readOptions } from './options.mjs'
import { markdown, median, resultTable, row, short } from './table.mjs'
import { random, zipfian } from './zipf.mjs'

test('medians and short numbers', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 2, 3]), 2.5)
  assert.deepEqual([1234567, 45678, 789.4].map(short), ['1.23 M', '45.7 k', '789'])
})

test('a table whose columns line up', () => {
  assert.equal(
    markdown([
      ['a', 'bb'],
      ['ccc', 'd'],
    ]),
    '| a   | bb |\n|-----|---:|\n| ccc |  d |',
  )
})

/** @type {import('../types.d.ts').Measure} */
const puts = { name: 'put', unit: 'puts/s', target: { times: 4 } }
/** @type {import('../types.d.ts').Measure} */
const delay = { name: 'delay', unit: 'ms', less: true, target: { atMost: 5 } }

test('the ratio is to the best rival, also where less is better', () => {
  const more = row(puts, 'kill', { own: [90, 110], a: [10, 20, 30], b: [40, 50], c: [] }, 'own')
  assert.deepEqual([more.medians.own, more.score, more.met], [100, 100 / 45, false])
  assert.equal(more.scores.a, 20 / 45)
  const less = row(delay, 'kill', { own: [4], a: [8], b: [2] }, 'own')
  assert.deepEqual([less.score, less.met], [0.5, true])
})

test('without rivals, or without figures, there is no ratio', () => {
  /** @type {Record<string, number[]>[]} */
  const cases = [{ own: [1] }, { own: [], a: [1] }]
  for (const runs of cases) {
    const { score, met } = row(puts, 'kill', runs, 'own')
    assert.deepEqual([score, met], [undefined, undefined])
  }
})

test('the table and the chart show what has no figures as such', () => {
  const rows = [
    row(puts, 'kill', { own: [], a: [5] }, 'own'),
    row(delay, 'kill', { own: [4], a: [8] }, 'own'),
  ]
  const [, , first, second] = resultTable(rows, ['own', 'a']).split('\n')
  assert.match(first ?? '', /put .* – +\| 5\.00 +\| +– +\| +4 × \|/)
  assert.match(second ?? '', /2\.00 \| ≤ 5 ms ✓ \|/)
  const svg = chart(rows, ['own', 'a'], { title: 'a <machine>', subtitle: '' })
  assert.match(svg, /a &lt;machine&gt;/)
  assert.equal(svg.match(/<circle[^>]*><title>a<\/title>/g)?.length, 2)
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/)
})

test('keys differ, missing keys are missing, values are their own', () => {
  for (const values of /** @type {const} */ (['buffer', 'string'])) {
    for (const bytes of [64, 100, 16384]) {
      const { keys, missing, valueFor, check } = makeData(1000, values, bytes)
      assert.equal(new Set([...keys, ...missing]).size, 2000)
      const [one = '', two = ''] = keys
      assert.equal(Buffer.byteLength(valueFor(one)), bytes)
      for (const key of keys) check(key, valueFor(key))
      check(one, valueFor(one, 0x1234f), 0x1234f)
      assert.throws(() => check(one, undefined), /wrong value/)
      assert.throws(() => check(one, valueFor(one).slice(1)), /wrong value/)
      assert.throws(() => check(one, valueFor(one, 2), 1), /wrong value/)
      assert.throws(() => {
        for (let i = 0; i < 1000; i++) check(one, valueFor(two))
      }, /wrong value/)
    }
  }
})

test('zipfian numbers come up as often as they should', () => {
  const count = 1000
  const draws = 200_000
  const rank = zipfian(count, random(1))
  const seen = new Uint32Array(count)
  for (let i = 0; i < draws; i++) {
    const at = rank()
    seen[at] = (seen[at] ?? 0) + 1
  }
  let zeta = 0
  for (let i = 1; i <= count; i++) zeta += i ** -0.99
  for (const i of [0, 1]) {
    const expected = draws / zeta / (i + 1) ** 0.99
    assert.ok(Math.abs((seen[i] ?? 0) / expected - 1) < 0.05, `rank ${i}: ${seen[i]} instead of ${expected}`)
  }
  assert.ok(seen.reduce((sum, times) => sum + Number(times > 0), 0) > count * 0.9)
})

test('the command line is checked', () => {
  assert.equal(readOptions(['--help']), undefined)
  assert.deepEqual([readOptions([])?.count, readOptions(['--quick'])?.rounds], [1_000_000, 1])
  assert.ok((readOptions(['--value-bytes', '16384'])?.count ?? 0) * 16400 <= 2 ** 30)
  assert.equal(readOptions(['--count', '7', '--value-bytes', '16384'])?.count, 7)
  assert.throws(() => readOptions(['--rounds', 'x']), /--rounds must be a number above 0, not x/)
  assert.throws(() => readOptions(['--value-bytes', '101']), /--value-bytes must be an even number/)
  assert.throws(() => readOptions(['--value-bytes', '10']), /--value-bytes must be an even number/)
})

test('no two workloads and no two rows have the same name', async () => {
  const workloads = await loadWorkloads()
  for (const names of [workloads, workloads.flatMap(({ measures }) => measures)].map(list =>
    list.map(({ name }) => name),
  )) {
    assert.equal(new Set(names).size, names.length)
  }
})

test('a rival that cannot be loaded is left out with a line, MossKV is not', async () => {
  const from = /** @param {string} name */ name => new Error(`cannot load ${name}\nand a stack`)
  const load = async (/** @type {string} */ name) => {
    if (name === 'lmdb') throw from(name)
    return /** @type {import('../types.d.ts').StoreModule} */ ({ name })
  }
  const { stores, leftOut } = await loadStores(load)
  assert.equal(stores[0]?.name, 'mosskv')
  assert.ok(!stores.some(({ name }) => name === 'lmdb'))
  assert.deepEqual(leftOut, ['lmdb is left out, it cannot be loaded here: cannot load lmdb'])
  await assert.rejects(
    loadStores(async name => Promise.reject(from(name))),
    /cannot load/,
  )
})
