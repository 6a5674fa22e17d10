// The one connection of this environment (main thread or worker) with native code: the shared area, the promises
// that wait for the completion ring, and the hot functions. Nothing else imports the addon.

import type { Native } from '../native/native.js'
import { fromNative, type MossError } from './errors.js'
import { loadAddon } from './loader.js'

/** The hot functions of `crates/node/src/hot.rs`, which says what they do. @internal */
export interface Hot {
  get(
    db: number,
    key: string | number,
    flags: number,
    snapshot: number,
    pool?: ArrayBuffer,
    next?: number,
  ): string | number | boolean | Buffer | undefined
  getMany(db: number, keys: Uint8Array, length: number, flags: number, snapshot: number): number | Buffer
  stage(db: number, length: number): void
  stageBytes(db: number, bytes: Uint8Array, length: number): void
  stageBlock(db: number, block: number, length: number): void
  addBlock(): ArrayBuffer | undefined
  isFree(block: number): boolean
  commit(db: number, length: number, durability: number, blocking: number): number
  scan(
    scan: number,
    db: number,
    lower: number,
    upper: number,
    flags: number,
    snapshot: number,
    bytes?: number,
    entries?: number,
    pool?: ArrayBuffer,
    next?: number,
  ): number | Buffer | undefined
  closeScan(scan: number): void
  page(
    scan: number,
    bytes: number,
    entries: number,
    blocking: number,
    pool: ArrayBuffer,
    next: number,
  ): number | Buffer
}

/** Flags of the hot reads and of `scan`. @internal */
export enum Flag {
  KeyText = 1,
  ValueText = 2,
  Presence = 4,
  Blocking = 8,
  BypassCache = 16,
  Lower = 32,
  LowerInclusive = 64,
  Upper = 128,
  UpperInclusive = 256,
  Reverse = 512,
  Keys = 1024,
  Values = 2048,
  Entry = 4096,
  Pooled = 8192,
}

const AREA = 256 * 1024
const KEYS = 64 * 1024
const OUT = 192 * 1024

// `allocUnsafeSlow` memory is an ArrayBuffer of its own. Nobody else ever sees it, so nobody can detach it.
const bytes = Buffer.allocUnsafeSlow(AREA)

/** The part of the area that writes are encoded in. @internal */
export const slab: Buffer = bytes.subarray(0, KEYS)
/** The part of the area that keys are handed over in. @internal */
export const keyArea: Buffer = bytes.subarray(KEYS, OUT)
/** The part of the area that answers come in. @internal */
export const out: Buffer = bytes.subarray(OUT, AREA)

interface Waiting {
  resolve(value: unknown): void
  reject(error: MossError): void
}

const waiting = new Map<number, Waiting>()
const listeners = new Map<number, WeakRef<{ onEvent(event: { type: string }): void }>>()

function complete(ticket: number, error: Error | undefined, value: unknown): void {
  if (ticket === 0) {
    dispatch(value as string)
    return
  }
  const call = waiting.get(ticket)
  if (!call) return
  waiting.delete(ticket)
  if (error !== undefined) call.reject(fromNative(error))
  else call.resolve(value)
}

function dispatch(text: string): void {
  const { db, ...event } = JSON.parse(text) as { db: number; type: string }
  const listener = listeners.get(db)?.deref()
  // A listener that throws must not keep the other answers of the ring from their promises.
  if (listener) queueMicrotask(() => listener.onEvent(event))
}

/** The cold functions. @internal */
export const native: Native = new (loadAddon().Native)({ bytes }, complete as never)

/** The hot functions. @internal */
export const hot: Hot = {} as Hot
native.defineHot(hot)

/** Calls back, once, when the answer to `ticket` is delivered. The callbacks must not throw. @internal */
export function onAnswer(
  ticket: number,
  resolve: (value: unknown) => void,
  reject: (error: MossError) => void,
): void {
  waiting.set(ticket, { resolve, reject })
}

/** The promise of the answer to `ticket`. @internal */
export function answer<T>(ticket: number): Promise<T> {
  return new Promise<T>((resolve, reject) => onAnswer(ticket, resolve as (value: unknown) => void, reject))
}

/** Calls a cold function that returns a ticket; what it throws becomes the rejection. @internal */
export function ask<T>(call: () => number): Promise<T> {
  try {
    return answer<T>(call())
  } catch (error) {
    return Promise.reject(fromNative(error))
  }
}

/** Calls native code that answers at once. @internal */
export function at<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw fromNative(error)
  }
}

/** Sends the events of database `db` to `listener` for as long as that lives. @internal */
export function listen(db: number, listener: { onEvent(event: { type: string }): void }): void {
  listeners.set(db, new WeakRef(listener))
}

/** Sends no more events of database `db`. @internal */
export function unlisten(db: number): void {
  listeners.delete(db)
}

const released = new FinalizationRegistry<() => void>(release => release())

/** Runs `release` when `object` has been collected. `release` must not refer to it. @internal */
export function onCollected(object: object, release: () => void): void {
  released.register(object, release, object)
}

/** `object` was closed in time. @internal */
export function forget(object: object): void {
  released.unregister(object)
}
