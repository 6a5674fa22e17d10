/**
 * What the adapters use of rivals that bring no types, or that may not be there. Just as much as is used.
 */

declare module '@nxtedition/rocksdb' {
  export class RocksLevel {
    constructor(locationOrHandle: string | bigint, options?: object)
    readonly handle: bigint
    open(options?: object): Promise<void>
    close(): Promise<void>
    put(key: string, value: unknown, options?: object): Promise<void>
    // biome-ignore lint/suspicious/noExplicitAny: what it is depends on the encoding
    get(key: string, options?: object): Promise<any>
    // biome-ignore lint/suspicious/noExplicitAny: what it is depends on the encoding
    getMany(keys: string[], options?: object): Promise<any[]>
    batch(): {
      put(key: string, value: unknown): unknown
      write(options?: object): Promise<void>
    }
    batch(operations: object[], options?: object): Promise<void>
    iterator(range: object): {
      // biome-ignore lint/suspicious/noExplicitAny: what it is depends on the encoding
      nextv(size: number): Promise<[string, any][]>
      close(): Promise<void>
    }
    getProperty(name: string): string
  }
}

declare module 'rocksdb-native' {
  interface Batch<T> {
    get(key: string): Promise<T | null>
    tryPut(key: string, value: unknown): void
    flush(): Promise<void>
    tryFlush(): void
  }
  export default class RocksDB {
    constructor(path: string, options?: object)
    ready(): Promise<void>
    close(): Promise<void>
    put(key: string, value: unknown): Promise<void>
    get(key: string): Promise<Buffer | null>
    read(options?: object): Batch<Buffer>
    write(options?: object): Batch<Buffer>
    flush(): Promise<void>
    compactRange(): Promise<void>
    iterator(range: object): AsyncIterable<{ key: Buffer; value: Buffer }>
  }
}

interface SqliteStatement {
  run(...parameters: unknown[]): unknown
  get(...parameters: unknown[]): unknown
  all(...parameters: unknown[]): unknown[]
  iterate(...parameters: unknown[]): Iterable<unknown>
}

declare module 'better-sqlite3' {
  interface Statement extends SqliteStatement {
    pluck(): this
    raw(): this
  }
  export default class Database {
    constructor(file: string)
    exec(sql: string): void
    prepare(sql: string): Statement
    close(): void
  }
}

declare module 'node:sqlite' {
  export class DatabaseSync {
    constructor(file: string)
    exec(sql: string): void
    prepare(sql: string): SqliteStatement
    close(): void
  }
}
