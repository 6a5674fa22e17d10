//! The flush: the oldest immutable memtable becomes an L0 table.
//!
//! Runs on the flush lane, one at a time and oldest first, so that L0 stays in the order of the writes. The new table
//! is built and synced beside the current Version; one edit then adds it and says which logs are still needed.

use std::sync::Arc;

use crate::compaction::{Below, Retention};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fs::FileName;
use crate::health::Severity;
use crate::iter::Cursor;
use crate::memtable::Memtable;
use crate::store::Store;
use crate::version::{TableMeta, TableRef, VersionEdit};
use crate::view::ReadView;
use crate::worker::Poll;

/// One turn of the flush lane. A failure makes the database read-only: the memtable stays readable, its log stays on
/// disk, and `resume` flushes it again.
pub(crate) fn poll(store: &Store) -> Poll {
    if store.health.check_writable().is_err() {
        return Poll::Idle;
    }
    match flush_oldest(store) {
        Ok(true) => Poll::Worked,
        Ok(false) => Poll::Idle,
        Err(error) => {
            store.fail(Severity::ReadOnly, error.context("a memtable cannot be flushed"));
            Poll::Idle
        }
    }
}

/// Writes the oldest immutable memtable as an L0 table and installs it. False when there is none.
pub(crate) fn flush_oldest(store: &Store) -> Result<bool> {
    let _one_at_a_time = store.flushing.lock();
    let oldest = store.view.load().immutables.last().cloned();
    let Some(memtable) = &oldest else { return Ok(false) };
    let started = store.clock.micros();
    store.events.emit(|| Event::FlushBegin { bytes: memtable.bytes() as u64 });
    let below = Below::new(store.view.load().version.tables().map(|table| table.meta().bounds()));
    let table = write_table(store, memtable, &below)?;
    let (number, bytes) = table.as_ref().map_or((0, 0), |meta| (meta.number, meta.size));
    let log_number = {
        let view = store.view.load();
        view.immutables.iter().rev().nth(1).unwrap_or(&view.memtable).log_number()
    };
    let edit = VersionEdit {
        added: table.into_iter().map(|meta| (0, meta)).collect(),
        log_number: Some(log_number),
        last_seqno: Some(memtable.max_seqno()),
        ..VersionEdit::default()
    };
    store.install(edit, |view, version| {
        let immutables =
            view.immutables.iter().filter(|other| !Arc::ptr_eq(other, memtable)).cloned().collect();
        ReadView { memtable: view.memtable.clone(), immutables, version }
    })?;
    if !store.spare_log.keep(store.dir.as_ref(), memtable.log_number()) {
        store.remover.discard(FileName::Wal(memtable.log_number()));
    }
    store.counters.flushes.add(1);
    store.counters.flushed_bytes.add(bytes);
    let micros = store.clock.micros() - started;
    store.drain.record(memtable.bytes() as u64, micros);
    store.events.emit(|| Event::FlushEnd { table: number, bytes, micros });
    store.notify(|lanes| lanes.compaction);
    Ok(true)
}

/// Writes the table of a memtable and makes it durable; `below` is where older records lie. Leaves out the versions that
/// no snapshot can see, expired values, and tombstones with nothing to hide; `None` when nothing is left.
pub(crate) fn write_table(
    store: &Store,
    memtable: &Arc<Memtable>,
    below: &Below,
) -> Result<Option<TableMeta>> {
    let (number, mut builder) = store.new_table(0)?;
    let range_dels = memtable.range_dels();
    let snapshots = store.snapshots.live();
    let mut retention = Retention::new(&snapshots, &range_dels, below, &store.clock);
    let mut write = || {
        let mut cursor = memtable.settled_cursor();
        cursor.seek_to_first()?;
        while cursor.valid() {
            let key = cursor.user_key();
            if let Some((trailer, value)) = retention.keep(key, cursor.trailer(), cursor.value()) {
                builder.add(key, trailer, value)?;
            }
            cursor.next()?;
        }
        retention.range_tombstones().iter().try_for_each(|tombstone| builder.add_range_del(tombstone))
    };
    let written = write().and_then(|()| {
        if builder.is_empty() {
            store.remover.discard(FileName::Table(number));
            return Ok(None);
        }
        let meta = builder.finish()?;
        store.dir.sync().map_err(|error| Error::io("sync", "the database directory", error))?;
        Ok(Some(meta))
    });
    written.inspect_err(|_| store.remover.discard(FileName::Table(number)))
}
