/**
 * `npm run pack`: makes the tarballs that are published, in target/packages: `mosskv`, and one package for each platform
 * whose binary is in native/. With `--all` a missing binary is an error.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Failure, npm, root, run, say, script } from './lib/steps.mjs'

const target = join(root, 'target/packages')
const stage = join(target, 'stage')
const LICENCES = ['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT']

/** @param {string} folder */
function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/**
 * @param {string} folder
 * @param {Record<string, unknown>} manifest
 */
function writeManifest(folder, manifest) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

/** Provenance ties a package to a repository: in a release that is where the workflow runs. */
function repository() {
  const name = process.env.GITHUB_REPOSITORY
  return name === undefined ? {} : { repository: { type: 'git', url: `git+https://github.com/${name}.git` } }
}

/**
 * Writes the folders of the platform packages, with the binaries that there are; returns their manifests.
 * @param {boolean} all whether each must be there
 */
async function stagePlatforms(all) {
  const folder = join(stage, 'npm')
  const napi = join(root, 'node_modules/@napi-rs/cli/dist/cli.js')
  await run(process.execPath, [napi, 'create-npm-dirs', '--npm-dir', folder])
  return readdirSync(folder).map(name => {
    const path = join(folder, name)
    const manifest = manifestOf(path)
    const binary = join(root, 'native', manifest.main)
    if (existsSync(binary)) cpSync(binary, join(path, manifest.main))
    else if (all)
      throw new Failure(`native/${manifest.main} is missing: \`npm run build:native\` on its platform`)
    for (const file of LICENCES) cpSync(join(root, file), join(path, file))
    writeFileSync(
      join(path, 'README.md'),
      `The native part of [mosskv](https://www.npmjs.com/package/mosskv) for ${name}. It comes with that package.\n`,
    )
    writeManifest(path, {
      ...manifest,
      ...repository(),
      files: [...manifest.files, ...LICENCES],
      binaryBytes: statSync(binary, { throwIfNoEntry: false })?.size,
      publishConfig: { access: 'public' },
    })
    return { path, manifest, built: existsSync(binary) }
  })
}

/**
 * Writes the folder of `mosskv`: what a user needs, and the platform packages of its own version as optional dependencies.
 * @param {string[]} platforms the names of those packages
 */
function stageMain(platforms) {
  const folder = join(stage, 'mosskv')
  const { scripts, devDependencies, overrides, napi, ...manifest } = manifestOf(root)
  mkdirSync(folder, { recursive: true })
  for (const file of [...manifest.files, 'README.md', ...LICENCES]) {
    if (!existsSync(join(root, file))) throw new Failure(`${file} is missing: build first`)
    cpSync(join(root, file), join(folder, file), { recursive: true })
  }
  writeManifest(folder, {
    ...manifest,
    ...repository(),
    files: [...manifest.files, ...LICENCES],
    optionalDependencies: Object.fromEntries(platforms.map(name => [name, manifest.version])),
  })
  return folder
}

await script(async () => {
  const all = process.argv.includes('--all')
  rmSync(target, { recursive: true, force: true })
  mkdirSync(stage, { recursive: true })
  const platforms = await stagePlatforms(all)
  const built = platforms.filter(platform => platform.built).map(platform => platform.path)
  if (built.length === 0) throw new Failure('there is no binary in native/: `npm run build:native` makes one')
  const main = stageMain(platforms.map(platform => platform.manifest.name))
  await npm(['pack', '--silent', '--pack-destination', target, ...built, main])
  for (const name of readdirSync(target).filter(name => name.endsWith('.tgz'))) {
    say(`${join('target/packages', name)}: ${(statSync(join(target, name)).size / 1024).toFixed(0)} KiB`)
  }
})
