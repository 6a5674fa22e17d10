/**
 * Calling something again and again until all is done or the time is up.
 */

const LOOK_AT_CLOCK_EVERY = 64

/**
 * @param {number} seconds
 * @param {number} all
 * @returns {import('../types.d.ts').Context['repeat']}
 */
export function repeater(seconds, all) {
  return async (step, { inFlight = 1, count = all } = {}) => {
    const deadline = performance.now() + seconds * 1000
    let next = 0
    const late = () => next % LOOK_AT_CLOCK_EVERY === 0 && performance.now() > deadline
    const one = async () => {
      while (next < count && !late()) await step(next++)
    }
    await Promise.all(Array.from({ length: inFlight }, one))
    return next
  }
}
