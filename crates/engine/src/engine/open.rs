//! Opening and closing a database.

use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwap;

use super::{Database, Engine, Environment, Parts};
use crate::admission::DrainRate;
use crate::cache::{BlockCache, TableCache};
use crate::commit::Commit;
use crate::compaction::job::{self, Compactor};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Counters, Event, Events};
use crate::flush;
use crate::fs::{Dir, DirLock, FileName};
use crate::health::{Health, Severity};
use crate::memtable::Memtable;
use crate::options::Options;
use crate::recovery::{self, Recovered};
use crate::remover::Remover;
use crate::snapshot::Snapshots;
use crate::store::{Lanes, Store};
use crate::sync::{AtomicU64, Mutex};
use crate::table::{Table, TableContext};
use crate::version::install::Installer;
use crate::view::ReadView;
use crate::wal::SpareLog;
use crate::worker::{Gate, Poll, Priority, TaskQueue};

/// Threads for reads that need the disk.
const READERS: usize = 2;

impl Engine {
    /// Opens the database in `path` on the given file system, executor and clock. Otherwise as [`Engine::open`].
    pub fn open_with(path: impl AsRef<Path>, options: Options, environment: Environment) -> Result<Self> {
        let path = path.as_ref();
        options.validate()?;
        let create = options.create_if_missing && !options.read_only;
        let dir = environment.fs.open_dir(path, create).map_err(|error| no_directory(path, error))?;
        Self::open_in(path, dir, options, environment)
    }

    /// Opens the database in `dir`, which is the directory `path`. The options are valid.
    pub(super) fn open_in(
        path: &Path,
        dir: Arc<dyn Dir>,
        options: Options,
        environment: Environment,
    ) -> Result<Self> {
        let lock = if options.read_only { None } else { Some(lock(path, dir.as_ref())?) };
        let started = environment.executor.clock().micros();
        let (store, wal) = open_store(path, dir, options, environment)?;
        let last_seqno = store.visible();
        let parts =
            Arc::new(Parts { commit: Commit::new(wal, last_seqno), compactor: Compactor::default(), store });
        start_lanes(&parts)?;
        let store = &parts.store;
        let recovered = store.counters.recovered_ops.get();
        store.events.emit(|| Event::Open { micros: store.clock.micros() - started, recovered });
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
    /// Whether the database was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.parts.store.check_open().is_err()
    }

    fn close(&self) -> Result<()> {
        let mut lock = self.lock.lock();
        let Parts { store, commit, compactor } = self.parts.as_ref();
        if store.health.check_open().is_err() {
            return Ok(());
        }
        let mut flushed = commit.close(store);
        if flushed.is_ok() && store.health.check_writable().is_ok() {
            store.notify(|lanes| lanes.flush);
            flushed = store.wait_for(|| store.view.load().immutables.is_empty().then_some(()));
        }
        flushed = flushed.and(compactor.close(store));
        store.remove_spare_log();
        store.health.close();
        store.blocks.close();
        store.executor.shutdown();
        while store.remover.poll() == Poll::Worked {}
        *lock = None;
        store.events.emit(|| Event::Close);
        flushed
    }
}

impl Drop for Database {
    /// Closes quietly: whoever wants to know how it went calls `close`.
    fn drop(&mut self) {
        drop(self.close());
    }
}

pub(super) fn no_directory(path: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => recovery::not_found(path),
        std::io::ErrorKind::NotADirectory => Error::invalid(format!(
            "{} is not a directory: name the directory of the database",
            path.display()
        )),
        _ => Error::io("open the directory", path.display(), error),
    }
}

pub(super) fn lock(path: &Path, dir: &dyn Dir) -> Result<Box<dyn DirLock>> {
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
    let read = dir
        .open(&FileName::Lock.to_string(), crate::fs::OpenMode::Read)
        .and_then(|f| f.read_at(&mut text, 0));
    let pid = read.ok().and_then(|n| std::str::from_utf8(text.get(..n)?).ok()?.trim().parse::<u32>().ok());
    match pid {
        Some(pid) if pid == std::process::id() => format!("this process (pid {pid})"),
        Some(pid) => format!("the process with pid {pid}"),
        None => "another process".to_owned(),
    }
}

