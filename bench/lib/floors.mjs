/**
 * What the machine and the language allow, measured beside the stores: no store can be faster than these.
 */
import { closeSync, fdatasyncSync, fstat, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { median } from './table.mjs'

/** The floors, in the order in which `measureFloors` answers; all in microseconds. */
export const floors = [
  'await of a resolved promise',
  "round trip through libuv's pool",
  'append of 150 B and fdatasync',
  'pread of 4 KiB, in the page cache',
]

const RECORD = Buffer.alloc(150, 'moss')
const PAGE = 4096
const FILE_PAGES = 4096
const LOOK_AT_CLOCK_EVERY = 16

/**
 * The median time of one step in microseconds, from groups of `group` steps.
 * @param {number} seconds
 * @param {number} group
 * @param {(i: number) => unknown} step
 */
async function time(seconds, group, step) {
  const deadline = performance.now() + seconds * 1000
  const times = []
  let i = 0
  while (times.length < LOOK_AT_CLOCK_EVERY || performance.now() < deadline) {
    const start = performance.now()
    for (const end = i + group; i < end; i++) {
      const answer = step(i)
      if (answer instanceof Promise) await answer
    }
    times.push(((performance.now() - start) * 1000) / group)
  }
  return median(times)
}

/**
 * @param {string} directory an empty one, for files
 * @param {number} seconds for all
 * @returns {Promise<number[]>} as `floors` lists them
 */
export async function measureFloors(directory, seconds) {
  const each = seconds / floors.length
  mkdirSync(directory, { recursive: true })
  const log = openSync(join(directory, 'log'), 'a')
  const file = openSync(join(directory, 'pages'), 'w+')
  const page = Buffer.alloc(PAGE, 'moss')
  for (let i = 0; i < FILE_PAGES; i++) writeSync(file, page)
  const resolved = Promise.resolve()
  try {
    return [
      await time(each, 10_000, () => resolved),
      await time(each, 10, () => new Promise(resolve => fstat(file, resolve))),
      await time(each, 1, () => {
        writeSync(log, RECORD)
        fdatasyncSync(log)
      }),
      await time(each, 100, i => readSync(file, page, 0, PAGE, ((i * 7919) % FILE_PAGES) * PAGE)),
    ]
  } finally {
    closeSync(log)
    closeSync(file)
  }
}
