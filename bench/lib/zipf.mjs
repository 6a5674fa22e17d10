/**
 * Numbers for the YCSB workloads, the same in every run.
 */
import { mix } from './data.mjs'

/**
 * A source of numbers from 0 to 1, 1 excluded.
 * @param {number} seed
 */
export function random(seed) {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    return mix(state) / 2 ** 32
  }
}

/**
 * A source of numbers from 0 to `count`, `count` excluded, where rank i comes up as often as 1 / (i + 1)^theta. Method:
 * Gray et al., "Quickly generating billion-record synthetic databases" (1994), as in YCSB.
 * @param {number} count
 * @param {() => number} next
 * @param {number} [theta]
 */
export function zipfian(count, next, theta = 0.99) {
  let zeta = 0
  for (let i = 1; i <= count; i++) zeta += i ** -theta
  const two = 1 + 0.5 ** theta
  const alpha = 1 / (1 - theta)
  const eta = (1 - (2 / count) ** (1 - theta)) / (1 - two / zeta)
  return () => {
    const u = next()
    const uz = u * zeta
    if (uz < 1) return 0
    if (uz < two) return Math.min(1, count - 1)
    return Math.min(count - 1, Math.floor(count * (eta * u - eta + 1) ** alpha))
  }
}
