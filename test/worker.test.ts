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

  test('a worker that ends with everything open loses no acknowledged write', async () => {
    const path = place()
    const { ended } = work(
      `
      const e = await Engine.open(workerData)
      await e.put('a', '1')
      globalThis.kept = [e, e.iterator(), e.snapshot()]
      e.put('b', '2', { durability: 'disk' }); e.flush()
      process.exit(0)
    `,
      path,
    )
    await ended
    const e = closing(await Engine.open(path))
    expect(await e.get('a')).toBe('1')
  })

  test('terminating workers at any moment does not crash the process', async () => {
    for (let round = 0; round < 12; round++) {
      const path = place()
      const { worker, ended } = work(
        `
        const e = await Engine.open(workerData, { memtableBytes: 65536 })
        parentPort.postMessage('open')
        for (let i = 0; ; i++) {
          e.put('k' + i, 'v'.repeat(100), i % 7 ? undefined : { durability: 'disk' })
          if (i % 50 === 0) { e.flush(); await e.get('k' + i); e.keys({ limit: 5 }).all() }
        }
      `,
        path,
      )
      await new Promise(resolve => worker.once('message', resolve))
      await new Promise(resolve => setTimeout(resolve, round * 3))
      await worker.terminate()
      await ended
      const e = await Engine.open(path)
      await e.keys().all()
      await e.close()
    }
  })

  test('a worker that throws takes nothing with it', async () => {
    const e = closing(await Engine.open(place()))
    const { ended } = work(
      `
      const e = await Engine.open(workerData)
      e.put('a', '1', { durability: 'disk' })
      setImmediate(() => { throw new Error('mine') })
      await new Promise(() => {})
    `,
      place(),
    )
    await expect(ended).rejects.toThrow('mine')
    await e.put('k', 'v')
    expect(await e.get('k')).toBe('v')
  })
})
