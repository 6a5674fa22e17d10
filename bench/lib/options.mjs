/**
 * The command line of the benchmark.
 */
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { KEY_BYTES, LEAST_VALUE_BYTES } from './data.mjs'

export const usage = `npm run bench -- [options]

  --quick            a first impression, in less than four minutes
  --smoke            proves that everything runs, measures nothing worth reading
  --count N          entries (1,000,000; fewer if they would have more than 1 GiB)
  --value-bytes N    bytes a value (100); an even number
  --rounds N         rounds (3)
  --seconds N        for each workload that is not over sooner (4)
  --stores a,b       only these; \`mosskv\` is always the one that is compared
  --only TEXT        only workloads with TEXT in their names
  --dir PATH         where the stores lie (${tmpdir()})
  --out FILE         where the JSON goes; the chart goes beside it (bench/results/)`

const SIZES = {
  smoke: { count: 5_000, rounds: 1, seconds: 0.1, bytes: 16 * 2 ** 20 },
  quick: { count: 50_000, rounds: 1, seconds: 0.3, bytes: 128 * 2 ** 20 },
  full: { count: 1_000_000, rounds: 3, seconds: 4, bytes: 2 ** 30 },
}

/**
 * @typedef {object} Options
 * @property {number} count entries
 * @property {number} valueBytes
 * @property {number} rounds
 * @property {number} seconds
 * @property {string[] | undefined} stores
 * @property {string} only
 * @property {string} dir
 * @property {string | undefined} out
 */

/**
 * Throws an error whose message says what is wrong.
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} fallback
 */
function positive(name, text, fallback) {
  const number = text === undefined ? fallback : Number(text)
  if (number > 0) return number
  throw new Error(`--${name} must be a number above 0, not ${text}`)
}

/**
 * Throws an error whose message says what is wrong. `undefined` when only help is asked for.
 * @param {string[]} args
 * @returns {Options | undefined}
 */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      count: { type: 'string' },
      'value-bytes': { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      stores: { type: 'string' },
      only: { type: 'string', default: '' },
      dir: { type: 'string', default: tmpdir() },
      out: { type: 'string' },
    },
  })
  if (values.help) return undefined
  const size = SIZES[values.smoke ? 'smoke' : values.quick ? 'quick' : 'full']
  const valueBytes = positive('value-bytes', values['value-bytes'], 100)
  if (valueBytes < LEAST_VALUE_BYTES || valueBytes % 2 !== 0) {
    throw new Error(`--value-bytes must be an even number from ${LEAST_VALUE_BYTES} on, not ${valueBytes}`)
  }
  const affordable = Math.floor(size.bytes / (valueBytes + KEY_BYTES))
  return {
    count: Math.ceil(positive('count', values.count, Math.min(size.count, affordable))),
    valueBytes,
    rounds: Math.ceil(positive('rounds', values.rounds, size.rounds)),
    seconds: positive('seconds', values.seconds, size.seconds),
    stores: values.stores?.split(','),
    only: values.only,
    dir: values.dir,
    out: values.out,
  }
}
