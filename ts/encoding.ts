// Between the program's keys and values and the engine's bytes. A text encoding hands strings to the slab and gets
// strings from native code; a byte encoding deals in Uint8Array.

import { types } from 'node:util'
import { describe, invalid, MossError } from './errors.js'

/** How keys or values become bytes: see {@link Decoded} for the type each one stands for. */
export type EncodingName = 'utf8' | 'buffer' | 'view' | 'json'

/** The JavaScript type an encoding stands for. `json` is `any` unless `Engine.open` is told the type. */
export type Decoded<N extends EncodingName> = N extends 'utf8'
  ? string
  : N extends 'buffer'
    ? Buffer
    : N extends 'view'
      ? Uint8Array
      : // biome-ignore lint/suspicious/noExplicitAny: what JSON holds is the program's own business
        any

/** What may be passed where a `T` is read: any `Uint8Array` for a Buffer. */
export type Input<T> = IsAny<T> extends true ? T : [T] extends [Uint8Array] ? Uint8Array : T

type IsAny<T> = 0 extends 1 & T ? true : false

/** The encodings that can stand for `T`. */
export type EncodingFor<T> = [T] extends [string]
  ? 'utf8' | 'json'
  : [T] extends [Buffer]
    ? 'buffer'
    : [T] extends [Uint8Array]
      ? 'buffer' | 'view'
      : 'json'

/** @internal */
export interface Encoding<T> {
  /** Whether native code hands this encoding strings. */
  readonly text: boolean
  /** Checks `value` and returns what is written: a string (as UTF-8) or bytes. `name` is the argument's name. */
  encode(value: unknown, name: string): string | Uint8Array
  /** From the string native code made. Only if `text`. */
  fromText(text: string): T
  /** From bytes inside a buffer that the caller may reuse: the result is a copy. */
  fromBytes(bytes: Buffer, start: number, end: number): T
  /** From `length` bytes of `memory` that are never written again: the result may be a view of them. Only if not `text`. */
  cut(memory: ArrayBuffer, start: number, length: number): T
  /** From bytes that nobody else has. */
  adopt(bytes: Buffer): T
}

/**
 * Refuses everything but a `Uint8Array` over ordinary, attached memory.
 * @internal
 */
export function checkBytes(value: unknown, name: string): Uint8Array {
  if (!(value instanceof Uint8Array) && !types.isUint8Array(value)) {
    throw invalid(name, value, 'a Buffer or Uint8Array')
  }
  // `instanceof` first: it is inlined, and false only for shared memory and for buffers of another realm.
  if (!(value.buffer instanceof ArrayBuffer) && types.isSharedArrayBuffer(value.buffer)) {
    throw new MossError(
      'INVALID_ARGUMENT',
      `${name} is a view of a SharedArrayBuffer: it must be a view of an ArrayBuffer, because another thread could change it while it is copied`,
    )
  }
  if (value.length === 0) {
    try {
      new Uint8Array(value.buffer, value.byteOffset, 0)
    } catch {
      throw new MossError(
        'INVALID_ARGUMENT',
        `${name} is a view of a detached or shrunk ArrayBuffer: it must be a view of memory that is still there`,
      )
    }
  }
  return value
}

type View = new (memory: ArrayBuffer, start: number, length: number) => Buffer

/**
 * Node's own class of Buffers over memory there is, which `subarray` and `Buffer.from` come to at last: a third of their
 * time. Where it cannot be had, `undefined`.
 */
const BufferView = ((): View | undefined => {
  const species = (Buffer as unknown as { readonly [Symbol.species]?: View })[Symbol.species]
  if (species === undefined || (species as unknown) === Buffer) return undefined
  const made = new species(new ArrayBuffer(4), 1, 2)
  const right = Object.getPrototypeOf(made) === Buffer.prototype && made.byteOffset === 1 && made.length === 2
  return right ? species : undefined
})()

const cutBuffer: (memory: ArrayBuffer, start: number, length: number) => Buffer =
  BufferView === undefined
    ? (memory, start, length) => Buffer.from(memory, start, length)
    : (memory, start, length) => new BufferView(memory, start, length)

const utf8: Encoding<string> = {
  text: true,
  encode(value, name) {
    if (typeof value !== 'string') throw invalid(name, value, 'a string')
    return value
  },
  fromText: text => text,
  fromBytes: (bytes, start, end) => bytes.toString('utf8', start, end),
  cut: (memory, start, length) => utf8.adopt(cutBuffer(memory, start, length)),
  adopt: bytes => bytes.toString('utf8'),
}

const buffer: Encoding<Buffer> = {
  text: false,
  encode: checkBytes,
  fromText: text => Buffer.from(text),
  fromBytes(bytes, start, end) {
    const copy = Buffer.allocUnsafe(end - start)
    // Not `bytes.copy`, which takes twice as long.
    copy.set(bytes.subarray(start, end))
    return copy
  },
  cut: cutBuffer,
  adopt: bytes => bytes,
}

const view: Encoding<Uint8Array> = {
  text: false,
  encode: checkBytes,
  fromText: text => new Uint8Array(Buffer.from(text)),
  fromBytes(bytes, start, end) {
    const copy = new Uint8Array(end - start)
    copy.set(bytes.subarray(start, end))
    return copy
  },
  cut: (memory, start, length) => new Uint8Array(memory, start, length),
  adopt: bytes => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
}

const json: Encoding<unknown> = {
  text: true,
  encode(value, name) {
    if (value === null || value === undefined)
      throw invalid(name, value, 'something JSON can hold, and not null')
    let text: string | undefined
    try {
      text = JSON.stringify(value)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new MossError('INVALID_ARGUMENT', `${name} cannot be written as JSON: ${why}`, { cause })
    }
    if (text === undefined) throw invalid(name, value, 'something JSON can hold')
    return text
  },
  fromText(text) {
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw new MossError('DECODING_FAILED', `stored bytes are not JSON: they begin ${describe(text)}`, {
        cause,
      })
    }
  },
  fromBytes: (bytes, start, end) => json.fromText(bytes.toString('utf8', start, end)),
  cut: (memory, start, length) => json.adopt(cutBuffer(memory, start, length)),
  adopt: bytes => json.fromText(bytes.toString('utf8')),
}

/** Text (as UTF-8) or bytes in, bytes out: for an adapter whose programs choose an encoding call by call. @internal */
export const either: Encoding<Buffer> = {
  ...buffer,
  encode: (value, name) => (typeof value === 'string' ? value : checkBytes(value, name)),
}

const ENCODINGS = { utf8, buffer, view, json }

/** @internal */
export function encodingOf(name: unknown, option: string): Encoding<unknown> {
  if (name === undefined) return utf8
  if (name === either) return either
  if (typeof name === 'string' && Object.hasOwn(ENCODINGS, name)) return ENCODINGS[name as EncodingName]
  throw invalid(`option ${option}`, name, "'utf8', 'buffer', 'view' or 'json'")
}
