// The published suite of abstract-level (its `test` folder), on `mosskv/level`. Prints TAP; `run.mjs` reads it.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import suite from 'abstract-level/test/index.js'
import { MossLevel } from 'mosskv/level'
import test from 'tape'

// Thousands of databases are opened and closed: in memory, where there is a disk in memory, for the speed of it.
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const directory = mkdtempSync(join(base, 'moss-level-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

let made = 0

suite({
  test,
  factory: options => new MossLevel(join(directory, String(++made)), options),
})
