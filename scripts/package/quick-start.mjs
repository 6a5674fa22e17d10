/**
 * The quick start of README.md as programs: what its comments say becomes a check.
 *
 *   await engine.get('user:1') // 'Ada'                            → the value is that
 *   await engine.getOrThrow('x') // rejects: MossError, code 'C'   → it rejects so
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, root } from '../lib/steps.mjs'

const VALUE = /^(\s*)(await .+?) \/\/ ('.*'|undefined|\d+n?|\{.*\}|\[.*\])$/
const REJECTION = /^(\s*)await (.+?) \/\/ rejects: (\w+), code ('\w+')$/

/** The code as it stands in the README. */
export function quickStart() {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  const code = /\n## Quick start\n[\s\S]*?```ts\n([\s\S]*?)```/.exec(text)?.[1]
  if (code === undefined) throw new Failure('README.md has no TypeScript code under "Quick start"')
  return code
}

/**
 * The code with its comments as checks, as an ES module.
 * @param {string} code
 */
export function asModule(code) {
  let checks = 0
  const lines = code.split('\n').map(line => {
    const checked = line
      .replace(REJECTION, `$1await assert.rejects(async () => $2, { name: '$3', code: $4 })`)
      .replace(VALUE, '$1assert.deepEqual($2, $3)')
    if (checked !== line) checks++
    return checked
  })
  if (checks < 3)
    throw new Failure(`only ${checks} comments of the README's quick start could be made checks`)
  return `import assert from 'node:assert/strict'\n${lines.join('\n')}console.log('quick start: ${checks} checks')\n`
}

/**
 * The same as a CommonJS module.
 * @param {string} code
 */
export function asCommonJs(code) {
  const lines = asModule(code).split('\n')
  const required = lines.map(line =>
    line.replace(/^import (.+) from ('[^']+')$/, (_, names, from) => `const ${names} = require(${from})`),
  )
  const isRequire = (/** @type {string} */ line) => / = require\('[^']+'\)$/.test(line)
  const body = required.filter(line => !isRequire(line)).join('\n')
  return `${required.filter(isRequire).join('\n')}\nvoid (async () => {\n${body}\n})()\n`
}
