// Runs the published suite of abstract-level in a process of its own; shows what fails, and fails if anything does or
// if fewer tests ran than the suite is known to have.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Abstract-level 3.1.1 has 1,509 tests. */
const FEWEST = 1500

const child = spawn(process.execPath, [fileURLToPath(new URL('suite.mjs', import.meta.url))], {
  stdio: ['ignore', 'pipe', 'inherit'],
})

let test = ''
let tests = 0
let passed = 0
let failed = 0
let planned = 0
let showing = false
createInterface({ input: child.stdout }).on('line', line => {
  if (line.startsWith('# ')) {
    test = line.slice(2)
    if (planned === 0) tests++
  }
  if (/^(ok|not ok|# |1\.\.)/.test(line)) showing = false
  if (line.startsWith('ok ')) passed++
  if (line.startsWith('1..')) planned = Number(line.slice(3))
  if (line.startsWith('not ok ')) {
    failed++
    showing = true
    console.log(`in the test: ${test}`)
  }
  if (showing) console.log(line)
})

child.on('close', (code, signal) => {
  console.log(
    `abstract-level suite: ${tests} tests, ${passed} of ${planned} assertions passed, ${failed} failed`,
  )
  if (code === 0 && failed === 0 && passed === planned && tests >= FEWEST) return
  console.error(`the suite must pass whole, with ${FEWEST} tests or more (${signal ?? `exit code ${code}`})`)
  process.exitCode = 1
})
