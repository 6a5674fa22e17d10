import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, JSON_OPTION } from './command.js'
import { bytes, columns, count, duration, plural } from './format.js'

/** The files of a directory and their bytes. One that goes away meanwhile does not count. */
export function onDisk(location: string): { files: number; bytes: number } {
  const found = { files: 0, bytes: 0 }
  for (const name of readdirSync(location)) {
    const stat = statSync(join(location, name), { throwIfNoEntry: false })
    if (!stat?.isFile()) continue
    found.files++
    found.bytes += stat.size
  }
  return found
}

/** `mosskv stats` */
export const stats: Command = {
  name: 'stats',
  summary: 'sizes, levels and counters',
  takes: [],
  options: JSON_OPTION,
  details: `Records are what the tables hold: older versions and deletions are among them until a compaction drops them, so
\`count\` may say less. Counters begin when the database is opened, so they are shown at the prompt of \`open\` once
something was written there. --json has all of them.`,
  examples: [
    ['mosskv stats ./data', ''],
    ['mosskv stats ./data --json | jq .disk.bytes', ''],
  ],
  async run({ flags, database, out }) {
    const engine = await database.reader()
    const found = engine.stats()
    const disk = onDisk(engine.location)
    if (flags.on('json')) {
      out.line(JSON.stringify({ location: engine.location, disk, ...found }))
      return undefined
    }
    const levels = found.levels
      .map((level, number) => ({ number, ...level }))
      .filter(level => level.tables > 0)
    const records = levels.reduce((sum, level) => sum + level.entries, 0)
    const memtables = found.immutableMemtables + (found.memtableEntries > 0 ? 1 : 0)
    const rows = [
      ['database', engine.location],
      ['on disk', `${bytes(disk.bytes)} in ${plural(disk.files, 'file')}`],
      ['in tables', plural(records, 'record')],
      ['in the log', memtables === 0 ? 'nothing' : `${plural(memtables, 'memtable')} not yet in tables`],
      ['sequence', `${count(found.lastSeqno)} (one number a write)`],
    ]
    if (database.writing) {
      rows.push(
        ['written', `${bytes(found.bytesWrittenByUser)} in ${plural(found.groups, 'group')}`],
        ['flushes', `${count(found.flushes)}, ${bytes(found.bytesFlushed)}`],
        ['compactions', `${count(found.compactions)}, ${bytes(found.bytesCompacted)}`],
        ['stalls', `${count(found.stalls)}, ${duration(found.stallMicros / 1000)}`],
        ['amplification', found.writeAmplification.toFixed(2)],
      )
    }
    for (const line of columns(rows)) out.line(line)
    if (levels.length === 0) return undefined
    out.line('')
    const table = levels.map(level => [
      `L${level.number}`,
      count(level.tables),
      count(level.runs),
      bytes(level.bytes),
      count(level.entries),
    ])
    for (const line of columns([['level', 'tables', 'runs', 'bytes', 'records'], ...table], [1, 2, 3, 4]))
      out.line(line)
    return undefined
  },
}
