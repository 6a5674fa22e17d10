/**
 * The chart: one line a row of the table, and on it every store at its ratio to the best rival, on a logarithmic axis.
 * Right of 1 is better than every rival; where less is better the ratio is turned round.
 */

/** @typedef {import('./table.mjs').Row} Row */

const WIDTH = 1060
const LEFT = 350
const RIGHT = 90
const TOP = 118
const LINE = 26
const BOTTOM = 52
const LEAST = 0.001

/** The own store's colour, then the rivals'. */
const COLOURS = ['#15803d', '#1d4ed8', '#d97706', '#9333ea', '#dc2626', '#0e7490', '#78716c']

/** The own store's figures that some rival beats. */
const WORSE = '#b91c1c'

/** @param {string} text */
const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/**
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {string} [attributes]
 */
const label = (x, y, text, attributes = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped(text)}</text>`

/** The ratio a target stands for; none when it is a figure of its own. @param {Row} row */
function targetScore({ measure: { target } }) {
  return target !== undefined && 'times' in target ? target.times : undefined
}

/**
 * A logarithmic axis from a power of ten to a power of ten, around all ratios.
 * @param {number[]} ratios
 */
function axis(ratios) {
  const low = Math.floor(Math.log10(Math.max(LEAST, Math.min(0.1, ...ratios))))
  const high = Math.ceil(Math.log10(Math.max(10, ...ratios)))
  const wide = WIDTH - LEFT - RIGHT
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
    at: (/** @type {number} */ ratio) => {
      const log = Math.max(low, Math.log10(Math.max(ratio, LEAST)))
      return LEFT + ((log - low) / (high - low)) * wide
    },
  }
}

/**
 * @param {Row} row
 * @param {string[]} stores the own one first
 * @param {number} y
 * @param {(ratio: number) => number} at
 */
function line(row, stores, y, at) {
  const [own = ''] = stores
  const parts = [
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#e7e5e4"/>`,
    label(LEFT - 14, y + 4, row.measure.name, 'text-anchor="end"'),
  ]
  const target = targetScore(row)
  if (target !== undefined) {
    const x = at(target).toFixed(1)
    parts.push(`<line x1="${x}" x2="${x}" y1="${y - 9}" y2="${y + 9}" stroke="#1c1917" stroke-width="2"/>`)
  }
  const { score } = row
  if (score !== undefined) {
    const from = Math.min(at(1), at(score))
    const wide = Math.abs(at(score) - at(1))
    parts.push(
      `<rect x="${from.toFixed(1)}" y="${y - 5}" width="${wide.toFixed(1)}" height="10" fill="${score >= 1 ? COLOURS[0] : WORSE}" opacity="0.25"/>`,
    )
  }
  for (const [i, store] of stores.entries()) {
    const ratio = row.scores[store]
    if (ratio === undefined || store === own || !Number.isFinite(ratio)) continue
    parts.push(
      `<circle cx="${at(ratio).toFixed(1)}" cy="${y}" r="4.5" fill="${COLOURS[i % COLOURS.length]}" opacity="0.85"><title>${escaped(store)}</title></circle>`,
    )
  }
  if (score !== undefined) {
    const x = at(score)
    parts.push(
      `<path d="M${(x - 7).toFixed(1)},${y} l7,-7 l7,7 l-7,7 z" fill="${COLOURS[0]}" stroke="#fff"/>`,
      label(
        WIDTH - RIGHT + 14,
        y + 4,
        `${score.toFixed(2)} ×`,
        `font-weight="bold" fill="${score >= 1 ? COLOURS[0] : WORSE}"`,
      ),
    )
  }
  return parts.join('\n')
}

/** @param {string[]} stores */
function legend(stores) {
  let x = LEFT
  const parts = []
  for (const [i, store] of stores.entries()) {
    const colour = COLOURS[i % COLOURS.length]
    parts.push(
      i === 0
        ? `<path d="M${x - 7},82 l7,-7 l7,7 l-7,7 z" fill="${colour}"/>`
        : `<circle cx="${x}" cy="82" r="4.5" fill="${colour}"/>`,
      label(x + 11, 86, store),
    )
    x += 34 + store.length * 6.6
  }
  parts.push(
    `<line x1="${x}" x2="${x}" y1="73" y2="91" stroke="#1c1917" stroke-width="2"/>`,
    label(x + 8, 86, 'target'),
  )
  return parts.join('\n')
}

/**
 * An SVG document.
 * @param {Row[]} rows
 * @param {string[]} stores the own one first
 * @param {{ title: string, subtitle: string }} texts
 */
export function chart(rows, stores, { title, subtitle }) {
  const shown = rows.filter(row => Object.keys(row.medians).length > 0)
  const ratios = shown.flatMap(row => [...Object.values(row.scores), targetScore(row) ?? 1])
  const { ticks, at } = axis(ratios.filter(ratio => Number.isFinite(ratio)))
  const height = TOP + shown.length * LINE + BOTTOM
  const end = height - BOTTOM
  const grid = ticks.map(tick => {
    const x = at(tick).toFixed(1)
    const colour = tick === 1 ? '#57534e' : '#d6d3d1'
    return `<line x1="${x}" x2="${x}" y1="${TOP - 14}" y2="${end}" stroke="${colour}"/>\n${label(Number(x), end + 18, `${tick} ×`, 'text-anchor="middle"')}`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12" fill="#1c1917">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    label(
      24,
      30,
      'Each store beside the best rival of the row (1 ×); right is better',
      'font-size="17" font-weight="bold"',
    ),
    label(24, 50, `${title}; ${subtitle}`, 'fill="#57534e" font-size="11"'),
    legend(stores),
    ...grid,
    ...shown.map((row, i) => line(row, stores, TOP + i * LINE, at)),
    label(
      (LEFT + WIDTH - RIGHT) / 2,
      height - 12,
      'times the best rival, logarithmic',
      'text-anchor="middle" fill="#57534e"',
    ),
    '</svg>\n',
  ].join('\n')
}
