import type { Stats } from '../index.js'
import type { Command } from './command.js'
import { bytes, columns, plural } from './format.js'

const WIDEST = 40
const NARROWEST = 10
/** Columns for the words beside the drawing. */
const WORDS = 46

/** The levels as a tree: the newest on top, the breadth as the square root of the bytes. */
export function draw(stats: Stats, width: number): string[] {
  const widest = Math.max(NARROWEST, Math.min(WIDEST, width - WORDS))
  const levels = stats.levels.map((level, number) => ({ number, ...level })).filter(level => level.tables > 0)
  const largest = Math.max(1, ...levels.map(level => level.bytes))
  const bar = (size: number, character: string) => {
    const length = Math.max(1, Math.round(Math.sqrt(size / largest) * widest))
    return character
      .repeat(length)
      .padStart(Math.floor((widest + length) / 2))
      .padEnd(widest)
  }
  const memtables = stats.immutableMemtables + (stats.memtableEntries > 0 ? 1 : 0)
  const rows = levels.map(level => [
    `L${level.number}`,
    bar(level.bytes, '█'),
    bytes(level.bytes),
    plural(level.tables, 'table'),
    plural(level.entries, 'record'),
  ])
  if (memtables > 0) {
    const size = Math.min(stats.memtableBytes, largest)
    rows.unshift(['memory', bar(size, '░'), bytes(stats.memtableBytes), plural(memtables, 'memtable'), ''])
  }
  if (rows.length === 0) return ['(empty)']
  const runs = levels.reduce((sum, level) => sum + level.runs, memtables)
  const lines = columns(rows, [0, 2, 3, 4])
  return [...lines, '', `A read looks into at most ${plural(runs, 'sorted run')}, from top to bottom.`]
}

/** `mosskv tree` */
export const tree: Command = {
  name: 'tree',
  summary: 'draw the levels of the tree',
  takes: [],
  options: {},
  details: `Writes go into memory, then into tables of L0, and from there compaction carries them down, level by level.
The breadth of a level is the square root of its bytes. For programs: \`stats --json\`.`,
  examples: [['mosskv tree ./data', '']],
  async run({ database, out }) {
    const engine = await database.reader()
    for (const line of draw(engine.stats(), out.width)) out.line(line)
    return undefined
  },
}
