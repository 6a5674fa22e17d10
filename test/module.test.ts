import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { packageRoot } from './lib/child.js'

const names = ['ChainedBatch', 'Engine', 'EntryIterator', 'MossError', 'Snapshot']

describe('the package', () => {
  test('is an ES module and a CommonJS module with the same things in them', () => {
    const run = (type: string, code: string) =>
      execFileSync(process.execPath, [`--input-type=${type}`, '-e', code], {
        cwd: packageRoot,
        encoding: 'utf8',
      })
    const print = 'console.log(JSON.stringify(Object.keys(m).filter(name => name !== "default").sort()))'
    expect(JSON.parse(run('module', `import * as m from 'mosskv'; ${print}`))).toEqual(
      expect.arrayContaining(names),
    )
    expect(JSON.parse(run('commonjs', `const m = require('mosskv'); ${print}`))).toEqual(names)
    expect(
      run(
        'module',
        `
        import { Engine } from 'mosskv'
        import { createRequire } from 'node:module'
        console.log(createRequire(import.meta.url)('mosskv').Engine === Engine)`,
      ),
    ).toBe('true\n')
  })
})
