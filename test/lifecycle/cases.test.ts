import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import type { Case } from './types.js'

const here = fileURLToPath(new URL('.', import.meta.url))

/** A case that takes longer hangs. */
const HANGS = 300_000

interface Ended {
  status: number | null
  signal: NodeJS.Signals | null
  reached: boolean
  stderr: string
  /** What was acknowledged, by database. */
  acknowledged: Map<string, Map<string, string>>
}

function run(program: string, { name, flags = [] }: Case, directory: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const arguments_ = [...flags, '--no-warnings', join(here, 'run.mjs'), program, name, directory]
    const child: ChildProcess = spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'pipe'] })
    const hangs = setTimeout(() => child.kill('SIGKILL'), HANGS)
    let [stdout, stderr] = ['', '']
    child.stdout!.on('data', data => {
      stdout += data
    })
    child.stderr!.on('data', data => {
      stderr += data
    })
    child.on('error', reject)
    child.on('close', (status, signal) => {
      clearTimeout(hangs)
      const acknowledged = new Map<string, Map<string, string>>()
      let reached = false
      for (const line of stdout.split('\n').slice(0, -1)) {
        if (line === 'reached') {
          reached = true
          continue
        }
        const [database, key, value] = JSON.parse(line)
        if (!acknowledged.has(database)) acknowledged.set(database, new Map())
        acknowledged.get(database)!.set(key, value)
      }
      resolve({ status, signal, reached, stderr, acknowledged })
    })
  })
}

/** Reopens what the case left behind: it is whole, and every acknowledged write is there. */
async function look(directory: string, acknowledged: Ended['acknowledged']): Promise<void> {
  const check = async ([database, entries]: [string, Map<string, string>]) => {
    const path = join(directory, database)
    expect((await Engine.verify(path)).problems).toEqual([])
    const e = await Engine.open(path, { createIfMissing: false })
    try {
      const keys = [...entries.keys()]
      const found = await e.getMany(keys)
      const lost = keys.filter((key, i) => found[i] !== entries.get(key))
      expect(lost, 'acknowledged and lost').toEqual([])
    } finally {
      await e.close()
    }
  }
  await Promise.all([...acknowledged].map(check))
}

/** Those that take long come first, so that the others fill the gaps. */
const programs = ['size', 'workers', 'elsewhere', 'collection', 'exit', 'listeners', 'closing', 'arguments']
const cases: [program: string, one: Case][] = []
for (const program of programs) {
  const found: Case[] = (await import(`./programs/${program}.mjs`)).cases
  for (const one of found) cases.push([program, one])
}

describe.concurrent('a process of its own', () => {
  for (const [program, one] of cases) {
    test(`${program}: ${one.name}`, { timeout: 2 * HANGS }, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'moss-life-'))
      try {
        const { stderr, reached, acknowledged, ...ended } = await run(program, one, directory)
        const came = { ...ended, stderr: one.stderr?.test(stderr) ? '' : stderr, reached }
        const wanted = { status: one.signal ? null : (one.status ?? 0), signal: one.signal ?? null }
        expect(came, stderr).toEqual({ ...wanted, stderr: '', reached: true })
        const count = [...acknowledged.values()].reduce((sum, { size }) => sum + size, 0)
        expect(count).toBeGreaterThanOrEqual(one.acknowledged ?? 0)
        await look(directory, acknowledged)
      } finally {
        rmSync(directory, { recursive: true, force: true })
      }
    })
  }
})

test('every program is run, and the README lists every case', () => {
  expect(readdirSync(join(here, 'programs')).sort()).toEqual(programs.map(name => `${name}.mjs`).sort())
  const text = readFileSync(join(here, 'README.md'), 'utf8')
  const listed = [...text.matchAll(/^\| \d+ +\| `(\w+)` +\| (.*?) +\|$/gm)].map(
    ([, program, name]) => `${program}: ${name}`,
  )
  expect(listed).toEqual(cases.map(([program, { name }]) => `${program}: ${name}`))
})
