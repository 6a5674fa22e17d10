import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** A path in a fresh directory that is removed after all tests of the block or file. */
export function lastingPlace(): string {
  const directory = mkdtempSync(join(tmpdir(), 'moss-test-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'db')
}
