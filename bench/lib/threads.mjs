/**
 * The same store in several worker threads of this process.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** @typedef {import('../types.d.ts').Context} Context */

/**
 * @typedef {object} Job what a thread is told
 * @property {string} store
 * @property {string} directory
 * @property {import('../types.d.ts').How} how
 * @property {number} count entries
 * @property {number} seconds at most
 * @property {'read' | 'write'} work
 * @property {number} number of the thread
 * @property {number} threads
 */

/** @param {Worker} worker */
async function message(worker) {
  const [answer] = await Promise.race([
    once(worker, 'message'),
    once(worker, 'exit').then(() => Promise.reject(new Error('a worker thread ended without an answer'))),
  ])
  if ('failure' in answer) throw Object.assign(new Error(answer.failure), { code: answer.code })
  return answer
}

/**
 * Starts the threads; each opens the store and gets ready.
 * @param {Context} context
 * @param {'read' | 'write'} work
 * @param {number} threads
 */
export async function startThreads({ module, directory, how, store, count, seconds }, work, threads) {
  const workers = Array.from({ length: threads }, (_, number) => {
    /** @type {Job} */
    const job = {
      store: module.name,
      directory,
      how: { ...how, handle: store.handle?.() },
      count,
      seconds,
      work,
      number,
      threads,
    }
    return new Worker(new URL('thread.mjs', import.meta.url), { workerData: job })
  })
  await Promise.all(workers.map(message))
  return workers
}

/**
 * Lets them work; how many operations each did.
 * @param {Worker[]} workers
 * @returns {Promise<number[]>}
 */
export async function runThreads(workers) {
  for (const worker of workers) worker.postMessage('go')
  return (await Promise.all(workers.map(message))).map(({ done }) => done)
}

/**
 * Waits until they have closed the store.
 * @param {Worker[]} workers
 */
export async function endThreads(workers) {
  const ended = workers.map(worker => once(worker, 'exit'))
  for (const worker of workers) worker.postMessage('end')
  await Promise.all(ended)
}
