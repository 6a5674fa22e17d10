/**
 * How the download counts lie in the database:
 *
 *     package/<name>              -> the count, in decimals
 *     rank/<count, 16 digits>/<name> -> nothing; the index by count, the smallest first
 *
 * Keys are ordered by their bytes, so a padded number is in the order of its value. Every change of a package writes
 * both keys in one batch: whatever happens, they never disagree.
 */

/** @typedef {{ type: 'put', key: string, value: string } | { type: 'del', key: string }} Operation */
/** @typedef {import('./counts.mjs').Pair} Pair */

export const PACKAGE = 'package/'
export const RANK = 'rank/'

const DIGITS = 16

/** @param {string} name */
export const packageKey = name => PACKAGE + name

/** @param {Pair} pair */
export function rankKey({ name, count }) {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`${name} has no usable count: ${count}`)
  return `${RANK}${String(count).padStart(DIGITS, '0')}/${name}`
}

/**
 * The pair an entry under `package/` holds.
 * @param {[key: string, value: string]} entry
 * @returns {Pair}
 */
export const pairOfPackage = ([key, value]) => ({ name: key.slice(PACKAGE.length), count: Number(value) })

/**
 * The pair an entry under `rank/` stands for.
 * @param {[key: string, value: string]} entry
 * @returns {Pair}
 */
export const pairOfRank = ([key]) => ({
  name: key.slice(RANK.length + DIGITS + 1),
  count: Number(key.slice(RANK.length, RANK.length + DIGITS)),
})

/**
 * The range of all keys that begin with `prefix`, whose last character must not be the very last there is.
 * @param {string} prefix
 */
export function startingWith(prefix) {
  const last = prefix.charCodeAt(prefix.length - 1)
  return { gte: prefix, lt: prefix.slice(0, -1) + String.fromCharCode(last + 1) }
}

/**
 * What adds a package that is not there yet.
 * @param {Pair} pair
 * @returns {Operation[]}
 */
export const insertion = pair => [
  { type: 'put', key: packageKey(pair.name), value: String(pair.count) },
  { type: 'put', key: rankKey(pair), value: '' },
]

/**
 * What changes the count of a package, and its place in the index.
 * @param {string} name
 * @param {number} before
 * @param {number} after
 * @returns {Operation[]}
 */
export const update = (name, before, after) => [
  { type: 'del', key: rankKey({ name, count: before }) },
  ...insertion({ name, count: after }),
]
