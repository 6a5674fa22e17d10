//! The state that the engine's parts share: one `Store` an open database.
//!
//! It owns no policy. Commit, flush, compaction and recovery are modules of their own that work on it.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;

use crate::admission::DrainRate;
use crate::cache::BlockCache;
use crate::error::{Error, Result};
use crate::event::{Clock, Counters, Events};
use crate::fs::{Dir, FileName, OpenMode};
use crate::health::{Health, Severity};
use crate::key::SeqNo;
use crate::options::Options;
use crate::remover::Remover;
use crate::snapshot::Snapshots;
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::table::{BuildOptions, TableBuilder, TableContext};
use crate::version::VersionEdit;
use crate::version::install::Installer;
use crate::view::{ReadView, Tables};
use crate::wal::SpareLog;
use crate::worker::{Executor, Gate, LaneId, TaskQueue};

/// The background lanes, known once the engine has started them.
#[derive(Clone, Copy)]
pub(crate) struct Lanes {
    pub commit: LaneId,
    pub sync: LaneId,
    pub flush: LaneId,
    pub compaction: LaneId,
}

/// What everyone needs.
pub(crate) struct Store {
    pub options: Options,
    pub dir: Arc<dyn Dir>,
    pub clock: Clock,
    pub executor: Executor,
    pub events: Events,
    pub counters: Arc<Counters>,
    pub health: Arc<Health>,
    pub snapshots: Snapshots,
    pub blocks: Arc<BlockCache>,
    pub tables: Arc<TableContext>,
    /// What readers see. Replaced whole, by compare-and-swap.
    pub view: ArcSwap<ReadView>,
    /// The newest sequence number readers may see; stored (Release) after its records are in the memtable.
    pub visible: AtomicU64,
    /// The next file number never used.
    pub next_file: Arc<AtomicU64>,
    pub installer: Installer,
    /// Opened whenever background work ends or the health changes: whoever waits looks again.
    pub progress: Gate,
    pub remover: Arc<Remover>,
    pub spare_log: SpareLog,
    /// Bytes compaction is behind, as the newest Version has it.
    pub pending_compaction: AtomicU64,
    /// Held by whoever flushes.
    pub flushing: Mutex<()>,
    /// Whether there are so few processors that a flush and a compaction at once would leave none to the program.
    pub few_processors: bool,
    /// How fast flushes go.
    pub drain: DrainRate,
    /// Reads that need the disk.
    pub reads: TaskQueue,
    pub lanes: OnceLock<Lanes>,
}

impl Store {
    /// Begins a new table for `level`: its number, and its builder over a new file.
    pub fn new_table(&self, level: usize) -> Result<(u64, TableBuilder)> {
        let number = self.new_file_number();
        let name = FileName::Table(number);
        let file = self.dir.open(&name.to_string(), OpenMode::CreateNew);
        let file = file.map_err(|error| Error::io("create", name, error))?;
        let options = BuildOptions {
            compression: self.options.compression_of(level),
            filter_bits_per_key: self.options.filter_bits_of(level),
            block_bytes: self.options.block_bytes,
        };
        Ok((number, TableBuilder::new(file, number, options)))
    }

    /// A file number never used before.
    pub fn new_file_number(&self) -> u64 {
        self.next_file.fetch_add(1, Ordering::Relaxed)
    }

    /// The newest sequence number readers may see.
    pub fn visible(&self) -> SeqNo {
        self.visible.load(Ordering::Acquire)
    }

    /// Removes the spare log, and keeps none from now on.
    pub fn remove_spare_log(&self) {
        if let Some(number) = self.spare_log.close() {
            self.remover.discard(FileName::Wal(number));
        }
    }

    /// Wakes a lane; before the lanes are started there is nothing to wake.
    pub fn notify(&self, lane: impl FnOnce(&Lanes) -> LaneId) {
        if let Some(lanes) = self.lanes.get() {
            self.executor.notify(lane(lanes));
        }
    }

    /// For a compaction: where processors are few, waits while a flush runs, so that the program's event loop is not late.
    #[inline]
    pub fn let_flush_pass(&self) {
        if self.few_processors && self.flushing.is_locked() {
            drop(self.flushing.lock());
        }
    }

    /// Makes `edit` durable and publishes the view that follows; see [`Installer::install`].
    pub fn install(
        &self,
        edit: VersionEdit,
        publish: impl Fn(&ReadView, Arc<Tables>) -> ReadView,
    ) -> Result<()> {
        self.installer.install(&self.view, edit, publish)?;
        let version = self.view.load().version.clone();
        let pending = crate::compaction::pending_bytes(&version, &self.options);
        self.pending_compaction.store(pending, Ordering::Relaxed);
        self.progress.notify();
        Ok(())
    }

    /// Latches a failure and wakes everyone who waits for work that will not come. Returns the error for convenience.
    pub fn fail(&self, severity: Severity, error: Error) -> Error {
        self.health.fail(severity, error.clone());
        self.progress.notify();
        error
    }

    /// Fails when the engine is closed.
    pub fn check_open(&self) -> Result<()> {
        self.health.check_open()
    }

    /// Waits until `done` says so. Ends with the error that stopped writes, if one did.
    pub fn wait_for<T>(&self, mut done: impl FnMut() -> Option<T>) -> Result<T> {
        self.executor.wait_until(&self.progress, || match done() {
            Some(value) => Some(Ok(value)),
            None => self.health.check_writable().err().map(Err),
        })?
    }
}
