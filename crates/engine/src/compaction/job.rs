//! Running a compaction: the picker's task becomes tables, beside the current Version, and then an edit.
//!
//! Runs on the compaction lanes, and for manual compactions on the caller's thread. Which tables are taken is decided
//! under one lock, so that two jobs never overlap; the work is done without it. Inputs are read past the cache, in large
//! sequential reads. A failed job leaves nothing behind but files that are discarded, and is tried again; after
//! [`MAX_FAILURES`] in a row, or at once for damaged input, the database goes read-only, because writers must not wait
//! for a compaction that cannot succeed.

use std::sync::Arc;

use super::{InFlight, RangePick, Retention, Task, outputs, pick, pick_range};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::health::Severity;
use crate::iter::{LevelCursor, MergeCursor};
use crate::range_del::RangeDels;
use crate::store::Store;
use crate::sync::{AtomicU32, Mutex, MutexGuard, Ordering};
use crate::table::{ReadHow, Table, TableCursor};
use crate::version::{Bounds, TableMeta, TableRef, VersionEdit};
use crate::view::Tables;
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

    /// Compacts what was written so far to the keys of `range` down to the deepest level that holds any of it, on this
    /// thread. Waits for compactions that are in the way.
    pub fn compact_range(&self, store: &Store, range: Option<(&[u8], &[u8])>) -> Result<()> {
        // Later writes, and values that expire later, do not keep this going.
        let (upto, now) = (store.visible(), store.clock.unix_millis());
        loop {
            let picked = store.wait_for(|| {
                let mut in_flight = self.in_flight(store);
                in_flight.set_now(now);
                let version = store.view.load().version.clone();
                let range = range.map(|(start, end)| Bounds::inclusive(start, end));
                match pick_range(&version, &store.options, &in_flight, range, upto) {
                    RangePick::Done => Some(None),
                    RangePick::Busy => None,
                    RangePick::Run(task) => {
                        in_flight.begin(&task);
                        Some(Some((version, task)))
                    }
                }
            })?;
            match picked {
                None => return Ok(()),
                Some((version, task)) => self.run(store, &version, &task)?,
            }
        }
    }

    fn in_flight(&self, store: &Store) -> MutexGuard<'_, InFlight> {
        let mut in_flight = self.in_flight.lock();
        in_flight.set_oldest_snapshot(store.snapshots.oldest());
        in_flight.set_now(store.clock.unix_millis());
        in_flight
    }

    /// Runs a task that was begun, takes it off the list, and tells everyone who waits for that or for the new Version.
    fn run(&self, store: &Store, version: &Tables, task: &Task) -> Result<()> {
        let result = run(store, version, task);
        self.in_flight.lock().end(task);
        match &result {
            Ok(()) => {
                self.forgive();
                store.health.heal();
            }
            Err(error) => {
                let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                let hopeless = matches!(error.kind(), ErrorKind::Corruption | ErrorKind::Internal);
                let severity = if hopeless || failures >= MAX_FAILURES {
                    Severity::ReadOnly
                } else {
                    Severity::Degraded
                };
                store.fail(severity, error.context("a compaction failed"));
            }
        }
        store.notify(|lanes| lanes.compaction);
        store.progress.notify();
        result
    }
}

/// One turn of a compaction lane.
pub(crate) fn poll(store: &Store, compactor: &Compactor) -> Poll {
    if store.health.check_writable().is_err() {
        return Poll::Idle;
    }
    let (version, task) = {
        let mut in_flight = compactor.in_flight(store);
        let version = store.view.load().version.clone();
        let Some(task) = pick(&version, &store.options, &in_flight) else { return Poll::Idle };
        in_flight.begin(&task);
        (version, task)
    };
    // Another thread of the lane may find work beside this.
    store.notify(|lanes| lanes.compaction);
    // The outcome is latched in the health.
    let _ = compactor.run(store, &version, &task);
    Poll::Worked
}

/// Runs `task` on the tables of `version` and installs the result.
fn run(store: &Store, version: &Tables, task: &Task) -> Result<()> {
    let started = store.clock.micros();
    let inputs = inputs(version, task)?;
    let count = inputs.iter().map(|(_, tables)| tables.len()).sum();
    let (from, to, read) =
        (task.inputs.first().map_or(0, |(level, _)| *level), task.output_level, task.input_bytes);
    store.events.emit(|| Event::CompactionBegin { from, to, inputs: count });
    let tables = || inputs.iter().flat_map(|(level, tables)| tables.iter().map(|table| (*level, table)));
    let outputs = match task.is_trivial_move {
        true => tables().map(|(_, table)| table.meta().clone()).collect(),
        false => merge(store, task, &inputs)?,
    };
    let edit = VersionEdit {
        added: outputs.iter().map(|meta| (to, meta.clone())).collect(),
        removed: tables().map(|(level, table)| (level, table.meta().number)).collect(),
        ..VersionEdit::default()
    };
    // After a failed install the outputs stay: the manifest may name them.
    store
        .install(edit, |view, version| view.with(version))
        .map_err(|error| store.fail(Severity::ReadOnly, error.context("a compaction cannot be installed")))?;
    let counters = &store.counters;
    let mut written = 0;
    if task.is_trivial_move {
        counters.trivial_moves.add(count as u64);
    } else {
        written = outputs.iter().map(|meta| meta.size).sum();
        counters.compactions.add(1);
        counters.compacted_bytes_read.add(read);
        counters.compacted_bytes_written.add(written);
    }
    let micros = store.clock.micros() - started;
    store.events.emit(|| Event::CompactionEnd { from, to, inputs: count, read, written, micros });
    Ok(())
}

/// The input tables by level, in the order of the task.
fn inputs(version: &Tables, task: &Task) -> Result<Vec<(usize, Vec<Arc<Table>>)>> {
    let find = |level: usize, number: &u64| {
        let table = version.level(level).iter().find(|table| table.meta().number == *number);
        table.cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                format!("a compaction wants table {number}, which is not in L{level}"),
            )
        })
    };
    let level = |(level, numbers): &(usize, Vec<u64>)| {
        Ok((*level, numbers.iter().map(|number| find(*level, number)).collect::<Result<_>>()?))
    };
    task.inputs.iter().map(level).collect()
}

/// Merges the inputs into new tables.
fn merge(store: &Store, task: &Task, inputs: &[(usize, Vec<Arc<Table>>)]) -> Result<Vec<TableMeta>> {
    let how = ReadHow { may_block: true, fill_cache: false, sequential: true };
    let open: OpenTable =
        |table| table.cursor(ReadHow { may_block: true, fill_cache: false, sequential: true });
    let mut sources = Vec::new();
    let mut range_dels = Vec::new();
    for (level, tables) in inputs {
        for table in tables.iter().filter(|table| table.meta().range_deletes > 0) {
            range_dels.push(table.range_dels(how)?);
        }
        match level {
            0 => {
                sources.extend(tables.iter().map(|table| LevelCursor::new(Arc::from([table.clone()]), open)))
            }
            _ => sources.push(LevelCursor::new(Arc::from(tables.as_slice()), open)),
        }
    }
    let range_dels = RangeDels::union(range_dels.iter().map(Arc::as_ref));
    let snapshots = store.snapshots.live();
    let mut retention = Retention::new(&snapshots, &range_dels, &task.below, &store.clock);
    outputs::write(store, task, &mut MergeCursor::new(sources), &mut retention)
}

type OpenTable = fn(&Arc<Table>) -> Result<TableCursor>;
