/**
 * SQLite by better-sqlite3, or where that cannot be loaded by Node's own `node:sqlite` (Node 22 and newer).
 *
 * Statements become functions: `value` answers with the one column of the first row, `rows` with an iterable of
 * [key, value], `run` with nothing.
 */
import { versionOf } from './load.mjs'

/** @typedef {import('../types.d.ts').Value} Value */

/**
 * @typedef {object} Sqlite
 * @property {(sql: string) => void} exec
 * @property {(sql: string) => (...parameters: unknown[]) => unknown} run
 * @property {(sql: string) => (...parameters: unknown[]) => Value | undefined} value
 * @property {(sql: string) => (...parameters: unknown[]) => Iterable<[string, Value]>} rows
 * @property {() => void} close
 */

/** @param {Awaited<ReturnType<typeof better>>} Database @param {string} file @returns {Sqlite} */
function withBetter(Database, file) {
  const db = new Database(file)
  return {
    exec: sql => db.exec(sql),
    run(sql) {
      const statement = db.prepare(sql)
      return (...parameters) => statement.run(...parameters)
    },
    value(sql) {
      const statement = db.prepare(sql).pluck()
      return (...parameters) => /** @type {Value | undefined} */ (statement.get(...parameters))
    },
    rows(sql) {
      const statement = db.prepare(sql).raw()
      return (...parameters) => /** @type {Iterable<[string, Value]>} */ (statement.iterate(...parameters))
    },
    close: () => db.close(),
  }
}

/** `node:sqlite` gives bytes as Uint8Array. @param {unknown} value */
function own(value) {
  if (!(value instanceof Uint8Array)) return /** @type {string} */ (value)
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

/** @param {typeof import('node:sqlite').DatabaseSync} Database @param {string} file @returns {Sqlite} */
function withNode(Database, file) {
  const db = new Database(file)
  return {
    exec: sql => db.exec(sql),
    run(sql) {
      const statement = db.prepare(sql)
      return (...parameters) => statement.run(...parameters)
    },
    value(sql) {
      const statement = db.prepare(sql)
      return (...parameters) => {
        const row = /** @type {{ value: unknown } | undefined} */ (statement.get(...parameters))
        return row && own(row.value)
      }
    },
    rows(sql) {
      const statement = db.prepare(sql)
      return function* (...parameters) {
        for (const row of statement.iterate(...parameters)) {
          const { key, value } = /** @type {{ key: string, value: unknown }} */ (row)
          yield [key, own(value)]
        }
      }
    },
    close: () => db.close(),
  }
}

/** better-sqlite3 loads its native half only when a database is opened. */
async function better() {
  const { default: Database } = await import('better-sqlite3')
  new Database(':memory:').close()
  return Database
}

/** @returns {Promise<{ by: string, open: (file: string) => Sqlite }>} */
async function find() {
  try {
    const Database = await better()
    return { by: `better-sqlite3 ${versionOf('better-sqlite3')}`, open: file => withBetter(Database, file) }
  } catch (error) {
    const node = await import('node:sqlite').catch(() => undefined)
    if (node === undefined) throw error
    return { by: `node:sqlite of ${process.version}`, open: file => withNode(node.DatabaseSync, file) }
  }
}

const { by, open } = await find()

const memory = open(':memory:')
const library = memory.value('SELECT sqlite_version() AS value')()
memory.close()

/** What runs: the binding, and the library in it. */
export const sqliteVersion = `${by}, SQLite ${library}`

/** Opens or creates a database. */
export const openSqlite = open
