import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { program } from '../lib/cli.js'
import { place } from '../lib/temporary.js'

async function filled(): Promise<string> {
  const db = place()
  const engine = await Engine.open(db)
  for (let i = 0; i < 10_000; i++) engine.put(`key ${String(i).padStart(5, '0')}`, 'x'.repeat(500))
  await engine.close()
  return db
}

async function ended(child: ReturnType<typeof spawn>): Promise<[status: number | null, stderr: string]> {
  let stderr = ''
  child.stderr?.on('data', data => {
    stderr += data
  })
  const [status] = await once(child, 'close')
  return [status, stderr]
}

describe('pipes', () => {
  test('a reader that goes away ends the command quietly', async () => {
    const db = await filled()
    for (const command of ['scan', 'dump']) {
      const child = spawn(process.execPath, [program, command, db], { stdio: ['ignore', 'pipe', 'pipe'] })
      child.stdout.once('data', () => child.stdout.destroy())
      expect(await ended(child)).toEqual([0, ''])
    }
  })

  test('an output that is full is an error', async () => {
    const db = await filled()
    const child = spawn('sh', ['-c', '"$0" "$1" scan "$2" > /dev/full', process.execPath, program, db])
    const [status, stderr] = await ended(child)
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^mosskv scan: cannot write the output: ENOSPC.*\n$/),
    ])
  })

  test('dump goes into load, both silent', async () => {
    const [db, copy] = [await filled(), place()]
    const line = '"$0" "$1" dump "$2" | "$0" "$1" load "$3"'
    expect(await ended(spawn('sh', ['-c', line, process.execPath, program, db, copy]))).toEqual([0, ''])
    const engine = await Engine.open(copy)
    expect((await engine.keys().all()).length).toBe(10_000)
    await engine.close()
  })
})
