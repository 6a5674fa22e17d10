/**
 * `npm run test:runtimes`: the packed package in every runtime it is for. Fetches Node 22 and 24, Bun and Deno from the
 * npm registry into target/runtimes, at the versions named here, and runs the README's quick start and a smoke test in each.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, firstLine, npm, root, say, script, since } from './lib/steps.mjs'
import { runPrograms, withConsumer } from './package/consumer.mjs'

const folder = join(root, 'target/runtimes')
const { platform, arch } = process
const system = platform === 'win32' ? 'windows' : platform
const cpu = arch === 'arm64' ? 'aarch64' : arch
const exe = platform === 'win32' ? '.exe' : ''
const nodePackage = `node-${platform === 'win32' ? 'win' : platform}-${arch}`

/** Each the package of this platform alone: none needs a script at installation. */
const runtimes = [
  { name: 'node22', from: `${nodePackage}@22.23.3`, program: `bin/node${exe}`, args: [] },
  { name: 'node24', from: `${nodePackage}@24.21.0`, program: `bin/node${exe}`, args: [] },
  { name: 'bun', from: `@oven/bun-${system}-${cpu}@1.4.5`, program: `bin/bun${exe}`, args: [] },
  {
    name: 'deno',
    from: `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}@2.9.6`,
    program: `deno${exe}`,
    args: ['run', '--allow-all', '--no-lock'],
  },
]

/** Installs the runtimes unless these versions are there. */
async function fetchRuntimes() {
  const dependencies = Object.fromEntries(runtimes.map(({ name, from }) => [name, `npm:${from}`]))
  const manifest = JSON.stringify({ private: true, dependencies })
  const file = join(folder, 'package.json')
  const there = runtimes.every(({ name, program }) => existsSync(join(folder, 'node_modules', name, program)))
  if (there && readFileSync(file, 'utf8') === manifest) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, manifest)
  await npm(['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'], { cwd: folder })
}

await script(async () => {
  await fetchRuntimes()
  /** @type {string[]} */
  const failed = []
  await withConsumer(async consumer => {
    for (const { name, program, args } of runtimes) {
      const command = join(folder, 'node_modules', name, program)
      const start = performance.now()
      const version = firstLine(command, ['--version'])
      try {
        await runPrograms(consumer, command, args)
        say(`${name} (${version}) passed (${since(start)})`)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        say(`${name} (${version}) FAILED: ${error.message}`)
        failed.push(name)
      }
    }
  })
  if (failed.length > 0) throw new Failure(`failed: ${failed.join(', ')}`)
})
