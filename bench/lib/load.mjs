/**
 * Finds the stores and workloads: every file of their folders, in the order of their names.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** @typedef {import('../types.d.ts').StoreModule} StoreModule */

/** The store that is compared with the others. */
export const OWN = 'mosskv'

/** @param {'stores' | 'workloads'} folder */
function files(folder) {
  const url = new URL(`../${folder}/`, import.meta.url)
  return readdirSync(url)
    .filter(name => name.endsWith('.mjs'))
    .sort()
    .map(name => ({ name: name.slice(0, -'.mjs'.length), href: new URL(name, url).href }))
}

/**
 * @param {string} name
 * @returns {Promise<StoreModule>}
 */
export async function loadStore(name) {
  const file = files('stores').find(file => file.name === name)
  if (file === undefined) throw new Error(`there is no store ${name}`)
  return (await import(file.href)).default
}

/**
 * All stores that can be loaded on this machine, MossKV first, and why the others cannot.
 * @param {(name: string) => Promise<StoreModule>} [load]
 * @returns {Promise<{ stores: StoreModule[], leftOut: string[] }>}
 */
export async function loadStores(load = loadStore) {
  const stores = []
  const leftOut = []
  for (const { name } of files('stores')) {
    try {
      stores.push(await load(name))
    } catch (error) {
      if (name === OWN) throw error
      const [reason] = String(error instanceof Error ? error.message : error).split('\n', 1)
      leftOut.push(`${name} is left out, it cannot be loaded here: ${reason}`)
    }
  }
  return { stores: stores.sort((a, b) => Number(b.name === OWN) - Number(a.name === OWN)), leftOut }
}

/** @returns {Promise<import('../types.d.ts').Workload[]>} */
export async function loadWorkloads() {
  const lists = await Promise.all(files('workloads').map(({ href }) => import(href)))
  return lists.flatMap(module => module.default)
}

/**
 * The version of an installed package, as its own package.json says.
 * @param {string} name
 * @returns {string}
 */
export function versionOf(name) {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')).version
}
