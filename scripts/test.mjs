/**
 * `npm test`: installs and builds what is missing, then runs every test, and says at the end which part failed.
 * `npm test -- rust docs` runs only the parts named.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { prepare } from './lib/prepare.mjs'
import { Failure, firstLine, npm, root, run, say, script, since } from './lib/steps.mjs'

/** cargo-nextest where it is installed (faster, one process a test), else cargo's own runner. */
function rustTests() {
  if (firstLine('cargo', ['nextest', '--version']) === undefined) {
    return run('cargo', ['test', '--workspace', '--lib', '--bins', '--tests'])
  }
  return run('cargo', ['nextest', 'run', '--workspace', '--no-tests=pass'])
}

/**
 * The tests of the plain programs: they run on Node's own runner.
 * @param {string} folder
 * @returns {string[]}
 */
function testFiles(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testFiles(path)
    return entry.name.endsWith('.test.mjs') ? [path] : []
  })
}

/** @type {Record<string, () => Promise<void>>} */
const parts = {
  job: () => run(process.execPath, ['examples/downloads/main.mjs', '--pairs', '100000']),
  rust: rustTests,
  docs: () => run('cargo', ['test', '--workspace', '--doc']),
  integration: () =>
    run('cargo', ['test', '-v', '--test', 'integration_test', '--', '--show-output', '--test-threads=1']),
  typescript: () => npm(['run', '--silent', 'test:ts']),
  level: () => run(process.execPath, ['test/level/run.mjs']),
  package: () => npm(['run', '--silent', 'test:package']),
  runtimes: () => npm(['run', '--silent', 'test:runtimes']),
  programs: () => run(process.execPath, ['--test', ...['scripts', 'examples', 'bench'].flatMap(testFiles)]),
}

await script(async () => {
  const asked = process.argv.slice(2)
  const unknown = asked.find(name => !(name in parts))
  if (unknown !== undefined) {
    throw new Failure(
      `there is no part \`${unknown}\` of the tests; there are: ${Object.keys(parts).join(', ')}`,
    )
  }
  await prepare('examples')
  const failed = []
  for (const [name, test] of Object.entries(parts)) {
    if (asked.length > 0 && !asked.includes(name)) continue
    const start = performance.now()
    say(`test: ${name}`)
    try {
      await test()
      say(`test: ${name} passed (${since(start)})`)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      say(`test: ${name} FAILED (${since(start)}): ${error.message}`)
      failed.push(name)
    }
  }
  if (failed.length > 0) throw new Failure(`failed: ${failed.join(', ')}`)
})
