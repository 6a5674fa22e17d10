/**
 * Finds the stores and workloads: every file of their folders, in the order of their names.
 */
import { readdirSync } from 'node:fs'

/** @param {'stores' | 'workloads'} folder */
async function modules(folder) {
  const url = new URL(`../${folder}/`, import.meta.url)
  const names = readdirSync(url)
    .filter(name => name.endsWith('.mjs'))
    .sort()
  return Promise.all(names.map(name => import(new URL(name, url).href)))
}

/** @returns {Promise<import('../types.d.ts').StoreModule[]>} MossKV first */
export async function loadStores() {
  const stores = (await modules('stores')).map(module => module.default)
  return stores.sort((a, b) => Number(b.name === 'mosskv') - Number(a.name === 'mosskv'))
}

/** @returns {Promise<import('../types.d.ts').Workload[]>} */
export async function loadWorkloads() {
  return (await modules('workloads')).flatMap(module => module.default)
}
