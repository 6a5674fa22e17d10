import type { Core } from './core.js'
import type { Encoding, Input } from './encoding.js'
import { fromNative, MossError } from './errors.js'
import { answer, at, Flag, hot, native, out } from './native.js'
import { checkInteger } from './options.js'
import { Page } from './page.js'
import * as pool from './pool.js'
import { checkIteratorOptions, detached, type IteratorOptions, nextScan, openScan } from './range.js'
import { rest, soon } from './turn.js'
import { type Box, Young } from './young.js'

/** Pages begin small, so that a short scan does not pay for a long one, and grow fourfold up to this. */
const FIRST_PAGE = 4 * 1024
const LARGEST_PAGE = 63 * 1024
const MOST_ENTRIES = 0xffff_ffff
/** An iterator that may give no more entries than this gets its first page when it is made, mostly all there is for it. */
const FEW_ENTRIES = 128
const FEW_ENTRIES_PAGE = 4 * FIRST_PAGE

/** Takes one entry out of a page. */
type Take<T> = (walk: Page) => T

interface ScanBox extends Box {
  scan: number
}

function release(box: ScanBox): void {
  box.closed = true
  if (box.scan !== 0) hot.closeScan(box.scan)
  box.scan = 0
}

const young = new Young(release)
const CLOSED = Promise.resolve()

/**
 * Walks over a range of entries as they were when it was made, whatever is written meanwhile. Use it in `for await`,
 * or call `next`, `nextv` or `all`; calls may overlap and are answered in order. It holds a snapshot: close it, leave
 * the loop, or read it to its end. An error is final: every later call rejects with it.
 */
export class EntryIterator<T, K = unknown> implements AsyncIterable<T>, AsyncDisposable {
  readonly #core: Core<unknown, unknown>
  readonly #take: Take<T>
  readonly #box: ScanBox = { scan: 0, closed: false, registered: false }
  readonly #page = new Page()
  readonly #limit: number
  #left: number
  #pageBytes = FIRST_PAGE
  /** The last call that had to wait; later ones queue behind it. */
  #tail: Promise<unknown> | undefined
  #ended = false
  #error: MossError | undefined

