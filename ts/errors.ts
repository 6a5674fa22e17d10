/** What went wrong, as far as a program needs to know to react. Codes are stable; more may be added. */
export type ErrorCode =
  /** The key is not in the database (only from calls that require it to be). */
  | 'KEY_NOT_FOUND'
  /** An argument or option is wrong. Nothing was changed. */
  | 'INVALID_ARGUMENT'
  /** The operating system reported an error. */
  | 'IO_ERROR'
  /** The disk or the quota is full. */
  | 'DISK_FULL'
  /** The process has no file descriptor left. */
  | 'TOO_MANY_FILES'
  /** Bytes on disk are not what was written. */
  | 'CORRUPTION'
  /** Another process, or another engine of this process, has the directory open. */
  | 'DATABASE_LOCKED'
  /** The engine was closed. */
  | 'DATABASE_CLOSED'
  /** The iterator was closed. */
  | 'ITERATOR_CLOSED'
  /** The snapshot was closed. */
  | 'SNAPSHOT_CLOSED'
  /** The batch was written or closed. */
  | 'BATCH_CLOSED'
  /** The engine accepts no writes: opened read-only, or a failure stopped them. */
  | 'READ_ONLY'
  /** There is no database in the directory and none was to be created. */
  | 'DATABASE_NOT_FOUND'
  /** There is a database in the directory and none was expected. */
  | 'DATABASE_EXISTS'
  /** The files were written by a newer or unknown format. */
  | 'UNSUPPORTED_FORMAT'
  /** The write failed at a point where it may or may not survive a crash. Never in part. */
  | 'COMMIT_UNKNOWN'
  /** The bytes of a key or value are not in the encoding they are read with. */
  | 'DECODING_FAILED'
  /** MossKV itself cannot be loaded: the package with the binary of this platform is missing, damaged or not the right one. */
  | 'NATIVE_NOT_FOUND'
  /** A defect in MossKV. */
  | 'INTERNAL'

/** Every error of MossKV: `code` is for programs, `message` says what happened, where, and what to do. */
export class MossError extends Error {
  /** The stable code. */
  readonly code: ErrorCode

  /** An error with a code. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  static {
    Object.defineProperty(MossError.prototype, 'name', {
      value: 'MossError',
      configurable: true,
      writable: true,
    })
  }
}

const PREFIX = /^([A-Z_]+): ([\s\S]*)$/

/**
 * A native exception as a `MossError`: raw calls carry the code as a property, the others in front of the message.
 * @internal
 */
export function fromNative(thrown: unknown): MossError {
  if (thrown instanceof MossError) return thrown
  if (!(thrown instanceof Error)) return new MossError('INTERNAL', String(thrown))
  const match = PREFIX.exec(thrown.message)
  if (match) return new MossError(match[1] as ErrorCode, match[2] as string)
  const code = (thrown as { code?: unknown }).code
  const known = typeof code === 'string' && /^[A-Z_]+$/.test(code)
  return new MossError(
    known ? (code as ErrorCode) : 'INTERNAL',
    thrown.message,
    known ? {} : { cause: thrown },
  )
}

/** @internal */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 40 ? `the string ${JSON.stringify(value.slice(0, 40))}…` : JSON.stringify(value)
    case 'bigint':
      return `${value}n`
    case 'symbol':
    case 'function':
      return `a ${typeof value}`
    case 'object': {
      if (value === null) return 'null'
      if (Array.isArray(value)) return 'an array'
      const name = Object.prototype.toString.call(value).slice(8, -1)
      return /^[AEIOU]/.test(name) ? `an ${name}` : `a ${name}`
    }
    default:
      return String(value)
  }
}

/**
 * The error for a wrong argument: its name, what came, what is allowed.
 * @internal
 */
export function invalid(name: string, came: unknown, allowed: string): MossError {
  return new MossError('INVALID_ARGUMENT', `${name} is ${describe(came)}: it must be ${allowed}`)
}
