//! Running a compaction: the picker's task becomes tables, beside the current Version, and then an edit.
//!
//! Runs on the compaction lanes, and for manual compactions on the caller's thread. Which tables are taken is decided
//! under one lock, so that two jobs never overlap; the work is done without it. Inputs are read past the cache, in large
//! sequential reads. A failed job leaves nothing behind but files that are discarded, and is tried again; after
//! [`MAX_FAILURES`] in a row, or at once for damaged input, the database goes read-only, because writers must not wait
//! for a compaction that cannot succeed.

use std::sync::Arc;

use super::picker::{self, InFlight, Task};
use super::rules::Retention;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::fs::{FileName, OpenMode};
use crate::health::Severity;
use crate::iter::{Cursor, LevelCursor, MergeCursor};
use crate::range_del::RangeTombstone;
use crate::store::Store;
use crate::sync::{AtomicU32, Mutex, Ordering};
use crate::table::{BuildOptions, ReadHow, Table, TableBuilder, TableCursor};
use crate::version::{TableMeta, VersionEdit};
use crate::view::{ReadView, Tables};
use crate::worker::Poll;

/// How many compactions may fail one after the other before writes are stopped.
const MAX_FAILURES: u32 = 3;

/// What the compaction lanes share.
#[derive(Default)]
pub(crate) struct Compactor {
    in_flight: Mutex<InFlight>,
    failures: AtomicU32,
}

impl Compactor {
    /// Forgets earlier failures, after their cause was removed.
    pub fn forgive(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    /// Compacts the part of `level` that overlaps `range` into the next level, on this thread. Waits for compactions that are
    /// in the way.
    pub fn compact_range(&self, store: &Store, level: usize, range: Option<(&[u8], &[u8])>) -> Result<()> {
        loop {
            let picked = store.wait_for(|| {
                let mut in_flight = self.in_flight.lock();
                let version = store.view.load().version.clone();
                match picker::pick_range(&version, &store.options, &in_flight, level, range) {
                    picker::Manual::Done => Some(None),
                    picker::Manual::Busy => None,
                    picker::Manual::Run(task) => {
                        in_flight.insert(&task);
                        Some(Some((version, task)))
                    }
                }
            })?;
            match picked {
                None => return Ok(()),
                Some((version, task)) => self.finish(store, &task, run(store, &version, &task))?,
            }
        }
    }

    /// Takes the task off the list and tells everyone who waits for that, and for the new Version.
    fn finish(&self, store: &Store, task: &Task, result: Result<()>) -> Result<()> {
        self.in_flight.lock().remove(task);
        store.notify(|lanes| lanes.compaction);
        store.progress.open_all();
        result
    }
}

/// One turn of a compaction lane.
pub(crate) fn poll(store: &Store, compactor: &Compactor) -> Poll {
    if store.health.check_writable().is_err() {
        return Poll::Idle;
    }
    let (version, task) = {
        let mut in_flight = compactor.in_flight.lock();
        let version = store.view.load().version.clone();
        let Some(task) = picker::pick(&version, &store.options, &in_flight) else { return Poll::Idle };
        in_flight.insert(&task);
        (version, task)
    };
    match compactor.finish(store, &task, run(store, &version, &task)) {
        Ok(()) => compactor.forgive(),
        Err(error) => {
            let failures = compactor.failures.fetch_add(1, Ordering::Relaxed) + 1;
            let hopeless = matches!(error.kind(), ErrorKind::Corruption | ErrorKind::Internal);
            let severity =
                if hopeless || failures >= MAX_FAILURES { Severity::ReadOnly } else { Severity::Degraded };
            store.fail(severity, error.context("a compaction failed"));
        }
    }
    Poll::Worked
}

/// Runs `task` on the tables of `version` and installs the result.
fn run(store: &Store, version: &Tables, task: &Task) -> Result<()> {
    let started = store.clock.micros();
    let removed: Vec<(usize, Arc<Table>)> = inputs(version, task)?;
    let from = task.level();
    let read = removed.iter().map(|(_, table)| table.meta().size).sum();
    store.events.emit(|| Event::CompactionBegin { from, to: task.output_level, inputs: removed.len() });
    let outputs = if task.trivial_move {
        removed.iter().map(|(_, table)| table.meta().clone()).collect()
    } else {
        Merge { store, task, outputs: Vec::new(), open: None }.run(&removed)?
    };
    let written: u64 = if task.trivial_move { 0 } else { outputs.iter().map(|meta| meta.size).sum() };
    let edit = VersionEdit {
        added: outputs.iter().map(|meta| (task.output_level, meta.clone())).collect(),
        removed: removed.iter().map(|(level, table)| (*level, table.meta().number)).collect(),
        ..VersionEdit::default()
    };
    let installed = store.install(edit, |view, version| ReadView { version, ..view.clone() });
    if let (Err(error), false) = (&installed, task.trivial_move) {
        outputs.iter().for_each(|meta| store.remover.discard(FileName::Table(meta.number)));
        store.fail(Severity::ReadOnly, error.clone());
    }
    installed?;
    let counters = &store.counters;
    counters.compactions.add(1);
    counters.trivial_moves.add(u64::from(task.trivial_move));
    if !task.trivial_move {
        counters.compacted_bytes_read.add(read);
        counters.compacted_bytes_written.add(written);
    }
    let micros = store.clock.micros() - started;
    let (to, inputs) = (task.output_level, removed.len());
    store.events.emit(|| Event::CompactionEnd { from, to, inputs, read, written, micros });
    Ok(())
}
