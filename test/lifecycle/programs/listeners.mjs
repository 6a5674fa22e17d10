// Listeners of events run the program's own code: whatever that does, no answer is lost.

import { strict as assert } from 'node:assert'

const small = { memtableBytes: 64 * 1024 }

/** @type {import('../types.js').Case[]} */
export const cases = [
  {
    name: 'listeners of every event throw',
    acknowledged: 500,
    async run(context) {
      const e = await context.open(small)
      const thrown = []
      process.on('uncaughtException', error => thrown.push(error.message))
      process.on('unhandledRejection', error => thrown.push(error.message))
      for (const event of ['write', 'clear', 'flush', 'compaction', 'stall', 'close']) {
        e.on(event, () => {
          throw new Error(event)
        })
      }
      for (let i = 0; i < 500; i++) {
        await e.put(`k${i}`, 'v'.repeat(500))
        context.acknowledge(`k${i}`, 'v'.repeat(500))
      }
      await e.flush()
      await e.compact()
      await e.clear({ gte: 'x' })
      assert.equal(await e.get('k1'), 'v'.repeat(500))
      e.putSync('x', '1')
      await e.close()
      await new Promise(resolve => setTimeout(resolve, 20))
      for (const event of ['write', 'clear', 'flush', 'close']) assert.ok(thrown.includes(event), event)
      context.reach()
    },
  },
  {
    name: 'listeners call the engine, and close it',
    acknowledged: 1,
    async run(context) {
      const e = await context.open(small)
      const answers = []
      e.on('write', () => {
        e.removeAllListeners('write')
        answers.push(e.get('a'), e.put('b', '2'), e.keys().all())
      })
      e.on('flush', () => {
        if (!e.closed) answers.push(e.get('a'), e.compact(), e.close())
      })
      await e.put('a', '1')
      context.acknowledge('a', '1')
      await e.flush()
      while (!e.closed) await new Promise(setImmediate)
      await e.close()
      const [first] = await Promise.all(answers)
      assert.equal(first, '1')
      context.reach()
    },
  },
]
