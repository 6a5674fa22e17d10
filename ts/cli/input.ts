// Entries from files and pipes: JSON lines and CSV, each with where it stands, for errors.

import { createReadStream, fstatSync, statSync } from 'node:fs'
import { CsvReader } from './csv.js'
import type { Codecs } from './encoding.js'
import { Failure } from './failure.js'

/** One entry to be stored. */
export interface Entry {
  key: Buffer
  value: Buffer
}

/** The formats `load` reads. */
export type Format = 'jsonl' | 'csv'

/** Where entries come from: a path, or `-` for standard input. */
export interface Source {
  readonly path: string
  readonly format: Format
}

/** What errors call a source. */
function nameOf({ path }: Source): string {
  return path === '-' ? 'standard input' : path
}

/** The bytes of all sources; `undefined` when one is a pipe. Throws a `Failure` for files that cannot be read. */
export function sizeOf(sources: readonly Source[]): number | undefined {
  let size: number | undefined = 0
  for (const { path } of sources) {
    let stat: ReturnType<typeof statSync>
    try {
      stat = path === '-' ? fstatSync(0) : statSync(path)
    } catch (error) {
      throw unreadable(path, error)
    }
    if (stat?.isDirectory()) throw new Failure(`${path} is a directory, not a file`, 'EISDIR')
    size = size === undefined || !stat?.isFile() ? undefined : size + stat.size
  }
  return size
}

function unreadable(name: string, error: unknown): Failure {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return new Failure(`there is no file ${name}`, code)
  return new Failure(`cannot read ${name}: ${message}`, code)
}

/** The text of a source in pieces; `read` is told the bytes of each. */
async function* pieces(source: Source, read: (bytes: number) => void): AsyncGenerator<string> {
  const name = nameOf(source)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const stream =
    source.path === '-' ? process.stdin : createReadStream(source.path, { highWaterMark: 256 * 1024 })
  let line = 1
  const decode = (chunk?: Buffer) => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode()
    } catch {
      throw new Failure(`${name} is not UTF-8 text (from line ${line} on)`)
    }
  }
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      read(chunk.length)
      const text = decode(chunk)
      yield text
      line += text.split('\n').length - 1
    }
  } catch (error) {
    throw error instanceof Failure ? error : unreadable(name, error)
  }
  yield decode()
}

/** All entries of a source, some at a time. Throws a `Failure` with the line of what cannot be read. */
export async function* entriesOf(
  source: Source,
  codecs: Codecs,
  read: (bytes: number) => void,
): AsyncGenerator<Entry[]> {
  const take = source.format === 'csv' ? csvEntries(codecs) : jsonEntries(codecs)
  const some: Entry[] = []
  try {
    for await (const piece of pieces(source, read)) {
      take(piece, false, some)
      if (some.length > 0) yield some.splice(0)
    }
    take('', true, some)
  } catch (error) {
    // What stands before the damage counts.
    if (some.length > 0) yield some
    if (!(error instanceof Failure) || error.message.startsWith(nameOf(source))) throw error
    throw new Failure(`${nameOf(source)}, ${error.message}`, error.code)
  }
  if (some.length > 0) yield some
}

/** Takes a piece of text; puts what is complete into `into`. */
type Take = (text: string, end: boolean, into: Entry[]) => void

function jsonEntries({ key, value }: Codecs): Take {
  let rest = ''
  let line = 0
  return (text, end, into) => {
    const lines = (rest + text).split('\n')
    rest = end ? '' : (lines.pop() as string)
    for (const one of lines) {
      line++
      if (one.trim() === '') continue
      const entry = member(one, `line ${line}`)
      into.push({
        key: key.fromJson(entry.key, `line ${line}: the key`),
        value: value.fromJson(entry.value, `line ${line}: the value`),
      })
    }
  }
}

function member(line: string, where: string): { key: unknown; value: unknown } {
  let entry: unknown
  try {
    entry = JSON.parse(line)
  } catch {
    throw new Failure(`${where} is not JSON; it begins ${JSON.stringify(line.slice(0, 40))}`)
  }
  const names = typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? Object.keys(entry) : []
  const wrong = names.find(name => name !== 'key' && name !== 'value')
  if (wrong !== undefined)
    throw new Failure(`${where} has a member ${JSON.stringify(wrong)}: allowed are key and value`)
  if (names.length !== 2) throw new Failure(`${where} must be {"key":…,"value":…}`)
  return entry as { key: unknown; value: unknown }
}

function csvEntries({ key, value }: Codecs): Take {
  const reader = new CsvReader()
  let first = true
  return (text, end, into) => {
    for (const { fields, line } of end ? reader.end() : reader.push(text)) {
      const header = first && fields.length === 2 && fields[0] === 'key' && fields[1] === 'value'
      first = false
      if (header) continue
      if (fields.length !== 2)
        throw new Failure(
          `line ${line} has ${fields.length} ${fields.length === 1 ? 'field' : 'fields'}: it must have 2, key and value`,
        )
      const [k, v] = fields as [string, string]
      into.push({
        key: key.bytes(k, `line ${line}: the key`),
        value: value.bytes(v, `line ${line}: the value`),
      })
    }
  }
}
