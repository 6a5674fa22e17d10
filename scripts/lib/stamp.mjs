/**
 * Stamps: a step is skipped when its inputs have the bytes they had, and its outputs are the files it left.
 *
 * A stamp is a small JSON file { inputs: hash, outputs: { path: "size mtime" } } written after a step succeeded.
 * Inputs are compared by content, so that a checkout that only touches times rebuilds nothing.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { root } from './steps.mjs'

/**
 * Every file at or below a path, sorted; nothing for a path that does not exist.
 * @param {string} path
 * @returns {string[]}
 */
function files(path) {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return []
  if (!stat.isDirectory()) return [path]
  return readdirSync(path)
    .sort()
    .flatMap(name => files(join(path, name)))
}

/**
 * A hash over the names and bytes of files and folders (relative to the root) and over some words.
 * @param {string[]} paths
 * @param {string[]} words what else the outcome depends on: versions, flags
 */
function hash(paths, words) {
  const hash = createHash('sha256')
  for (const word of words) hash.update(`${word}\0`)
  for (const file of paths.flatMap(path => files(join(root, path)))) {
    const bytes = readFileSync(file)
    hash.update(`${relative(root, file)}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}

/** @param {string[]} paths */
function outputsOf(paths) {
  /** @type {Record<string, string>} */
  const outputs = {}
  for (const file of paths.flatMap(path => files(join(root, path)))) {
    const { size, mtimeMs } = statSync(file)
    outputs[relative(root, file)] = `${size} ${mtimeMs}`
  }
  return outputs
}

/** @param {string} file */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/**
 * Runs `step` unless the stamp says that nothing has changed since it last succeeded. Says whether it ran.
 * @param {{ stamp: string, inputs: string[], words?: string[], outputs: string[] }} what paths relative to the root
 * @param {() => Promise<void>} step
 */
export async function unlessDone({ stamp, inputs, words = [], outputs }, step) {
  const file = join(root, stamp)
  const wanted = hash(inputs, words)
  const last = read(file)
  const left = outputsOf(outputs)
  const kept = JSON.stringify(last?.outputs) === JSON.stringify(left)
  if (last?.inputs === wanted && kept && Object.keys(left).length > 0) return false
  rmSync(file, { force: true })
  await step()
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify({ inputs: wanted, outputs: outputsOf(outputs) }, null, 1))
  return true
}
