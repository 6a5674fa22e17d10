import { AbstractChainedBatch } from 'abstract-level'
import type { ChainedBatch } from './batch.js'
import type { ExpiryOptions } from './expiry.js'
import { levelError } from './level-errors.js'
import { type Data, type LevelWriteOptions, writeOptions } from './level-options.js'

/** The chained batch as abstract-level has it: a shell around the engine's. @internal */
export class LevelChainedBatch<D, K, V> extends AbstractChainedBatch<D, K, V> {
  readonly #inner: ChainedBatch<Data, Data>

  constructor(db: D, inner: ChainedBatch<Data, Data>) {
    super(db)
    this.#inner = inner
  }

  _put(key: Data, value: Data, { ttl, expiresAt }: ExpiryOptions): void {
    try {
      const lasts = ttl === undefined && expiresAt === undefined
      this.#inner.put(key, value, lasts ? undefined : { ttl, expiresAt })
    } catch (error) {
      throw levelError(error)
    }
  }

  _del(key: Data): void {
    try {
      this.#inner.del(key)
    } catch (error) {
      throw levelError(error)
    }
  }

  _clear(): void {
    this.#inner.clear()
  }

  async _write(options: LevelWriteOptions): Promise<void> {
    try {
      await this.#inner.write(writeOptions(options))
    } catch (error) {
      throw levelError(error)
    }
  }

  async _close(): Promise<void> {
    await this.#inner.close()
  }
}
