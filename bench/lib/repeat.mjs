/**
 * Doing something again and again until all is done or the time is up.
 */

const LOOK_AT_CLOCK_EVERY = 64

/**
 * @param {number} seconds
 * @param {number} all
 * @returns {import('../types.d.ts').Context['repeat']}
 */
export function repeater(seconds, all) {
  return async (lane, { inFlight = 1, count = all } = {}) => {
    const deadline = performance.now() + seconds * 1000
    let next = 0
    const take = () => {
      if (next >= count) return -1
      if (next % LOOK_AT_CLOCK_EVERY === 0 && performance.now() > deadline) return -1
      return next++
    }
    await Promise.all(Array.from({ length: inFlight }, () => lane(take)))
    return next
  }
}
