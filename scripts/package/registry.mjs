/**
 * A package registry on this machine that knows the packages in target/packages and nothing else, so that a package manager
 * chooses, fetches and checks them as it would after a release, and any other request it makes fails the install.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { root } from '../lib/steps.mjs'

const packages = join(root, 'target/packages')

/** The tarball npm makes of a package. @param {{ name: string, version: string }} manifest */
export function tarballOf({ name, version }) {
  return join(packages, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)
}

/** The manifests of all packages, those without a tarball included: their platforms are not built here. */
export function manifests() {
  const stage = join(packages, 'stage')
  const platforms = readdirSync(join(stage, 'npm')).map(name => join(stage, 'npm', name))
  return [join(stage, 'mosskv'), ...platforms].map(folder =>
    JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')),
  )
}

/**
 * What a registry answers about a package.
 * @param {{ name: string, version: string }} manifest
 * @param {string} address of the registry
 */
function document(manifest, address) {
  const tarball = tarballOf(manifest)
  const hash = createHash('sha512').update(existsSync(tarball) ? readFileSync(tarball) : '')
  const dist = {
    tarball: `${address}/tarballs/${manifest.name}`,
    integrity: `sha512-${hash.digest('base64')}`,
  }
  return {
    name: manifest.name,
    'dist-tags': { latest: manifest.version },
    versions: { [manifest.version]: { ...manifest, dist } },
  }
}

/**
 * Starts the registry for as long as `use` runs.
 * @param {(address: string) => Promise<void>} use
 */
export async function withRegistry(use) {
  const known = new Map(manifests().map(manifest => [manifest.name, manifest]))
  let address = ''
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1)
    const manifest = known.get(path.replace(/^tarballs\//, ''))
    if (manifest === undefined) response.writeHead(404).end('{}')
    else if (path.startsWith('tarballs/')) response.end(readFileSync(tarballOf(manifest)))
    else response.end(JSON.stringify(document(manifest, address)))
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('the registry has no port')
  address = `http://127.0.0.1:${bound.port}`
  try {
    await use(address)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}
