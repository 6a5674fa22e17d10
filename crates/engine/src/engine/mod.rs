//! The engine: what a program holds. Open, write, read, iterate, close.
//!
//! An [`Engine`] is a cheap handle (clones share one database) and may be used from any thread.

mod iterator;
mod maintenance;
mod open;
mod registry;
mod stats;

use std::path::Path;
use std::sync::Arc;

use crate::batch::WriteBatch;
use crate::commit::{Commit, Done};
use crate::compaction::job::Compactor;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Listener;
use crate::expiry::Now;
use crate::fs::{DirLock, Fs};
use crate::key::MAX_KEY_BYTES;
use crate::options::{Durability, Options};
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::sync::Mutex;
use crate::table::ReadHow;
use crate::worker::Executor;

pub use iterator::{Iter, IterOptions};
pub use registry::SharedEngine;
pub use stats::{LevelStats, Stats};

/// An open database.
///
/// ```
/// use mosskv::{Engine, ErrorKind};
/// # let directory = tempfile::tempdir().unwrap();
/// # std::env::set_current_dir(&directory).unwrap();
///
/// // the directory, memtable bytes before a flush, L0 tables before a compaction
/// let e = Engine::new("./", 64 * 1024 * 1024, 10).unwrap();
/// e.put("1", "1").unwrap();
/// let res = e.get("1").unwrap();
/// assert_eq!(res.as_deref(), Some(&b"1"[..]));
/// e.del("1").unwrap();
/// assert_eq!(e.get("1").unwrap(), None);
/// let res = e.require("1");
/// assert!(res.is_err_and(|e| e == ErrorKind::KeyNotFound));
/// ```
#[derive(Clone)]
pub struct Engine {
    database: Arc<Database>,
}

/// What all handles share. Its drop closes the database.
struct Database {
    parts: Arc<Parts>,
    lock: Mutex<Option<Box<dyn DirLock>>>,
}

/// What background lanes and iterators keep alive: everything but the directory lock.
pub(crate) struct Parts {
    pub store: Store,
    pub commit: Commit,
    pub compactor: Compactor,
}

/// What an engine runs on, apart from its settings.
#[derive(Clone)]
pub struct Environment {
    /// The file system.
    pub fs: Arc<dyn Fs>,
    /// Where background work runs, and the clock: threads, or one seeded thread for simulation.
    pub executor: Executor,
    /// Told of flushes, compactions, stalls and failures. Called on background threads and, for stalls, on the writer's:
    /// it must be quick and must not call the engine.
    pub listener: Option<Listener>,
}

impl Default for Environment {
    /// The operating system's files, threads and clock; no listener.
    fn default() -> Self {
        Self { fs: Arc::new(crate::fs::os::OsFs), executor: Executor::threads(), listener: None }
    }
}

/// A value with what the database knows about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// The millisecond of the Unix epoch from which on the key is absent; `None`: never.
    pub expires_at: Option<u64>,
}

/// How to read.
#[derive(Clone, Copy)]
pub struct ReadOptions<'a> {
    /// Read this state instead of the present.
    pub snapshot: Option<&'a Snapshot>,
    /// Keep blocks that had to be read in the cache. Default: true.
    pub fill_cache: bool,
    /// Wait for the disk if the answer is not in memory; otherwise fail with `WouldBlock`. Default: true.
    pub may_block: bool,
}

impl Default for ReadOptions<'_> {
    fn default() -> Self {
        Self { snapshot: None, fill_cache: true, may_block: true }
    }
}

impl ReadOptions<'_> {
    fn how(&self) -> ReadHow {
        ReadHow { may_block: self.may_block, fill_cache: self.fill_cache, sequential: false }
    }
}

impl Engine {
    /// Opens the database in `path`, created when missing, with a memtable of `memtable_bytes` before each flush and at
    /// most about `max_tables` L0 tables before a compaction; everything else as in [`Options::default`].
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn new(path: impl AsRef<Path>, memtable_bytes: usize, max_tables: usize) -> Result<Self> {
        Self::open(path, Options { memtable_bytes, max_tables, ..Options::default() })
    }

