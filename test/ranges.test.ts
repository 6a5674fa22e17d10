import { describe, expect, test } from 'vitest'
import { failure, fresh } from './lib/temporary.js'

describe('ranges', () => {
  test('every combination of bounds, direction and limit agrees with an array', async () => {
    const e = await fresh()
    const keys = ['', 'a', 'aa', 'ab', 'b', 'ba', 'c', 'é', '中', '😀'].sort((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    )
    await e.batch(keys.map(key => ({ type: 'put', key, value: key })))
    const less = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0
    const points = ['', 'a', 'aaa', 'b', 'zz', '😀']
    for (const low of [undefined, 'gt', 'gte'] as const) {
      for (const high of [undefined, 'lt', 'lte'] as const) {
        for (const from of low ? points : ['']) {
          for (const to of high ? points : ['']) {
            for (const reverse of [false, true]) {
              for (const limit of [undefined, 0, 1, 3, Number.POSITIVE_INFINITY]) {
                const range = {
                  ...(low ? { [low]: from } : {}),
                  ...(high ? { [high]: to } : {}),
                  ...(limit === undefined ? {} : { limit }),
                  reverse,
                }
                const inside = keys.filter(
                  key =>
                    (low !== 'gt' || less(from, key)) &&
                    (low !== 'gte' || !less(key, from)) &&
                    (high !== 'lt' || less(key, to)) &&
                    (high !== 'lte' || !less(to, key)),
                )
                if (reverse) inside.reverse()
                expect(
                  [...e.entriesSync(range)].map(([key]) => key),
                  JSON.stringify(range),
                ).toEqual(inside.slice(0, limit ?? Number.POSITIVE_INFINITY))
              }
            }
          }
        }
      }
    }
  })

  test('order is the order of UTF-8 bytes, not of UTF-16 units', async () => {
    const e = await fresh()
    // U+FFFD is greater than the first UTF-16 unit of the emoji, and less than it in UTF-8.
    await e.batch(['\ufffd', '😀', 'z'].map(key => ({ type: 'put', key, value: '' })))
    expect(await e.keys().all()).toEqual(['z', '\ufffd', '😀'])
  })

  test('wrong ranges are refused', async () => {
    const e = await fresh()
    const wrong: [object, string][] = [
      [{ gt: 'a', gte: 'b' }, 'gte'],
      [{ lt: 'a', lte: 'b' }, 'lte'],
      [{ limit: -1 }, 'limit'],
      [{ limit: 1.5 }, 'limit'],
      [{ limit: Number.NaN }, 'limit'],
      [{ limit: '3' }, 'limit'],
      [{ reverse: 1 }, 'reverse'],
      [{ gte: 5 }, 'gte'],
      [{ lt: null }, 'lt'],
      [{ start: 'a' }, 'start'],
      [{ snapshot: {} }, 'snapshot'],
    ]
    for (const [range, name] of wrong) {
      const error = await failure(() => e.iterator(range as never))
      expect(error.code, JSON.stringify(range)).toBe('INVALID_ARGUMENT')
      expect(error.message).toContain(name)
    }
    expect(await failure(() => e.clear({ reverse: true } as never))).toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })
})
