import { Worker } from 'node:worker_threads'
import { Engine } from 'mosskv'
import { describe, expect, test } from 'vitest'
import { closing, place } from './lib/temporary.js'

const entry = new URL('../dist/index.js', import.meta.url).pathname

function work(code: string, data: unknown): { worker: Worker; ended: Promise<unknown[]> } {
  const source = `
    const { Engine } = require(${JSON.stringify(entry)})
    const { parentPort, workerData } = require('node:worker_threads')
    const main = async () => { ${code} }
    main().then(value => parentPort.postMessage(value ?? 'end'))
  `
  const worker = new Worker(source, { eval: true, workerData: data })
  const messages: unknown[] = []
  worker.on('message', message => messages.push(message))
  const ended = new Promise<unknown[]>((resolve, reject) => {
    worker.on('error', reject)
    worker.on('exit', () => resolve(messages))
  })
  return { worker, ended }
}

describe('worker threads', () => {
  test('several environments of one process work side by side', async () => {
    const mine = closing(await Engine.open(place()))
    const workers = [1, 2, 3].map(number =>
      work(
        `
        const e = await Engine.open(workerData.path)
        for (let i = 0; i < 2000; i++) await e.put('k' + i, workerData.number + ' ' + i)
        const wrong = (await e.iterator().all()).filter(([key, value]) => value !== workerData.number + ' ' + key.slice(1))
        await e.close()
        return wrong.length
      `,
        { path: place(), number },
      ),
    )
    for (let i = 0; i < 2000; i++) await mine.put(`k${i}`, `main ${i}`)
    for (const { ended } of workers) expect(await ended).toEqual([0])
    expect((await mine.values().all()).every(value => value.startsWith('main'))).toBe(true)
  })

  test('each environment gets the answers to its own writes, whatever their durability', async () => {
    const path = place()
    const mine = closing(await Engine.open(path))
    // Both make as many calls, the same ones at the same moments, so that what native code counts of them is equal.
    const rounds = new Int32Array(new SharedArrayBuffer(8))
    const workers = (['os', 'disk'] as const).map((durability, self) =>
      work(
        `
        const { path, durability, rounds, self } = workerData
        const e = await Engine.open(path)
        for (let i = 0; i < 3000; i++) {
          Atomics.add(rounds, self, 1)
          while (Atomics.load(rounds, 1 - self) <= i);
          await e.put(durability + i, 'v', { durability })
        }
        await e.close()
        return durability
      `,
        { path, durability, rounds, self },
      ),
    )
    const [os, disk] = await Promise.all(workers.map(({ ended }) => ended))
    expect([os, disk]).toEqual([['os'], ['disk']])
    expect((await mine.keys().all()).length).toBe(6000)
  })
})
