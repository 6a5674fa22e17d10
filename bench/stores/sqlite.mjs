/**
 * SQLite as a key-value store, by better-sqlite3 (or `node:sqlite`): one table, prepared statements, a transaction a
 * batch, write-ahead logging, which both recommend. `synchronous = NORMAL`, the recommendation for that mode, syncs at
 * checkpoints only; `FULL` syncs every commit. The page cache has the size of MossKV's, in worker threads half of it.
 * SQLite advises WITHOUT ROWID for rows up to a twentieth of a page, 200 bytes: so do we.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openSqlite, sqliteVersion } from '../lib/sqlite.mjs'

const SMALL = 200
const MANY = 100

/** @type {import('../types.d.ts').StoreModule} */
export default {
  name: 'sqlite',
  version: sqliteVersion,
  settings: {
    os: { journal_mode: 'WAL', synchronous: 'NORMAL', cache_size: '256 MiB' },
    disk: { journal_mode: 'WAL', synchronous: 'FULL', cache_size: '256 MiB' },
  },
  findings: ['SQLite: every call runs on the thread of the event loop; 64 in flight is one at a time'],

  async open(directory, { durability, values, valueBytes, threads }) {
    mkdirSync(directory, { recursive: true })
    const db = openSqlite(join(directory, 'sqlite.db'))
    db.exec('PRAGMA busy_timeout = 10000')
    db.exec('PRAGMA journal_mode = WAL')
    db.exec(`PRAGMA synchronous = ${durability === 'disk' ? 'FULL' : 'NORMAL'}`)
    db.exec(`PRAGMA cache_size = -${(threads ? 128 : 256) * 1024}`)
    const type = values === 'string' ? 'TEXT' : 'BLOB'
    const shape = valueBytes <= SMALL ? 'WITHOUT ROWID' : ''
    db.exec(`CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY NOT NULL, value ${type}) ${shape}`)

    const select = 'SELECT key, CAST(value AS TEXT) AS value FROM kv'
    const rows = values === 'string' ? select : 'SELECT key, value FROM kv'
    const one = db.value(`${rows.replace('key, ', '')} WHERE key = ?`)
    const many = db.rows(`${rows} WHERE key IN (${Array(MANY).fill('?').join(', ')})`)
    const forwards = db.rows(`${rows} ORDER BY key`)
    const backwards = db.rows(`${rows} ORDER BY key DESC`)
    const from = db.rows(`${rows} WHERE key >= ? ORDER BY key LIMIT ?`)
    const put = db.run('INSERT INTO kv VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value')
    const begin = db.run('BEGIN IMMEDIATE')
    const commit = db.run('COMMIT')

    /** @type {(key: string) => import('../types.d.ts').Value | undefined} */
    const get = key => one(key)

    return {
      put: (key, value) => put(key, value),
      batch(keys, values, from, to) {
        begin()
        for (let i = from; i < to; i++) put(keys[i], values[i])
        commit()
      },
      get,
      getSync: get,
      getMany(keys) {
        if (keys.length !== MANY) return keys.map(get)
        const found = new Map(many(...keys))
        return keys.map(key => found.get(key))
      },
      async scan(visit) {
        for (const [key, value] of forwards()) visit(key, value)
      },
      async scanReverse(visit) {
        for (const [key, value] of backwards()) visit(key, value)
      },
      async seek(key, limit, visit) {
        for (const [found, value] of from(key, limit)) visit(found, value)
      },
      async settle() {
        db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      },
      async close() {
        db.close()
      },
    }
  },
}
