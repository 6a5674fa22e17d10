// The two ways a command ends badly. Everything else that is thrown is reported by its message as well.

/** Something went wrong while a command did its work: exit code 1. The message is one line and says what to do. */
export class Failure extends Error {
  /** The code of the engine's error behind it, if there is one. */
  readonly code: string | undefined

  /** A failure, with the engine's code for programs that read the line. */
  constructor(message: string, code?: string) {
    super(message)
    this.code = code
  }
}

/** The command line itself is wrong: exit code 2. Nothing was done. */
export class UsageError extends Error {}

/** The line on standard error for whatever was thrown. */
export function errorLine(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const code = (thrown as { code?: unknown } | undefined)?.code
  const line = message.replace(/\s*\n\s*/g, ' ')
  return typeof code === 'string' && !line.includes(code) ? `${line} (${code})` : line
}
