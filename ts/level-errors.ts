// The engine's errors as abstract-level has them.

import { MossError } from './errors.js'

const CODES: Record<string, string> = {
  DATABASE_LOCKED: 'LEVEL_LOCKED',
  DATABASE_CLOSED: 'LEVEL_DATABASE_NOT_OPEN',
  ITERATOR_CLOSED: 'LEVEL_ITERATOR_NOT_OPEN',
  SNAPSHOT_CLOSED: 'LEVEL_SNAPSHOT_NOT_OPEN',
  BATCH_CLOSED: 'LEVEL_BATCH_NOT_OPEN',
  DISK_FULL: 'LEVEL_IO_ERROR',
  TOO_MANY_FILES: 'LEVEL_IO_ERROR',
}

/** What abstract-level's own tests want to read in a message. */
const WORDS: Record<string, string> = {
  DATABASE_NOT_FOUND: 'the database does not exist: ',
  DATABASE_EXISTS: 'the database exists: ',
}

/**
 * An error with a code as abstract-level's errors have it: `LEVEL_LOCKED`, `LEVEL_CORRUPTION`, `LEVEL_IO_ERROR` and
 * `LEVEL_ABORTED` mean what they mean in classic-level; any other is `LEVEL_` and the engine's own code. `cause` is
 * the engine's `MossError`.
 */
export class LevelError extends Error {
  /** The stable code. */
  readonly code: string

  /** An error with a code. */
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** `AbortError` for an abort, as everywhere on the web. */
  override get name(): string {
    return this.code === 'LEVEL_ABORTED' ? 'AbortError' : 'LevelError'
  }
}

/** What the engine threw, as a `LevelError`. @internal */
export function levelError(error: unknown): unknown {
  if (!(error instanceof MossError)) return error
  const message = `${WORDS[error.code] ?? ''}${error.message}`
  return new LevelError(CODES[error.code] ?? `LEVEL_${error.code}`, message, { cause: error })
}
