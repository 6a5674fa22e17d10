/**
 * `npm start`: installs and builds what is missing, then runs the main job, examples/downloads.
 * Arguments go to it: `npm start -- --keep`.
 */
import { prepare } from './lib/prepare.mjs'
import { run, script } from './lib/steps.mjs'

await script(async () => {
  await prepare('examples')
  await run(process.execPath, ['examples/downloads/main.mjs', ...process.argv.slice(2)])
})