    /// Opens the database in `path`.
    ///
    /// Replays the logs a crash left behind, so that the state is a prefix of what was written, with everything that was
    /// acknowledged at its durability.
    ///
    /// # Errors
    /// `InvalidArgument` for options out of range, `Locked` when someone has it open, `DatabaseNotFound`,
    /// `DatabaseExists`, `Corruption`, `UnsupportedFormat`, and errors of the operating system.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        Self::open_with(path, options, Environment::default())
    }

    /// Sets `key` to `value`. When it returns, the write is as durable as the options say.
    ///
    /// # Errors
    /// `InvalidArgument` for a key over 64 KiB or a value over 1 GiB; otherwise as [`Engine::write`].
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<()> {
        let (key, value) = (key.as_ref(), value.as_ref());
        let mut batch = WriteBatch::with_capacity(key.len() + value.len() + 16);
        batch.put(key, value)?;
        self.write(batch, None)
    }

    /// Sets `key` to `value` until `expires_at`, in milliseconds of the Unix epoch: from then on every read, also of an
    /// older snapshot, finds nothing, and compactions give the space back. Errors as [`Engine::put`]; the value may have
    /// 8 bytes less.
    pub fn put_with_expiry(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        expires_at: u64,
    ) -> Result<()> {
        let (key, value) = (key.as_ref(), value.as_ref());
        let mut batch = WriteBatch::with_capacity(key.len() + value.len() + 24);
        batch.put_with_expiry(key, value, expires_at)?;
        self.write(batch, None)
    }

    /// Removes `key`; removing a missing key is not an error. Errors as [`Engine::put`].
    pub fn del(&self, key: impl AsRef<[u8]>) -> Result<()> {
        let mut batch = WriteBatch::new();
        batch.delete(key.as_ref())?;
        self.write(batch, None)
    }

    /// Removes every key from `start` up to `end`, exclusive, in one atomic step that costs the same however many there
    /// are. `InvalidArgument` when `start` is greater than `end`; otherwise errors as [`Engine::put`].
    pub fn delete_range(&self, start: impl AsRef<[u8]>, end: impl AsRef<[u8]>) -> Result<()> {
        let mut batch = WriteBatch::new();
        batch.delete_range(start.as_ref(), end.as_ref())?;
        self.write(batch, None)
    }

    /// Applies `batch`, all of it or nothing, and waits until it is as durable as `durability` (or the options) say. May
    /// wait for flushes and compactions when they fall behind.
    ///
    /// # Errors
    /// `Closed`; `ReadOnly` with the failure that stopped writes; `CommitUnknown` when this very write hit it.
    pub fn write(&self, batch: WriteBatch, durability: Option<Durability>) -> Result<()> {
        let parts = &self.database.parts;
        if batch.is_empty() {
            return parts.store.health.check_writable();
        }
        parts.commit.write(&parts.store, batch, durability.unwrap_or(parts.store.options.durability))
    }

    /// Like [`Engine::write`] for callers that must not wait: never blocks on the disk or on back-pressure. `done` gets
    /// the outcome, on this thread before the return when the engine was idle and nothing needed to be synced, otherwise
    /// later on a background thread.
    pub fn write_then(
        &self,
        batch: WriteBatch,
        durability: Option<Durability>,
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) {
        let parts = &self.database.parts;
        if batch.is_empty() {
            return done(parts.store.health.check_writable());
        }
        let durability = durability.unwrap_or(parts.store.options.durability);
        parts.commit.write_then(&parts.store, batch, durability, Done::Callback(Box::new(done)));
    }

    /// The value of `key`, or `None`. Errors as [`Engine::get_with`].
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>> {
        self.get_with(key, &ReadOptions::default(), <[u8]>::to_vec)
    }

    /// The value of `key`; a missing key is the error `KeyNotFound`. Otherwise as [`Engine::get`].
    pub fn require(&self, key: impl AsRef<[u8]>) -> Result<Vec<u8>> {
        let key = key.as_ref();
        self.get(key)?.ok_or_else(|| {
            let shown: String = String::from_utf8_lossy(key).chars().take(60).collect();
            Error::new(ErrorKind::KeyNotFound, format!("there is no key {shown:?}"))
        })
    }

    /// Hands the value of `key` to `found` where it lies, and returns what that returns; `None` when there is no such
    /// key. Does not copy and, when everything is in memory, neither allocates nor locks.
    ///
    /// # Errors
    /// `InvalidArgument` (key too long, snapshot of another database), `Closed`, `Corruption`, `Io`, and `WouldBlock` if
    /// the options forbid waiting.
    pub fn get_with<R>(
        &self,
        key: impl AsRef<[u8]>,
        options: &ReadOptions<'_>,
        found: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.read(key.as_ref(), options, |value, _| found(value))
    }

    /// The value of `key` with the moment it expires; `None` when there is no such key. Costs and fails like
    /// [`Engine::get_with`], and copies the value.
    pub fn get_entry(&self, key: impl AsRef<[u8]>, options: &ReadOptions<'_>) -> Result<Option<Entry>> {
        self.read(key.as_ref(), options, |value, expires_at| Entry { value: value.to_vec(), expires_at })
    }

    fn read<R>(
        &self,
        key: &[u8],
        options: &ReadOptions<'_>,
        found: impl FnOnce(&[u8], Option<u64>) -> R,
    ) -> Result<Option<R>> {
        let store = &self.database.parts.store;
        store.check_open()?;
        check_key(key)?;
        let view = store.view.load();
        let snapshot = match options.snapshot {
            None => store.visible(),
            Some(snapshot) => store.checked_seqno(snapshot)?,
        };
        view.get(key, snapshot, options.how(), &mut Now::new(&store.clock), found)
    }

    /// Hands the value of each of `keys` that is there, all of one state of the database, to `found` with the key's
    /// index, in no order. A key costs about two thirds of a [`Engine::get_with`] of its own when nothing but memory
    /// is needed. Errors as there; `found` may have been called for some keys by then.
    pub fn get_many(
        &self,
        keys: &[impl AsRef<[u8]>],
        options: &ReadOptions<'_>,
        found: impl FnMut(usize, &[u8]),
    ) -> Result<()> {
        let store = &self.database.parts.store;
        store.check_open()?;
        keys.iter().try_for_each(|key| check_key(key.as_ref()))?;
        let view = store.view.load();
        let snapshot = match options.snapshot {
            None => store.visible(),
            Some(snapshot) => store.checked_seqno(snapshot)?,
        };
        view.get_many(keys, snapshot, options.how(), &mut Now::new(&store.clock), found)
    }

    /// Whether `key` is there. Costs and fails like [`Engine::get_with`].
    pub fn contains(&self, key: impl AsRef<[u8]>, options: &ReadOptions<'_>) -> Result<bool> {
        Ok(self.get_with(key, options, |_| ())?.is_some())
    }

    /// The present state, to be read later: reads that name it see nothing written since. Holding it keeps the versions
    /// it needs from being compacted away; drop it to let them go.
    pub fn snapshot(&self) -> Snapshot {
        let store = &self.database.parts.store;
        store.snapshots.take(&store.visible)
    }

    /// Runs `job` on a reader thread. For callers that must not wait for the disk themselves. After the close it runs
    /// here and now, and its reads fail at once.
    pub fn spawn_read(&self, job: impl FnOnce() + Send + 'static) {
        let store = &self.database.parts.store;
        if let Err(job) = store.reads.push(Box::new(job)) {
            job();
        }
    }
}

/// Refuses keys over the limit.
fn check_key(key: &[u8]) -> Result<()> {
    if key.len() > MAX_KEY_BYTES {
        let message = format!("key has {} bytes: at most {MAX_KEY_BYTES} are allowed", key.len());
        return Err(Error::invalid(message));
    }
    Ok(())
}
