/**
 * `npm run bench`: installs and builds what is missing, then runs the benchmark, bench/main.mjs.
 * Arguments go to it: `npm run bench -- --quick`.
 */
import { prepare } from './lib/prepare.mjs'
import { run, script } from './lib/steps.mjs'

await script(async () => {
  await prepare('bench')
  await run(process.execPath, ['bench/main.mjs', ...process.argv.slice(2)])
})
