//! The flush: the oldest immutable memtable becomes an L0 table.
//!
//! Runs on the flush lane, one at a time and oldest first, so that L0 stays in the order of the writes. The new table
//! is built and synced beside the current Version; one edit then adds it and says which logs are still needed.

use std::sync::Arc;

use crate::compaction::rules::Retention;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::fs::{FileName, OpenMode};
use crate::health::Severity;
use crate::iter::Cursor;
use crate::memtable::Memtable;
use crate::store::Store;
use crate::sync::Ordering;
use crate::table::{BuildOptions, TableBuilder};
use crate::version::{TableMeta, VersionEdit};
use crate::view::ReadView;
use crate::worker::Poll;

/// One turn of the flush lane. A failure makes the database read-only: the memtable stays readable, its log stays on
/// disk, and `resume` flushes it again.
pub(crate) fn poll(store: &Store) -> Poll {
    let oldest = store.view.load().immutables.last().cloned();
    let Some(memtable) = oldest.filter(|_| store.health.check_writable().is_ok()) else { return Poll::Idle };
    if let Err(error) = flush_oldest(store, &memtable) {
        store.fail(Severity::ReadOnly, error.context("a memtable cannot be flushed"));
        return Poll::Idle;
    }
    Poll::Worked
}

/// Writes `memtable`, the oldest immutable one, as an L0 table and installs it.
pub(crate) fn flush_oldest(store: &Store, memtable: &Arc<Memtable>) -> Result<()> {
    let started = store.clock.micros();
    store.emit(&Event::FlushBegin { log: memtable.log_number() });
    let table = write_table(store, memtable)?;
    let (number, bytes) = (table.number, table.size);
    let log_number = {
        let view = store.view.load();
        view.immutables.iter().rev().nth(1).unwrap_or(&view.memtable).log_number()
    };
    let edit = VersionEdit {
        added: vec![(0, table)],
        log_number: Some(log_number),
        last_seqno: Some(memtable.max_seqno()),
        ..VersionEdit::default()
    };
    store.install(edit, |view, version| {
        let immutables = view.immutables.iter().filter(|other| !Arc::ptr_eq(other, memtable)).cloned().collect();
        ReadView { memtable: view.memtable.clone(), immutables, version }
    })?;
    store.remover.discard(FileName::Wal(memtable.log_number()));
    store.counters.flushes.fetch_add(1, Ordering::Relaxed);
    store.counters.flushed_bytes.fetch_add(bytes, Ordering::Relaxed);
    store.emit(&Event::FlushEnd { table: number, bytes, micros: store.clock.micros() - started });
    store.notify(|lanes| lanes.compaction);
    Ok(())
}

/// Writes the table of a memtable, without the versions that no snapshot can see, and makes it durable.
pub(crate) fn write_table(store: &Store, memtable: &Arc<Memtable>) -> Result<TableMeta> {
    let range_dels = memtable.range_dels();
    let mut retention = Retention::new(store.snapshots.live(), vec![range_dels.clone()], false);
    let number = store.new_file_number();
    let name = FileName::Table(number);
    let file = store
        .dir
        .open(&name.to_string(), OpenMode::CreateNew)
        .map_err(|error| Error::io("create", name, error))?;
    let written = (|| {
        let mut builder = TableBuilder::new(file, number, BuildOptions::of_level(&store.options, 0));
        let mut cursor = memtable.cursor();
        cursor.seek_to_first()?;
        while cursor.valid() {
            if retention.keep(cursor.user_key(), cursor.trailer()) {
                builder.add(cursor.user_key(), cursor.trailer(), cursor.value())?;
            }
            cursor.next()?;
        }
        for tombstone in range_dels.iter() {
            builder.add_range_del(&tombstone)?;
        }
        let meta = builder.finish()?;
        store.dir.sync().map_err(|error| Error::io("sync the directory of", name, error))?;
        Ok(meta)
    })();
    if written.is_err() {
        store.remover.discard(name);
    }
    written
}
