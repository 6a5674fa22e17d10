/**
 * A small drawing of the tree: one line a level, as long as the level is large.
 */
import { megabytes, thousands } from './report.mjs'

const WIDTH = 32

/**
 * @param {import('mosskv').Stats} stats
 * @param {(line: string) => void} line
 */
export function drawTree(stats, line) {
  const levels = stats.levels
    .map((level, number) => ({ number, ...level }))
    .filter(({ tables }) => tables > 0)
  const largest = Math.max(1, ...levels.map(({ bytes }) => Number(bytes)))
  line(`memtable  ${megabytes(Number(stats.memtableBytes))}`)
  for (const { number, tables, bytes, entries } of levels) {
    const bar = '▇'.repeat(Math.max(1, Math.round((Number(bytes) / largest) * WIDTH)))
    const what = `${tables} ${tables === 1 ? 'table' : 'tables'}, ${megabytes(Number(bytes))}, ${thousands(Number(entries))} entries`
    line(`L${number}  ${bar}`)
    line(`    ${what}`)
  }
  const asked = Number(stats.cacheHits) + Number(stats.cacheMisses)
  const hits = asked === 0 ? 'not asked' : `${((Number(stats.cacheHits) / asked) * 100).toFixed(1)} % hits`
  line(`write amplification ${stats.writeAmplification.toFixed(2)}; block cache ${hits}`)
}
