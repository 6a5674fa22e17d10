import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeData } from './data.mjs'
import { loadWorkloads } from './load.mjs'
import { markdown, median, short } from './table.mjs'

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

test('keys differ, missing keys are missing, values are their own', () => {
  for (const values of /** @type {const} */ (['buffer', 'string'])) {
    const { keys, missing, valueFor, check } = makeData(1000, values)
    assert.equal(new Set([...keys, ...missing]).size, 2000)
    for (const key of keys) check(key, valueFor(key))
    const [one = '', two = ''] = keys
    assert.throws(() => check(one, undefined), /wrong value/)
    assert.throws(() => check(one, valueFor(one).slice(1)), /wrong value/)
    assert.throws(() => {
      for (let i = 0; i < 1000; i++) check(one, valueFor(two))
    }, /wrong value/)
  }
})

test('no two workloads have the same name', async () => {
  const names = (await loadWorkloads()).map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
})
