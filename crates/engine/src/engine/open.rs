//! Opening and closing a database.

use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwap;

use super::{Database, Engine, Environment, Parts};
use crate::cache::{BlockCache, TableCache};
use crate::commit::Commit;
use crate::compaction::job::Compactor;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Counters, Event};
use crate::fs::{Dir, DirLock, FileName};
use crate::health::{Health, Severity};
use crate::memtable::Memtable;
use crate::options::Options;
use crate::recovery::{self, Recovered};
use crate::remover::Remover;
use crate::snapshot::Snapshots;
use crate::store::{Lanes, Store};
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::table::TableContext;
use crate::version::install::Installer;
use crate::view::ReadView;
use crate::worker::{Executor, Gate, Poll, TaskQueue};
use crate::{compaction, flush};

/// Threads for reads that need the disk.
const READERS: usize = 2;

impl Engine {
    /// Opens the database in `path` on the given file system, executor and clock. Otherwise as [`Engine::open`].
    pub fn open_with(path: impl AsRef<Path>, options: Options, environment: Environment) -> Result<Self> {
        let path = path.as_ref();
        options.validate()?;
        let create = options.create_if_missing && !options.read_only;
        let dir = environment.fs.open_dir(path, create).map_err(|error| no_directory(path, error))?;
        let lock = if options.read_only { None } else { Some(lock(path, dir.as_ref())?) };
        let store = open_store(path, dir, options, environment)?;
        let (store, wal) = store;
        let last_seqno = store.visible();
        let parts = Arc::new(Parts { commit: Commit::new(wal, last_seqno), compactor: Compactor::default(), store });
        start_lanes(&parts)?;
        parts.store.emit(&Event::Open);
        Ok(Self { database: Arc::new(Database { parts, lock: Mutex::new(lock) }) })
    }

    /// Closes the database: refuses new calls, finishes the writes that wait, flushes the memtable (so that the next
    /// open has nothing to replay), ends the threads and releases the directory. Later calls fail with `Closed`. Calling
    /// it again does nothing.
    ///
    /// # Errors
    /// What kept the last flush from succeeding. The database is closed all the same; logged writes are still in the log.
    pub fn close(&self) -> Result<()> {
        self.database.close()
    }
}

impl Database {
    fn close(&self) -> Result<()> {
        let mut lock = self.lock.lock();
        let Parts { store, commit, .. } = self.parts.as_ref();
        if store.health.is_closed() {
            return Ok(());
        }
        let mut flushed = commit.close(store);
        if flushed.is_ok() && store.health.check_writable().is_ok() {
            store.notify(|lanes| lanes.flush);
            flushed = store.wait_for(|| store.view.load().immutables.is_empty().then_some(()));
        }
        store.health.close();
        store.progress.open_all();
        store.executor.shutdown();
        while store.reads.poll() == Poll::Worked {}
        while store.remover.poll() == Poll::Worked {}
        *lock = None;
        store.emit(&Event::Close);
        flushed
    }
}

impl Drop for Database {
    /// Closes quietly: whoever wants to know how it went calls `close`.
    fn drop(&mut self) {
        drop(self.close());
    }
}

fn no_directory(path: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => recovery::not_found(path),
        std::io::ErrorKind::NotADirectory => {
            Error::invalid(format!("{} is not a directory: name the directory of the database", path.display()))
        }
        _ => Error::io("open the directory", path.display(), error),
    }
}

fn lock(path: &Path, dir: &dyn Dir) -> Result<Box<dyn DirLock>> {
    let lock = dir.lock(&FileName::Lock.to_string()).map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => {
            let owner = lock_owner(dir);
            let what = "close it there first, or open it with readOnly";
            Error::new(ErrorKind::Locked, format!("{} is in use by {owner}: {what}", path.display()))
        }
        _ => Error::io("lock", path.join(FileName::Lock.to_string()).display(), error),
    })?;
    let owner = format!("{}\n", std::process::id());
    lock.write_owner(&owner).map_err(|error| Error::io("write", FileName::Lock, error))?;
    Ok(lock)
}

/// Who holds the lock, as far as the lock file tells.
fn lock_owner(dir: &dyn Dir) -> String {
    let mut text = [0; 20];
    let read = dir.open(&FileName::Lock.to_string(), crate::fs::OpenMode::Read).and_then(|f| f.read_at(&mut text, 0));
    let pid = read.ok().and_then(|n| std::str::from_utf8(text.get(..n)?).ok()?.trim().parse::<u32>().ok());
    match pid {
        Some(pid) if pid == std::process::id() => format!("this process (pid {pid})"),
        Some(pid) => format!("the process with pid {pid}"),
        None => "another process".to_owned(),
    }
}

