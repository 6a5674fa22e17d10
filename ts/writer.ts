// Writes of one turn of one database: they are encoded into the slab as they are called, and committed together by one
// native call when the turn's microtasks come to it. They share one promise, because they share one fate.

import { type Encoder, type Kind, MAX_KEY, MAX_VALUE, room, withScratch, writeData } from './encoder.js'
import { fromNative, type MossError } from './errors.js'
import type { Blocker, Gate } from './gate.js'
import { hot, native, onAnswer, slab } from './native.js'
import { turn } from './turn.js'

const DONE = Promise.resolve()

/** A promise of one group of writes. */
class Group implements Blocker {
  readonly promise: Promise<void>
  settled = false
  durability: number
  /** The ticket of a commit that is not done. */
  ticket = 0
  /** Whether it was opened while the gate was closed, so that its bytes wait in `chunks` and not in native code. */
  readonly held: boolean
  readonly chunks: Buffer[] = []
  /** Bytes that were moved there from the slab, or did not go through it. */
  staged = 0
  #resolve!: (value?: void | PromiseLike<void>) => void
  #reject!: (error: MossError) => void
  #callbacks: (() => void)[] | undefined

  constructor(durability: number, held: boolean) {
    this.durability = durability
    this.held = held
    this.promise = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  resolve(value?: Promise<void>): void {
    this.#resolve(value)
    this.#finish()
  }

  reject(error: MossError): void {
    this.#reject(error)
    this.#finish()
  }

  whenSettled(callback: () => void): void {
    if (this.settled) callback()
    else if (this.#callbacks) this.#callbacks.push(callback)
    else this.#callbacks = [callback]
  }

  block(): void {
    if (!this.settled && this.ticket !== 0) native.wait(this.ticket)
  }

  #finish(): void {
    this.settled = true
    const callbacks = this.#callbacks
    this.#callbacks = undefined
    if (callbacks) for (const callback of callbacks) callback()
  }
}

/** Whose operations lie in the slab, and up to where. */
let owner: Writer | undefined
let used = 0

/** What a writer needs of its database. Writes that are not done keep it from being collected. @internal */
export interface Owner {
  readonly db: number
  readonly gate: Gate
  readonly inflight: Set<Promise<unknown>>
}

/** The writes of one database. @internal */
export class Writer {
  readonly #core: Owner
  readonly #db: number
  readonly #gate: Gate
  #group: Group | undefined
  readonly #turnEnds = () => {
    if (this.#group) this.commit()
  }

  constructor(core: Owner) {
    this.#core = core
    this.#db = core.db
    this.#gate = core.gate
  }

  /** Adds one operation to the turn's group. */
  add(
    kind: Kind,
    key: string | Uint8Array,
    value: string | Uint8Array | undefined,
    durability: number,
    valueName = 'value',
  ): Promise<void> {
    const most = 1 + room(key) + (value === undefined ? 0 : room(value))
    if (most > slab.length) {
      return withScratch(
        encoder => encoder.add(kind, key, value, valueName),
        encoder => this.addAll(encoder, durability),
      )
    }
    this.#claim(most)
    const start = used
    let at = writeData(slab, start + 1, key, 'key', MAX_KEY)
    if (value !== undefined) at = writeData(slab, at, value, valueName, MAX_VALUE)
    slab[start] = kind
    used = at
    return this.#join(durability)
  }

  /** Adds the operations of `encoder`, which is cleared or dropped next, to the turn's group. */
  addAll(encoder: Encoder, durability: number): Promise<void> {
    if (encoder.count === 0) return this.#group?.promise ?? DONE
    if (encoder.length <= slab.length) {
      this.#claim(encoder.length)
      encoder.bytes.copy(slab, used, 0, encoder.length)
      used += encoder.length
      return this.#join(durability)
    }
    this.#claim(slab.length)
    const promise = this.#join(durability)
    const group = this.#group!
    group.staged += encoder.length
    if (group.held) group.chunks.push(Buffer.from(encoder.bytes.subarray(0, encoder.length)))
    else this.#hand(encoder)
    return promise
  }

  /** Commits the open group now. Returns it if it is not done. */
  commit(): Group | undefined {
    const group = this.#group
    if (!group) return undefined
    if (this.#gate.closed || group.held) {
      if (owner === this) this.#stage(group)
      this.#group = undefined
      if (this.#gate.closed) {
        this.#gate.write(() => this.#send(group, 0))
        return group
      }
      return this.#send(group, 0)
    }
    this.#group = undefined
    const length = owner === this ? used : 0
    if (owner === this) owner = undefined
    return this.#send(group, length)
  }

  /** Commits one operation, or what `encoder` holds, and waits for it on this thread. */
  commitSync(encoder: Encoder, durability: number): void {
    this.commit()
    this.#gate.force()
    if (encoder.count === 0) return
    this.#hand(encoder)
    hot.commit(this.#db, 0, durability, 1)
  }

  /** Hands over what `encoder` holds, which may be changed afterwards if it is not in a block. */
  #hand({ block, bytes, length }: Encoder): void {
    if (block) hot.stageBlock(this.#db, block.number, length)
    else hot.stageBytes(this.#db, bytes, length)
  }

  /** Makes the slab this writer's, with `needed` bytes free. */
  #claim(needed: number): void {
    if (owner === this) {
      if (used + needed > slab.length) {
        this.#stage(this.#group!)
        owner = this
      }
      return
    }
    if (owner) owner.#stage(owner.#group!)
    owner = this
    used = 0
  }

  #join(durability: number): Promise<void> {
    const group = this.#group
    if (group) {
      if (durability > group.durability) group.durability = durability
      return group.promise
    }
    const opened = new Group(durability, this.#gate.closed)
    this.#group = opened
    DONE.then(this.#turnEnds)
    return opened.promise
  }

  /** Moves what lies in the slab to where the group's earlier bytes are. */
  #stage(group: Group | undefined): void {
    if (used > 0 && group) {
      group.staged += used
      if (group.held) group.chunks.push(Buffer.from(slab.subarray(0, used)))
      else hot.stage(this.#db, used)
    }
    owner = undefined
    used = 0
  }

  #send(group: Group, length: number): Group | undefined {
    let ticket: number
    try {
      for (const chunk of group.chunks) hot.stageBytes(this.#db, chunk, chunk.length)
      ticket = hot.commit(this.#db, length, group.durability, 0)
    } catch (error) {
      group.reject(fromNative(error))
      return undefined
    }
    if (ticket === 0) {
      group.resolve(turn(1 + ((group.staged + length) >>> 7)))
      return undefined
    }
    group.ticket = ticket
    this.#core.inflight.add(group.promise)
    // Settled inside the delivery, not a microtask later: `block` may only wait for what has not been delivered.
    onAnswer(
      ticket,
      () => {
        this.#core.inflight.delete(group.promise)
        group.resolve()
      },
      error => {
        this.#core.inflight.delete(group.promise)
        group.reject(error)
      },
    )
    return group
  }
}
