import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PairReader } from './counts.mjs'

/**
 * @param {string} text
 * @param {number} piece bytes a push
 */
function read(text, piece) {
  const bytes = Buffer.from(text)
  const reader = new PairReader()
  const pairs = []
  for (let at = 0; at < bytes.length; at += piece) pairs.push(...reader.push(bytes.subarray(at, at + piece)))
  reader.end()
  return pairs
}

const awkward = {
  react: 351327975,
  '@types/node': 0,
  '': 7,
  'a "quoted" name': 1,
  'ends with a backslash \\': 2,
  'two \\\\" and more': 3,
  'ünïcödé 🦋': 4,
  'comma, colon: brace}': 5,
  'line\nbreak': -6,
  __proto__x: 1.5e10,
}

test('reads what JSON.parse reads, wherever the input is cut', () => {
  for (const text of [JSON.stringify(awkward), JSON.stringify(awkward, null, '\r\n\t ')]) {
    const expected = Object.entries(awkward).map(([name, count]) => ({ name, count }))
    for (let piece = 1; piece <= Buffer.byteLength(text); piece++)
      assert.deepEqual(read(text, piece), expected)
  }
})

test('reads unicode escapes and an empty object', () => {
  assert.deepEqual(read('{"\\u0041\\ud83e\\udd8b\\/":1}', 3), [{ name: 'A🦋/', count: 1 }])
  assert.deepEqual(read(' { } ', 1), [])
})

test('refuses everything else and says where', () => {
  for (const [text, message] of /** @type {const} */ ([
    ['[1]', /other than \{ at byte 0/],
    ['{"a":1', /end of the input/],
    ['{"a":1,}', /other than a name in quotes at byte 7/],
    ['{,"a":1}', /other than a name in quotes at byte 1/],
    ['{"a":"b"}', /other than a number at byte 5/],
    ['{"a":01}', /other than a number at byte 5/],
    ['{"a":}', /other than a number at byte 5/],
    ['{"a" 1}', /other than : at byte 5/],
    ['{"a":1 "b":2}', /other than , or } at byte 7/],
    ['{"\\x":1}', /wrong escape in a name at byte 1/],
    ['{}{}', /after the object at byte 2/],
    ['', /end of the input/],
  ])) {
    for (const piece of [1, 100]) assert.throws(() => read(text, piece), message, text)
  }
})

test('does not collect a name without an end', () => {
  const reader = new PairReader()
  const filler = Buffer.alloc(600_000, 'x')
  reader.push(Buffer.from('{"'))
  reader.push(filler)
  assert.throws(() => reader.push(filler), /more than 1 MiB/)
})
