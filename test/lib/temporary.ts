import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Engine, type MossError, type OpenOptions } from 'mosskv'
import { afterEach } from 'vitest'

const directories: string[] = []
const engines: { close(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.close()))
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

/** A path in a fresh directory that is removed after the test. */
export function place(): string {
  const directory = mkdtempSync(join(tmpdir(), 'moss-test-'))
  directories.push(directory)
  return join(directory, 'db')
}

/** Closes `engine` after the test. */
export function closing<T extends { close(): Promise<void> }>(engine: T): T {
  engines.push(engine)
  return engine
}

/** A fresh database of strings. */
export async function fresh(options: OpenOptions = {}): Promise<Engine> {
  return closing(await Engine.open(place(), options))
}

/** The `MossError` that `call` throws or rejects with. */
export async function failure(call: () => unknown): Promise<MossError> {
  try {
    await call()
  } catch (error) {
    return error as MossError
  }
  throw new Error('nothing was thrown')
}
