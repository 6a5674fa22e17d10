// Worker threads share one engine a directory, and any of them may die at any moment.

import { strict as assert } from 'node:assert'
import { Worker } from 'node:worker_threads'
import { Engine } from '../../../dist/index.mjs'

const program = new URL('../worker.mjs', import.meta.url)
const small = { memtableBytes: 64 * 1024 }
const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

/** Starts a worker; `ended` is its exit code, or the error it threw. */
function start(context, job, more = {}) {
  const worker = new Worker(program, { workerData: { job, directory: context.directory, ...more } })
  let thrown
  worker.on('error', error => {
    thrown = error
  })
  const ended = new Promise(resolve => worker.on('exit', code => resolve(thrown ?? code)))
  const open = Promise.race([new Promise(resolve => worker.once('message', resolve)), ended])
  return { worker, ended, open }
}

/** Numbers from a seed, so that a failure can be run again (xorshift). */
function random(seed) {
  let state = seed
  return below => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Terminates `times` workers, four at a time, each at a moment of its own. */
async function terminate(context, times, job, directory) {
  const seed = Number(process.env.MOSS_SEED ?? Date.now() % 1e9) + 1
  console.error(`seed ${seed}`)
  const next = random(seed)
  let number = 0
  const lane = async () => {
    while (number < times) {
      const mine = number++
      const { worker, ended, open } = start(context, job(mine), {
        number: mine,
        directory: directory(mine),
      })
      // A third dies before it is up.
      if (next(3) > 0) await open
      await sleep(next(25))
      await worker.terminate()
      const how = await ended
      // A code: nothing was thrown before.
      assert.equal(typeof how, 'number', how)
    }
  }
  await Promise.all([lane(), lane(), lane(), lane()])
}

/** @type {import('../types.js').Case[]} */
export const cases = [
  {
    name: 'a worker throws with pending work',
    acknowledged: 1,
    async run(context) {
      const { ended } = start(context, 'throw')
      assert.equal((await ended).message, 'mine')
      const e = await context.open()
      assert.equal(await e.get('worker 0 0'), 't')
      await e.close()
      context.reach()
    },
  },
  {
    name: 'a worker calls process.exit with everything open',
    acknowledged: 1,
    async run(context) {
      assert.equal(await start(context, 'exit').ended, 0)
      const e = await context.open()
      assert.equal(await e.get('worker 0 0'), 'e')
      await e.close()
      context.reach()
    },
  },
  {
    name: 'workers are terminated at 200 random moments, beside a main thread that writes to the same database',
    acknowledged: 100,
    stderr: /^seed \d+\n$/,
    async run(context) {
      const e = await context.open(small)
      let going = true
      const writing = (async () => {
        for (let i = 0; going; i++) {
          await e.put(`main ${i}`, 'm')
          context.acknowledge(`main ${i}`, 'm')
          if (i % 20 === 0) await sleep(2)
        }
      })()
      await terminate(
        context,
        200,
        number => ['write', 'open and close', 'synchronously for ever', 'large batches'][number % 4],
        () => context.directory,
      )
      going = false
      await writing
      await e.close()
      context.reach()
    },
  },
  {
    name: 'workers are terminated while they alone have the database, and it is free at once',
    acknowledged: 1,
    stderr: /^seed \d+\n$/,
    async run(context) {
      await terminate(
        context,
        24,
        number => ['write', 'open and close', 'large batches'][number % 3],
        () => context.directory,
      )
      const e = await context.open()
      await e.put('main', '1')
      context.acknowledge('main', '1')
      await e.close()
      assert.equal((await Engine.verify(context.path)).problems.length, 0)
      context.reach()
    },
  },
  {
    name: 'two workers on one directory, and one dies',
    acknowledged: 100,
    async run(context) {
      const dies = start(context, 'write', { number: 1 })
      const lives = start(context, 'write', { number: 2, rounds: 100 })
      await Promise.all([dies.open, lives.open])
      await sleep(15)
      await dies.worker.terminate()
      assert.equal(await lives.ended, 0)
      const e = await context.open()
      assert.equal((await e.keys({ gte: 'worker 2', lt: 'worker 3' }).all()).length, 100)
      await e.close()
      context.reach()
    },
  },
  {
    name: 'every thread sees the writes of the others',
    async run(context) {
      const e = await context.open()
      const workers = [1, 2, 3].map(number => start(context, 'count', { number }))
      await Promise.all(workers.map(({ open }) => open))
      await e.put('main', 'seen')
      for (const { worker } of workers) worker.postMessage('go')
      for (const { ended } of workers) assert.equal(await ended, 0)
      assert.deepEqual(await e.values({ gte: 'worker' }).all(), ['seen', 'seen', 'seen'])
      await e.close()
      context.reach()
    },
  },
  {
    name: 'the main thread closes, a worker goes on, and the last one closes the database',
    acknowledged: 201,
    async run(context) {
      const e = await context.open()
      await e.put('main', '1')
      context.acknowledge('main', '1')
      const { open, ended } = start(context, 'write', { number: 1, rounds: 200 })
      await open
      await e.close()
      await assert.rejects(e.get('main'), { code: 'DATABASE_CLOSED' })
      await assert.rejects(Engine.verify(context.path), { code: 'DATABASE_LOCKED' })
      assert.equal(await ended, 0)
      await Engine.verify(context.path)
      context.reach()
    },
  },
  {
    name: 'an open meets the close of a worker that ends, and waits for it',
    acknowledged: 12,
    async run(context) {
      for (let number = 0; number < 12; number++) {
        const { ended } = start(context, 'leave open', { number })
        if (number % 2) await ended
        const e = await context.open()
        await ended
        assert.equal(await e.get(`worker ${number} 0`), 'l')
        await e.close()
      }
      context.reach()
    },
  },
  {
    name: 'threads race to open and close one directory',
    acknowledged: 160,
    async run(context) {
      const workers = [1, 2, 3].map(number => start(context, 'open and close', { number, rounds: 40 }))
      for (let i = 0; i < 40; i++) {
        const e = await context.open()
        await e.put(`main ${i}`, '1')
        context.acknowledge(`main ${i}`, '1')
        await e.close()
      }
      for (const { ended } of workers) assert.equal(await ended, 0)
      context.reach()
    },
  },
  {
    name: 'the main thread exits while workers write',
    acknowledged: 10,
    async run(context) {
      const e = await context.open(small)
      const workers = [1, 2].map(number =>
        start(context, number === 1 ? 'write' : 'synchronously for ever', { number }),
      )
      await Promise.all(workers.map(({ open }) => open))
      e.put('x', '1', { durability: 'disk' })
      await sleep(30)
      context.reach()
      process.exit(0)
    },
  },
  {
    name: 'a worker is terminated inside synchronous calls',
    acknowledged: 1,
    async run(context) {
      for (let number = 0; number < 8; number++) {
        const { worker, open, ended } = start(context, 'synchronously for ever', { number })
        await open
        await sleep(number * 2)
        await worker.terminate()
        await ended
      }
      const e = await context.open()
      await e.put('main', '1')
      context.acknowledge('main', '1')
      await e.close()
      context.reach()
    },
  },
]
