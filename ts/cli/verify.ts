import { type Command, JSON_OPTION } from './command.js'
import { mosskv } from './database.js'
import { bytes, plural } from './format.js'

/** `mosskv verify` */
export const verify: Command = {
  name: 'verify',
  summary: 'read and check every byte',
  takes: [],
  options: JSON_OPTION,
  details: `Checks all checksums and the order of all keys. Changes nothing. No program may have the database open. Lists what
is damaged, with the file and the offset, and then ends with exit code 1.`,
  examples: [['mosskv verify ./data && cp -r ./data ./copy', '']],
  async run({ flags, database, out, note }) {
    if (!database.exists()) throw database.missing()
    const { Engine } = await mosskv()
    note('reading everything…')
    const report = await Engine.verify(database.location)
    const { tables, tableBytes, blocks, logRecords } = report
    const problems = report.problems.map(({ code, message }) => ({ code, message }))
    if (flags.on('json')) out.line(JSON.stringify({ ok: problems.length === 0, ...report, problems }))
    else {
      for (const { code, message } of problems) out.line(`${code}: ${message}`)
      const read = [
        `${plural(tables, 'table')} (${bytes(tableBytes)}, ${plural(blocks, 'block')})`,
        plural(logRecords, 'log record'),
      ].join(' and ')
      const verdict = problems.length === 0 ? 'ok' : plural(problems.length, 'problem')
      out.line(`${verdict}: ${read} read`)
    }
    return problems.length === 0 ? undefined : 1
  },
}
