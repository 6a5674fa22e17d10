/**
 * What every runtime must do with the installed package, apart from the quick start: bytes and text, batches, iterators,
 * snapshots, errors, events, many calls at once, worker threads, and finding everything again after closing.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Engine, MossError } from 'mosskv'

const ENTRIES = 5_000
const key = (/** @type {number} */ n) => `key:${String(n).padStart(6, '0')}`

/** @param {string} location */
async function fill(location) {
  const engine = await Engine.open(location, { memtableBytes: 2 ** 20 })
  await Promise.all(Array.from({ length: ENTRIES }, (_, n) => engine.put(key(n), `wert ${n} – ✓`)))
  await engine.batch([
    { type: 'put', key: 'last', value: '' },
    { type: 'del', key: key(0) },
  ])
  const snapshot = engine.snapshot()
  await engine.put('last', 'changed')
  assert.equal(await engine.get('last', { snapshot }), '')
  snapshot.close()
  await engine.flush()
  assert.deepEqual(await engine.getMany([key(0), key(1), 'last']), [undefined, 'wert 1 – ✓', 'changed'])
  assert.equal(engine.getSync(key(4_999)), 'wert 4999 – ✓')
  let seen = 0
  for await (const [found] of engine.iterator({ gte: 'key:', lt: 'key;' })) assert.equal(found, key(++seen))
  assert.equal(seen, ENTRIES - 1)
  await assert.rejects(Engine.open(location, { errorIfExists: true }), MossError)
  assert.equal(await inWorker(`${location}-of-worker`), 'was here')
  let closed = 0
  engine.on('close', () => closed++)
  await engine.close()
  assert.equal(closed, 1)
  await assert.rejects(engine.get('last'), { code: 'DATABASE_CLOSED' })
}

/** @param {string} location */
async function findAgain(location) {
  const engine = await Engine.open(location, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    readOnly: true,
  })
  assert.deepEqual(await engine.get(Buffer.from('last')), Buffer.from('changed'))
  await assert.rejects(engine.put(Buffer.from('a'), Buffer.from('b')), { code: 'READ_ONLY' })
  await engine.close()
}

/**
 * A worker loads the addon a second time, beside this one; the answer is what it wrote and read.
 * @param {string} location
 */
function inWorker(location) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: location })
    worker.on('message', resolve)
    worker.on('error', reject)
  })
}

if (isMainThread) {
  assert.equal(createRequire(import.meta.url)('mosskv').Engine, Engine)
  const folder = mkdtempSync(join(tmpdir(), 'mosskv-smoke-'))
  try {
    await fill(join(folder, 'db'))
    await findAgain(join(folder, 'db'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log('smoke test: passed')
} else {
  const engine = await Engine.open(workerData, { memtableBytes: 2 ** 20 })
  await engine.put('worker', 'was here')
  const read = await engine.get('worker')
  await engine.close()
  parentPort?.postMessage(read)
}
