/**
 * Running commands one after the other: what is said, how long it took, how it fails.
 */
import { spawn, spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** A failure that is explained by its message alone: no stack is shown for it. */
export class Failure extends Error {}

/**
 * Prints one line about what the scripts themselves do, apart from what the commands print.
 * @param {string} line
 */
export function say(line) {
  process.stderr.write(`» ${line}\n`)
}

/**
 * Seconds since `start` (a `performance.now()`), for people.
 * @param {number} start
 */
export function since(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`
}

/**
 * Runs one command with the terminal of this process; rejects with a `Failure` unless it exits with 0.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string }} [options]
 * @returns {Promise<void>}
 */
export function run(command, args, { cwd = root } = {}) {
  const shown = [command === process.execPath ? 'node' : command, ...args].join(' ')
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: 'inherit' })
    child.on('error', error => reject(new Failure(`cannot run \`${shown}\`: ${error.message}`)))
    child.on('exit', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Failure(`\`${shown}\` failed (${signal ?? `exit code ${code}`})`))
    })
  })
}

/**
 * Runs npm: the one that runs this script if there is one, so that no shell is needed on any platform.
 * @param {string[]} args
 * @param {{ cwd?: string }} [options]
 */
export function npm(args, options) {
  const cli = process.env.npm_execpath
  if (cli?.endsWith('.js')) return run(process.execPath, [cli, ...args], options)
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, options)
}

/**
 * The first line a command prints, or `undefined` when it cannot be run or fails.
 * @param {string} command
 * @param {string[]} args
 */
export function firstLine(command, args) {
  const { status, stdout } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return status === 0 ? stdout.split('\n', 1)[0] : undefined
}

/**
 * Runs a script's body; a `Failure` becomes one line and exit code 1.
 * @param {() => Promise<void>} body
 */
export async function script(body) {
  try {
    await body()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    process.stderr.write(`✗ ${error.message}\n`)
    process.exitCode = 1
  }
}
