/**
 * Medians, ratios, and how they are shown.
 */

/** @typedef {import('../types.d.ts').Measure} Measure */

/** @param {number[]} numbers at least one */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
  const high = sorted[Math.ceil((sorted.length - 1) / 2)] ?? Number.NaN
  return (low + high) / 2
}

/**
 * Three significant digits: 1.23 M, 45.6 k, 789.
 * @param {number} number
 */
export function short(number) {
  if (number >= 1e6) return `${(number / 1e6).toPrecision(3)} M`
  if (number >= 1e3) return `${(number / 1e3).toPrecision(3)} k`
  return number.toPrecision(3)
}

/**
 * A Markdown table whose columns also line up as plain text.
 * @param {string[][]} rows the first is the head
 */
export function markdown(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const lines = rows.map(
    row =>
      `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`,
  )
  const rule = `|${widths.map((width, i) => (i === 0 ? `${'-'.repeat(width + 2)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [lines[0], rule, ...lines.slice(1)].join('\n')
}

/**
 * One row of the table, with what follows from its figures.
 * @typedef {object} Row
 * @property {Measure} measure
 * @property {string} survives what an acknowledged write survives
 * @property {Record<string, number[]>} runs by store; nothing where it has no figures
 * @property {Record<string, number>} medians by store
 * @property {Record<string, number>} scores by store: how many times as good as the best rival
 * @property {number | undefined} score the own store's
 * @property {boolean | undefined} met whether the own store's target is met
 */

/**
 * @param {Measure} measure
 * @param {string} survives
 * @param {Record<string, number[]>} runs by store
 * @param {string} own the store that is compared with the others
 * @returns {Row}
 */
export function row(measure, survives, runs, own) {
  const medians = Object.fromEntries(
    Object.entries(runs).flatMap(([store, list]) => (list.length > 0 ? [[store, median(list)]] : [])),
  )
  const rivals = Object.keys(medians).filter(store => store !== own)
  const best = Math[measure.less ? 'min' : 'max'](...rivals.map(store => medians[store] ?? Number.NaN))
  const scores = Object.fromEntries(
    Object.entries(medians).map(([store, figure]) => [store, measure.less ? best / figure : figure / best]),
  )
  const mine = medians[own]
  const score = rivals.length > 0 ? scores[own] : undefined
  return { measure, survives, runs, medians, scores, score, met: reached(measure, mine, score) }
}

/**
 * @param {Measure} measure
 * @param {number | undefined} figure
 * @param {number | undefined} score
 */
function reached({ target, less }, figure, score) {
  if (target === undefined || figure === undefined) return undefined
  if ('times' in target) return score === undefined ? undefined : score >= target.times
  return less ? figure <= target.atMost : figure >= target.atMost
}

/** @param {Row} row */
function targetText({ measure: { target, unit }, met }) {
  if (target === undefined) return ''
  const text = 'times' in target ? `${target.times} ×` : `≤ ${target.atMost} ${unit}`
  return met === undefined ? text : `${text} ${met ? '✓' : '✗'}`
}

/**
 * @param {Row[]} rows
 * @param {string[]} stores the first is the one that is compared with the others
 */
export function resultTable(rows, [own = '', ...rivals]) {
  const lines = rows.map(row => [
    row.measure.name,
    row.measure.unit,
    row.survives,
    ...[own, ...rivals].map(store => (row.medians[store] === undefined ? '–' : short(row.medians[store]))),
    row.score === undefined ? '–' : row.score.toFixed(2),
    targetText(row),
  ])
  return markdown([['workload', 'unit', 'survives', own, ...rivals, '× best rival', 'target'], ...lines])
}
