/**
 * Runs one lifecycle case in this process: `node run.mjs <program> <case> <directory>`.
 *
 * A case acknowledges what the database has acknowledged to it, over stdout and at once, so that nothing is lost when
 * the process goes: the test reopens the database and looks.
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

const put = text => {
  const bytes = Buffer.from(text)
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(1, bytes, done)
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
  }
}

/**
 * @param {string} directory
 * @returns {import('./types.js').Context}
 */
export function context(directory) {
  const path = join(directory, 'db')
  return {
    directory,
    path,
    // Not imported above: in one case only workers may load the engine.
    open: async options => (await import('../../dist/index.mjs')).Engine.open(path, options),
    acknowledge: (key, value, name = 'db') => put(`${JSON.stringify([name, key, value])}\n`),
    reach: () => put('reached\n'),
  }
}

if (isMainThread && process.argv[1] === fileURLToPath(import.meta.url)) {
  const [program, name, directory] = process.argv.slice(2)
  const { cases } = await import(`./programs/${program}.mjs`)
  const found = cases.find(one => one.name === name)
  if (!found) throw new Error(`there is no case ${name}`)
  await found.run(context(directory))
}
