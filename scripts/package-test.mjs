/**
 * `npm run test:package`: packs what is built, installs the tarballs in an empty folder without Rust and without a network,
 * and runs the README's quick start there as ES module and as CommonJS, and compiles it. Then publint and attw look at
 * the tarball (they come through `npm exec`, at the versions named here).
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, npm, root, run, say, script } from './lib/steps.mjs'
import { runPrograms, withConsumer } from './package/consumer.mjs'
import { manifests, tarballOf } from './package/registry.mjs'

const PUBLINT = 'publint@0.3.25'
const ATTW = '@arethetypeswrong/cli@0.18.5'
const SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare']

function checkManifests() {
  for (const { name, version, scripts = {}, optionalDependencies = {} } of manifests()) {
    const script = SCRIPTS.find(script => script in scripts)
    if (script !== undefined) throw new Failure(`${name} runs a script at installation: ${script}`)
    const other = Object.values(optionalDependencies).find(wanted => wanted !== version)
    if (other !== undefined)
      throw new Failure(`${name} ${version} wants a platform package of version ${other}`)
  }
}

/**
 * Compiles the quick start as a user would: strict, and with the package's own declarations checked too.
 * @param {string} folder
 */
async function compile(folder) {
  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ]) {
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2022',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      typeRoots: [join(root, 'node_modules/@types')],
      types: ['node'],
    }
    const config = { compilerOptions, files: ['quick-start.mts', 'wrong.mts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
  }
}

await script(async () => {
  await withConsumer(async folder => {
    checkManifests()
    const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    say(`installed mosskv ${dependencies.mosskv} in an empty folder`)
    await runPrograms(folder, process.execPath)
    // What is a mistake must be one for the compiler too, else the types that it found are `any`.
    writeFileSync(
      join(folder, 'wrong.mts'),
      "import { Engine } from 'mosskv'\n// @ts-expect-error a number is no key\nawait (await Engine.open('x')).get(1)\n",
    )
    await run(process.execPath, [join(folder, 'node_modules/mosskv/dist/cli/main.js'), '--version'])
    await compile(folder)
    say('the quick start runs as ES module and as CommonJS, and compiles')
  })
  const main = manifests().find(manifest => manifest.name === 'mosskv')
  const tarball = tarballOf(main)
  await npm(['exec', '--yes', `--package=${PUBLINT}`, '--', 'publint', 'run', tarball, '--strict'])
  await npm(['exec', '--yes', `--package=${ATTW}`, '--', 'attw', tarball])
  rmSync(join(root, 'target/packages/stage'), { recursive: true })
})
