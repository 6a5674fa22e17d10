import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Expected, Totals } from './expected.mjs'
import { packageKey, pairOfPackage, pairOfRank, rankKey, startingWith, update } from './keys.mjs'
import { Random } from './random.mjs'

const pair = { name: '@types/node', count: 1234 }

test('keys give back what was put into them', () => {
  assert.deepEqual(pairOfPackage([packageKey(pair.name), '1234']), pair)
  assert.deepEqual(pairOfRank([rankKey(pair), '']), pair)
})

test('rank keys are in the order of the counts', () => {
  const counts = [0, 9, 10, 99, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]
  const keys = counts.map(count => rankKey({ name: 'a', count }))
  assert.deepEqual(keys.toSorted(), keys)
  for (const count of [-1, 0.5, Number.NaN, 2 ** 53])
    assert.throws(() => rankKey({ name: 'a', count }), /usable count/)
})

test('a prefix range ends where the prefix ends', () => {
  assert.deepEqual(startingWith('package/@types/'), { gte: 'package/@types/', lt: 'package/@types0' })
})

test('an update keeps the index entry when the count stays the same', () => {
  const entries = new Map([[rankKey(pair), '']])
  for (const operation of update(pair.name, pair.count, pair.count)) {
    if (operation.type === 'del') entries.delete(operation.key)
    else entries.set(operation.key, operation.value)
  }
  assert.deepEqual([...entries.keys()].toSorted(), [packageKey(pair.name), rankKey(pair)])
})

test('totals depend on every name and count, not on their order', () => {
  /** @param {[string, number][]} pairs */
  const totals = (...pairs) => {
    const totals = new Totals()
    for (const [name, count] of pairs) totals.add({ name, count })
    return totals
  }
  const same = `${totals(['a', 1], ['b', 2])}`
  assert.equal(`${totals(['b', 2], ['a', 1])}`, same)
  assert.notEqual(`${totals(['a', 2], ['b', 1])}`, same)
  assert.notEqual(`${totals(['a', 1], ['c', 2])}`, same)
  const three = totals(['a', 1], ['c', 2 ** 33], ['b', 2])
  three.remove({ name: 'c', count: 2 ** 33 })
  assert.equal(`${three}`, same)
})

test('the expected top is the top of a plain sort, the larger name first among equals', () => {
  const random = new Random(1)
  const expected = new Expected({ top: 20, sample: 50, random })
  const pairs = Array.from({ length: 5000 }, (_, i) => ({ name: `p${i}`, count: random.below(300) }))
  for (const each of pairs) expected.add(each)
  const sorted = pairs.toSorted((a, b) => b.count - a.count || (a.name < b.name ? 1 : -1))
  assert.deepEqual(expected.top(), sorted.slice(0, 20))
  assert.equal(new Set(expected.sample.map(({ name }) => name)).size, 50)
})
