import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fresh } from './lib/temporary.js'

const BATCH = 3

/** The scheduling policy and the niceness of each thread, by its name; see `proc_pid_stat(5)`. */
function threads(): Map<string, { policy: number; nice: number }> {
  const found = new Map<string, { policy: number; nice: number }>()
  for (const id of readdirSync('/proc/self/task')) {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    // From the third field on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    found.set(name, { policy: Number(fields[41 - 3]), nice: Number(fields[19 - 3]) })
  }
  return found
}

test.runIf(process.platform === 'linux')('long background work gives way to the event loop', async () => {
  const e = await fresh()
  await e.put('k', 'v')
  await e.flush()
  const own = threads()
  const main = own.get('moss-sync')!
  for (const name of ['moss-commit', 'moss-flush', 'moss-compact', 'moss-remove', 'moss-load']) {
    expect(own.get(name), name).toEqual({ policy: BATCH, nice: Math.min(main.nice + 10, 19) })
  }
  expect(main.policy).not.toBe(BATCH)
})