/// Builds the store around what recovery finds, and makes it durable unless the database is opened read-only.
fn open_store(
    path: &Path,
    dir: Arc<dyn Dir>,
    options: Options,
    environment: Environment,
) -> Result<(Store, Option<crate::wal::WalWriter>)> {
    let Environment { executor, clock, listener, .. } = environment;
    let health = Arc::new(Health::new(clock.clone(), listener.clone()));
    let remover = Arc::new(Remover::new(dir.clone(), health.clone(), executor.clone(), listener.clone()));
    let blocks = Arc::new(BlockCache::new(options.cache_bytes));
    let files = Arc::new(TableCache::new(options.open_files()));
    let on_unused = {
        let remover = remover.clone();
        move |number| remover.discard(FileName::Table(number))
    };
    let tables =
        Arc::new(TableContext::new(dir.clone(), blocks.clone(), files, options.paranoid, Box::new(on_unused)));
    let recovered = recovery::read(path, &dir, &options, &tables)?;
    let Recovered { version, memtables, last_seqno, next_file, garbage } = recovered;
    let next_file = Arc::new(AtomicU64::new(next_file));
    let installer = Installer::new(dir.clone(), tables.clone(), remover.clone(), next_file.clone(), last_seqno);
    let memtable = Arc::new(Memtable::new(next_file.fetch_add(1, Ordering::Relaxed), options.memtable_bytes));
    let view = ReadView { memtable, immutables: memtables, version: Arc::new(version) };
    let store = Store {
        options,
        dir,
        clock,
        executor,
        listener,
        counters: Arc::new(Counters::default()),
        health,
        snapshots: Snapshots::default(),
        blocks,
        tables,
        view: ArcSwap::from_pointee(view),
        visible: AtomicU64::new(last_seqno),
        next_file,
        installer,
        progress: Gate::default(),
        remover,
        pending_compaction: AtomicU64::new(0),
        reads: TaskQueue::default(),
        lanes: OnceLock::new(),
    };
    if store.options.read_only {
        let refused = Error::new(ErrorKind::ReadOnly, "the database was opened with readOnly");
        store.health.fail(Severity::ReadOnly, refused);
        return Ok((store, None));
    }
    let wal = recovery::settle(&store)?;
    garbage.into_iter().for_each(|name| store.remover.discard(name));
    Ok((store, Some(wal)))
}

/// Starts the background lanes. Their closures hold the parts weakly: the last engine handle ends them.
fn start_lanes(parts: &Arc<Parts>) -> Result<()> {
    let store = &parts.store;
    let lane = |name, threads, poll: fn(&Parts) -> Poll| {
        let parts: Weak<Parts> = Arc::downgrade(parts);
        store.executor.add_lane(name, threads, move || parts.upgrade().map_or(Poll::Idle, |parts| poll(&parts)))
    };
    {
        let health = store.health.clone();
        store.executor.on_panic(move |lane, message| {
            let what = format!("the {lane} thread panicked: {message}");
            health.fail(Severity::ReadOnly, Error::new(ErrorKind::Internal, what));
        });
    }
    let readers = lane("moss-read", READERS, |parts| parts.store.reads.poll());
    if !store.options.read_only {
        let compactors = store.options.compaction_threads.unwrap_or_else(compaction_threads);
        let lanes = Lanes {
            readers,
            commit: lane("moss-commit", 1, |parts| parts.commit.poll(&parts.store)),
            sync: lane("moss-sync", 1, |parts| parts.commit.poll_sync(&parts.store)),
            flush: lane("moss-flush", 1, |parts| flush::poll(&parts.store)),
            compaction: lane("moss-compact", compactors, |parts| {
                compaction::job::poll(&parts.store, &parts.compactor)
            }),
        };
        store.remover.set_lane(lane("moss-remove", 1, |parts| parts.store.remover.poll()));
        drop(store.lanes.set(lanes));
        store.notify(|lanes| lanes.compaction);
    } else {
        drop(store.lanes.set(Lanes { readers, commit: readers, sync: readers, flush: readers, compaction: readers }));
    }
    Ok(())
}

/// One less than there are cores: one stays for the writers.
fn compaction_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
}