/// Builds the store around what recovery finds, and makes it durable, unless it is, or the database is opened read-only:
/// then there is no log yet.
fn open_store(
    path: &Path,
    dir: Arc<dyn Dir>,
    options: Options,
    environment: Environment,
) -> Result<(Store, Option<crate::wal::WalWriter>)> {
    let Environment { executor, listener, .. } = environment;
    let events = Events::new(listener);
    let progress = Gate::default();
    let health = Arc::new(health(&options, &events, &progress));
    let counters = Arc::new(Counters::default());
    let remover = Arc::new(Remover::new(
        dir.clone(),
        health.clone(),
        executor.clone(),
        events.clone(),
        counters.clone(),
    ));
    let blocks = BlockCache::new(options.cache_bytes);
    let files = TableCache::new(options.open_files());
    let on_unused = {
        let remover = remover.clone();
        move |number| remover.discard(FileName::Table(number))
    };
    let loads = TaskQueue::new_at(Priority::Low, &executor, "moss-load", 1)?;
    let on_hot = move |table: Weak<Table>| {
        // Refused at the close: there is nothing to load any more.
        let _ = loads.push(Box::new(move || {
            if let Some(table) = table.upgrade() {
                table.make_resident();
            }
        }));
    };
    let tables = TableContext::new(
        dir.clone(),
        blocks.clone(),
        files,
        options.paranoid,
        Box::new(on_unused),
        Box::new(on_hot),
    );
    let recovered = recovery::read(path, &dir, &options, &tables)?;
    let Recovered { version, memtables, last_seqno, next_file, garbage, settled } = recovered;
    let log_number = next_file;
    let next_file = Arc::new(AtomicU64::new(next_file + 1));
    let installer = Installer::new(
        dir.clone(),
        tables.clone(),
        remover.clone(),
        next_file.clone(),
        log_number,
        last_seqno,
        garbage,
    );
    let memtable = Arc::new(Memtable::new(log_number, options.memtable_bytes));
    let spare_log = SpareLog::new(2 * options.memtable_bytes as u64);
    let view = ReadView { memtable, immutables: memtables, version: Arc::new(version) };
    let store = Store {
        options,
        dir,
        clock: executor.clock().clone(),
        reads: TaskQueue::new(&executor, "moss-read", READERS)?,
        executor,
        events,
        counters,
        health,
        snapshots: Snapshots::default(),
        blocks,
        tables,
        view: ArcSwap::from_pointee(view),
        visible: AtomicU64::new(last_seqno),
        next_file,
        installer,
        progress,
        remover,
        spare_log,
        pending_compaction: AtomicU64::new(0),
        flushing: Mutex::default(),
        few_processors: processors() <= 2,
        drain: DrainRate::new(),
        lanes: OnceLock::new(),
    };
    if store.options.read_only || settled {
        return Ok((store, None));
    }
    store
        .counters
        .recovered_ops
        .add(store.view.load().immutables.iter().map(|memtable| memtable.len() as u64).sum());
    let wal = recovery::settle(&store)?;
    Ok((store, Some(wal)))
}

/// A new health, which wakes everyone who waits when it changes.
fn health(options: &Options, events: &Events, progress: &Gate) -> Health {
    let (events, progress) = (events.clone(), progress.clone());
    let on_change = move |from, to, error: Option<&Error>| {
        events.emit(|| Event::StateChanged { from, to, error: error.cloned() });
        progress.notify();
    };
    if options.read_only { Health::opened_read_only(on_change) } else { Health::new(on_change) }
}

/// Starts the background lanes. Their closures hold the parts weakly: the last engine handle ends them.
fn start_lanes(parts: &Arc<Parts>) -> Result<()> {
    let Store { executor, options, health, .. } = &parts.store;
    let hook = health.clone();
    executor.set_panic_hook(move |lane, message| {
        let what = format!("the {lane} thread panicked: {message}");
        hook.fail(Severity::ReadOnly, Error::new(ErrorKind::Internal, what));
    });
    if options.read_only {
        return Ok(());
    }
    let lane = |priority, name, threads, poll: fn(&Parts) -> Poll| {
        let parts: Weak<Parts> = Arc::downgrade(parts);
        let poll = move || parts.upgrade().map_or(Poll::Idle, |parts| poll(&parts));
        executor.add_lane_at(priority, name, threads, poll)
    };
    let compactors = options.compaction_threads.unwrap_or_else(compaction_threads);
    let lanes = Lanes {
        commit: lane(Priority::Low, "moss-commit", 1, |parts| parts.commit.poll(&parts.store))?,
        sync: lane(Priority::Normal, "moss-sync", 1, |parts| parts.commit.poll_sync(&parts.store))?,
        flush: lane(Priority::Low, "moss-flush", 1, |parts| flush::poll(&parts.store))?,
        compaction: lane(Priority::Low, "moss-compact", compactors, |parts| {
            job::poll(&parts.store, &parts.compactor)
        })?,
    };
    parts.store.remover.set_lane(lane(Priority::Low, "moss-remove", 1, |parts| parts.store.remover.poll())?);
    let _ = parts.store.lanes.set(lanes);
    parts.store.notify(|lanes| lanes.compaction);
    Ok(())
}

/// One less than there are cores: one stays for the writers.
fn compaction_threads() -> usize {
    processors().saturating_sub(1).max(1)
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
