// Answers from memory are promises that are already resolved. A program that awaits nothing else would never let its event
// loop turn, and its timers and sockets would starve. So work is counted, and after about a millisecond of it answers wait
// for a turn of the loop.

/** A unit of work is about a microsecond. */
const TURN = 1024
/** The most answers that wait, until microtasks run: who asks for millions and awaits none must not keep them all. */
const MOST_WAITING = 16 * 1024

let work = 0
/** Whether `begin` is a microtask that has not run. */
let due = false
let turning: Promise<void> | undefined
let waiting = 0

/**
 * Counts `units` of work; the promise of a turn of the loop if its answer should wait for that. All answers do until it
 * comes, so that many that are awaited side by side do not take turns in keeping it from coming.
 * @internal
 */
export function turn(units: number): Promise<void> | undefined {
  if (turning !== undefined && waiting < MOST_WAITING) {
    waiting++
    return turning
  }
  work += units
  if (work >= TURN && !due) {
    due = true
    // Not at once: as long as nothing is awaited, there is nobody to hold back.
    queueMicrotask(begin)
  }
  return undefined
}

/** A promise of `value`, which took `units` of work. @internal */
export function soon<T>(value: T, units = 1): Promise<T> {
  const wait = turn(units)
  return wait === undefined ? Promise.resolve(value) : wait.then(() => value)
}

/**
 * Counts `units` of a work that goes on by itself; the promise of a turn of the loop when it should wait for one.
 * @internal
 */
export function rest(units: number): Promise<void> | undefined {
  work += units
  if (work < TURN) return undefined
  begin()
  return turning
}

function begin(): void {
  due = false
  work = 0
  waiting = 0
  turning ??= new Promise(resolve => {
    setImmediate(() => {
      turning = undefined
      work = 0
      resolve()
    })
  })
}
