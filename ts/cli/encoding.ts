// Between what is typed, printed or in a file, and the bytes of keys and values.

import { isUtf8 } from 'node:buffer'
import { Failure, UsageError } from './failure.js'
import type { Flags, Options } from './parse.js'

/** One way to write bytes as text. */
export interface Codec {
  /** What the option calls it. */
  readonly name: string
  /** The bytes for `text`; throws a `Failure` that begins with `what`. */
  bytes(text: string, what: string): Buffer
  /** The text for stored bytes; throws a `Failure` that begins with `what`. */
  text(bytes: Buffer, what: string): string
  /** The bytes for a member of a JSON line. */
  fromJson(member: unknown, what: string): Buffer
  /** The member of a JSON line for stored bytes. */
  toJson(bytes: Buffer, what: string): unknown
}

function textual(codec: Pick<Codec, 'name' | 'bytes' | 'text'>): Codec {
  return {
    ...codec,
    fromJson(member, what) {
      if (typeof member === 'string') return codec.bytes(member, what)
      const hint = member === null ? '' : ' (values that are JSON: --value-encoding json)'
      throw new Failure(`${what} is ${member === null ? 'null' : kind(member)}, not a string${hint}`)
    },
    toJson: codec.text,
  }
}

function kind(member: unknown): string {
  if (Array.isArray(member)) return 'an array'
  return typeof member === 'object' ? 'an object' : `a ${typeof member}`
}

const utf8 = textual({
  name: 'utf8',
  bytes(text, what) {
    if (!text.isWellFormed()) throw new Failure(`${what} has half of a surrogate pair`)
    return Buffer.from(text)
  },
  text(bytes, what) {
    if (!isUtf8(bytes)) throw new Failure(`${what} is not UTF-8: say --hex or --base64`)
    return bytes.toString('utf8')
  },
})

const hex = textual({
  name: 'hex',
  bytes(text, what) {
    if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new Failure(`${what} is not hexadecimal (pairs of 0-9, a-f)`)
    return Buffer.from(text, 'hex')
  },
  text: bytes => bytes.toString('hex'),
})

const base64 = textual({
  name: 'base64',
  bytes(text, what) {
    if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
      throw new Failure(`${what} is not base64 (A-Z, a-z, 0-9, +, /, padded with =)`)
    return Buffer.from(text, 'base64')
  },
  text: bytes => bytes.toString('base64'),
})

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Failure(`${what} is not JSON`)
  }
}

/** Values that a program keeps with `valueEncoding: 'json'`. */
const json: Codec = {
  name: 'json',
  bytes: (text, what) => json.fromJson(parseJson(text, what), what),
  text: (bytes, what) => JSON.stringify(json.toJson(bytes, what)),
  fromJson(member, what) {
    if (member === null) throw new Failure(`${what} is null, which cannot be stored`)
    return utf8.bytes(JSON.stringify(member), what)
  },
  toJson: (bytes, what) => parseJson(utf8.text(bytes, what), what),
}

const CODECS: Record<string, Codec> = { utf8, hex, base64, json }

/** The options that choose the codecs. */
export const ENCODING_OPTIONS: Options = {
  hex: { type: 'boolean', help: 'keys and values are written in hexadecimal' },
  base64: { type: 'boolean', help: 'keys and values are written in base64' },
  'key-encoding': { type: 'string', argument: 'E', help: 'keys only: utf8 (default), hex or base64' },
  'value-encoding': {
    type: 'string',
    argument: 'E',
    help: 'values only: utf8 (default), hex, base64 or json',
  },
}

/** How a command reads and writes keys and values. */
export interface Codecs {
  key: Codec
  value: Codec
}

/** The codecs the options ask for. Throws a `UsageError` for unknown names and for both of `--hex --base64`. */
export function codecs(flags: Flags): Codecs {
  if (flags.on('hex') && flags.on('base64')) throw new UsageError('--hex and --base64 exclude each other')
  const both = flags.on('hex') ? 'hex' : flags.on('base64') ? 'base64' : 'utf8'
  return {
    key: named(flags.text('key-encoding') ?? both, '--key-encoding', ['utf8', 'hex', 'base64']),
    value: named(flags.text('value-encoding') ?? both, '--value-encoding', ['utf8', 'hex', 'base64', 'json']),
  }
}

function named(name: string, option: string, allowed: string[]): Codec {
  const codec = allowed.includes(name) ? CODECS[name] : undefined
  if (codec) return codec
  throw new UsageError(`${option} is ${JSON.stringify(name)}: it must be one of ${allowed.join(', ')}`)
}

/** The bytes for an argument of the command line; throws a `UsageError`. */
export function argument(codec: Codec, text: string, name: string): Buffer {
  try {
    return codec.bytes(text, `${name} ${JSON.stringify(text)}`)
  } catch (error) {
    throw error instanceof Failure ? new UsageError(error.message) : error
  }
}
