/**
 * Medians, ratios, and how they are shown.
 */

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
 * @typedef {object} Row
 * @property {import('../types.d.ts').Workload} workload
 * @property {Record<string, number[]>} rates by store; nothing where it failed
 */

/**
 * @param {Row[]} rows
 * @param {string[]} stores the first is compared with the best of the others
 */
export function resultTable(rows, [own = '', ...rivals]) {
  const lines = rows.map(({ workload, rates }) => {
    const medians = [own, ...rivals].map(store => (rates[store]?.length ? median(rates[store]) : undefined))
    const [mine, ...theirs] = medians
    const best = Math.max(...theirs.filter(rate => rate !== undefined))
    const ratio = mine !== undefined && best > 0 ? (mine / best).toFixed(2) : '–'
    const survives = workload.durability === 'disk' ? 'power loss' : 'kill'
    return [
      workload.name,
      workload.unit,
      survives,
      ...medians.map(rate => (rate === undefined ? '–' : short(rate))),
      ratio,
    ]
  })
  return markdown([['workload', 'unit', 'survives', own, ...rivals, `${own} ÷ best rival`], ...lines])
}
