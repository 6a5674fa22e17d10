import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { unlessDone } from './stamp.mjs'
import { root } from './steps.mjs'

test('a step runs again when an input, a word or an output has changed, and only then', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'mosskv-stamp-'))
  t.after(() => rmSync(folder, { recursive: true }))
  /** @param {string} name */
  const path = name => relative(root, join(folder, name))
  const step = async () => writeFileSync(join(folder, 'out'), 'made')
  /** @param {string[]} words */
  const ran = (...words) =>
    unlessDone({ stamp: path('stamp.json'), inputs: [path('in')], words, outputs: [path('out')] }, step)

  writeFileSync(join(folder, 'in'), 'one')
  assert.equal(await ran(), true, 'the first time')
  assert.equal(await ran(), false, 'nothing has changed')
  utimesSync(join(folder, 'in'), 1, 1)
  assert.equal(await ran(), false, 'only the time of an input has changed')
  writeFileSync(join(folder, 'in'), 'two')
  assert.equal(await ran(), true, 'an input has changed')
  assert.equal(await ran('-C opt-level=1'), true, 'a word has changed')
  writeFileSync(join(folder, 'out'), 'tampered with')
  assert.equal(await ran('-C opt-level=1'), true, 'an output has changed')
  rmSync(join(folder, 'out'))
  assert.equal(await ran('-C opt-level=1'), true, 'an output is gone')
})

test('a step that fails leaves no stamp', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'mosskv-stamp-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'in'), 'one')
  const what = {
    stamp: relative(root, join(folder, 'stamp.json')),
    inputs: [relative(root, join(folder, 'in'))],
    outputs: [relative(root, join(folder, 'in'))],
  }
  const broken = () => unlessDone(what, () => Promise.reject(new Error('broken')))
  await assert.rejects(broken, /broken/)
  assert.equal(await unlessDone(what, async () => {}), true)
  assert.equal(await unlessDone(what, async () => {}), false)
})