  /** Entries are decoded as `encodings` say. @internal */
  constructor(
    core: Core<unknown, unknown>,
    options: unknown,
    keys: boolean,
    values: boolean,
    encodings: { readonly keys: Encoding<unknown>; readonly values: Encoding<unknown> } = core,
  ) {
    const range = checkIteratorOptions(core, options, keys, values)
    const flags = range.flags | (encodings.values.text ? Flag.ValueText : 0)
    this.#core = core
    this.#limit = range.limit
    this.#left = range.limit
    this.#take = (
      keys && values
        ? page => page.entry(encodings.keys, encodings.values)
        : keys
          ? page => page.key(encodings.keys)
          : page => page.value(encodings.values)
    ) as Take<T>
    const box = this.#box
    core.fence()
    const scan = nextScan()
    if (!core.gate.closed) {
      const bytes = range.limit > 0 && range.limit <= FEW_ENTRIES ? FEW_ENTRIES_PAGE : 0
      const found = openScan(core.db, scan, range, flags, bytes)
      box.scan = scan
      if (found !== undefined) {
        this.#set(found)
        this.#pageBytes = LARGEST_PAGE
      }
    } else {
      const later = detached(range)
      this.#tail = core.track(
        new Promise<void>(resolve => {
          core.gate.read(() => {
            try {
              if (!box.closed) {
                openScan(core.db, scan, later, flags, 0)
                box.scan = scan
              }
            } catch (error) {
              this.#error = fromNative(error)
            }
            resolve()
          })
        }),
      )
      this.#settle(this.#tail)
    }
    young.add(this, box)
  }

  /** The next entry; `undefined` at the end. */
  next(): Promise<T | undefined> {
    try {
      this.#core.check()
      if (this.#tail) return this.#queue(() => this.#nextSlow())
      this.#check()
      if (this.#ready()) return soon(this.#one())
      return this.#queue(() => this.#nextSlow())
    } catch (error) {
      return Promise.reject(fromNative(error))
    }
  }

  /** Up to `size` entries (1 to 2^32 - 1); an empty array at the end. */
  nextv(size: number): Promise<T[]> {
    try {
      this.#core.check()
      checkInteger('size', size, 1, MOST_ENTRIES)
      if (this.#tail) return this.#queue(() => this.#many(size, []))
      const entries: T[] = []
      const missing = this.#gather(size, entries)
      return missing ? this.#queue(() => missing.then(() => this.#many(size, entries))) : soon(entries)
    } catch (error) {
      return Promise.reject(fromNative(error))
    }
  }

  /** All entries that are left, and closes the iterator. They must fit in memory. */
  all(): Promise<T[]> {
    try {
      this.#core.check()
      return this.#queue(async () => {
        const all = await this.#many(Number.POSITIVE_INFINITY, [])
        this.#finish()
        return all
      })
    } catch (error) {
      return Promise.reject(fromNative(error))
    }
  }

  /**
   * Goes to the first entry at or after `key` (in reverse: at or before), within the range. The limit counts anew.
   * Answers come with the next call; overlapping calls keep their order.
   */
  seek(key: Input<K>): void {
    this.#core.check()
    this.#check()
    const encoded = this.#core.keys.encode(key, 'key')
    const target = Buffer.from(encoded as string)
    const go = () => {
      if (this.#box.closed || this.#error) return
      this.#page.clear()
      this.#ended = false
      this.#left = this.#limit
      this.#pageBytes = FIRST_PAGE
      at(() => native.seek(this.#box.scan, target))
    }
    if (this.#tail) this.#queue(async () => go()).catch(() => {})
    else go()
  }

  /** Releases what the iterator holds. Calls that were made before are answered first. Closing twice is fine. */
  close(): Promise<void> {
    if (!this.#tail) {
      this.#finish()
      return CLOSED
    }
    return this.#tail.then(
      () => this.close(),
      () => this.close(),
    )
  }

  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** For `for await`; leaving the loop closes the iterator. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    const done = { done: true as const, value: undefined }
    return {
      next: (): Promise<IteratorResult<T, undefined>> => {
        try {
          if (!this.#tail) {
            this.#core.check()
            this.#check()
            if (this.#ready() && !this.#ended) return soon({ done: false, value: this.#one() as T })
          }
        } catch (error) {
          return Promise.reject(fromNative(error))
        }
        return this.next().then(value => {
          if (value !== undefined) return { done: false as const, value }
          this.#finish()
          return done
        })
      },
      return: async () => {
        await this.close()
        return done
      },
    }
  }

  /** Walks on this thread, waiting for the disk where needed. @internal */
  *sync(): Generator<T, void, undefined> {
    try {
      this.#core.gate.force()
      for (;;) {
        this.#core.check()
        this.#check()
        while (!this.#ready()) this.#load(1)
        if (this.#ended) return
        yield this.#one() as T
      }
    } finally {
      this.#finish()
    }
  }

  /** Not whether the engine is closed: `close` waits for calls that were made before it. */
  #check(): void {
    if (this.#error) throw this.#error
    if (this.#box.closed) throw new MossError('ITERATOR_CLOSED', 'the iterator is closed: make a new one')
  }

  /** Whether `#one` can answer; loads a page that needs no disk. */
  #ready(): boolean {
    const page = this.#page
    if (page.left > 0 && this.#left > 0) return true
    if (this.#ended) return true
    if (this.#left <= 0 || page.last) {
      this.#ended = true
      return true
    }
    return false
  }

  #one(): T | undefined {
    if (this.#ended) return undefined
    this.#left--
    return this.#take(this.#page)
  }

  /** Brings the next page; a promise when it has to wait for it, or for the event loop to turn. */
  #load(blocking: 0 | 1): Promise<void> | undefined {
    const entries = Math.min(this.#left, MOST_ENTRIES)
    const wanted = this.#pageBytes
    this.#pageBytes = Math.min(wanted * 4, LARGEST_PAGE)
    let found: number | Buffer
    try {
      found = hot.page(this.#box.scan, wanted, entries, blocking, pool.memory, pool.next)
    } catch (error) {
      this.#error = fromNative(error)
      throw this.#error
    }
    if (typeof found !== 'number' || found >= 0) {
      this.#set(found)
      return blocking ? undefined : rest(1 + (pool.lengthOf(found) >>> 9))
    }
    return this.#core.track(answer<Buffer>(-found)).then(
      bytes => this.#page.own(bytes),
      error => {
        this.#error = error
        throw error
      },
    )
  }

  #set(found: number | Buffer): void {
    if (typeof found === 'number') pool.takePage(this.#page, out, found)
    else this.#page.own(found)
  }

  async #nextSlow(): Promise<T | undefined> {
    this.#check()
    while (!this.#ready()) {
      const loading = this.#load(0)
      if (loading) await loading
    }
    return this.#one()
  }

  /** Adds entries to `entries` until there are `size` or none is left; a promise when it has to wait for a page. */
  #gather(size: number, entries: T[]): Promise<void> | undefined {
    this.#check()
    const page = this.#page
    const take = this.#take
    while (entries.length < size) {
      if (!this.#ready()) {
        const loading = this.#load(0)
        if (loading) return loading
        continue
      }
      if (this.#ended) break
      const most = Math.min(size - entries.length, this.#left, page.left)
      for (let taken = 0; taken < most; taken++) {
        this.#left--
        entries.push(take(page))
      }
    }
    return undefined
  }

  async #many(size: number, entries: T[]): Promise<T[]> {
    for (;;) {
      const missing = this.#gather(size, entries)
      if (!missing) return entries
      await missing
    }
  }

  #queue<R>(work: () => Promise<R>): Promise<R> {
    const result = this.#core.track(this.#tail ? this.#tail.then(work, work) : work())
    this.#tail = result
    this.#settle(result)
    return result
  }

  #settle(promise: Promise<unknown>): void {
    const done = () => {
      if (this.#tail === promise) this.#tail = undefined
    }
    promise.then(done, done)
  }

  #finish(): void {
    if (this.#box.closed) return
    const box = this.#box
    release(box)
    young.remove(this, box)
  }
}

/** An iterator over entries, for the engine's methods. @internal */
export type { IteratorOptions }
