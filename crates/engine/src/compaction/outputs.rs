//! The tables that come out of a merge: cut by key, with the range tombstones cut at the same keys.
//!
//! All records of one user key go to one table. A range tombstone is clipped to the stretch between the first key of
//! its table and the first key of the next, so that the tables of a level do not overlap.

use super::{Cutter, Retention, Task};
use crate::error::{Error, Result};
use crate::fs::FileName;
use crate::iter::Cursor;
use crate::range_del::{RangeDels, RangeTombstone};
use crate::store::Store;
use crate::table::TableBuilder;
use crate::version::TableMeta;

/// Writes the records of `cursor` that `retention` keeps, and its range tombstones, as tables for `task`. All of them
/// are durable on return, names included; after an error none is of use, and they are discarded.
pub(super) fn write(
    store: &Store,
    task: &Task,
    cursor: &mut impl Cursor,
    retention: &mut Retention<'_>,
) -> Result<Vec<TableMeta>> {
    let tombstones = RangeDels::new(retention.range_tombstones());
    let mut outputs =
        Outputs { store, level: task.output_level, tombstones, begun: None, open: None, done: Vec::new() };
    let written = outputs.fill(task, cursor, retention);
    if written.is_err() {
        let open = outputs.open.take().map(|(number, _)| number);
        let done = outputs.done.iter().map(|meta| meta.number);
        open.into_iter().chain(done).for_each(|number| store.remover.discard(FileName::Table(number)));
    }
    written.map(|()| outputs.done)
}

struct Outputs<'a> {
    store: &'a Store,
    level: usize,
    tombstones: RangeDels,
    /// Where the stretch of the table being written begins; `None`: at the smallest key there is.
    begun: Option<Box<[u8]>>,
    open: Option<(u64, TableBuilder)>,
    done: Vec<TableMeta>,
}

impl Outputs<'_> {
    fn fill(&mut self, task: &Task, cursor: &mut impl Cursor, retention: &mut Retention<'_>) -> Result<()> {
        let mut cutter = Cutter::new(task);
        cursor.seek_to_first()?;
        while cursor.valid() {
            self.store.let_flush_pass();
            let key = cursor.user_key();
            if let Some((trailer, value)) = retention.keep(key, cursor.trailer(), cursor.value()) {
                self.add(&mut cutter, key, trailer, value)?;
            }
            cursor.next()?;
        }
        self.end(None)?;
        if !self.done.is_empty() {
            self.store.dir.sync().map_err(|error| Error::io("sync", "the database directory", error))?;
        }
        Ok(())
    }

    fn add(&mut self, cutter: &mut Cutter<'_>, key: &[u8], trailer: u64, value: &[u8]) -> Result<()> {
        let bytes = self.open.as_ref().map_or(0, |(_, builder)| builder.estimated_bytes());
        let new_key = self
            .open
            .as_ref()
            .is_none_or(|(_, builder)| builder.is_empty() || builder.last_user_key() != key);
        if new_key && cutter.cut_before(key, bytes) {
            self.end(Some(key))?;
            self.begun = Some(key.into());
        }
        self.builder()?.add(key, trailer, value)
    }

    /// Ends the table being written before `next`, with the range tombstones up to there.
    fn end(&mut self, next: Option<&[u8]>) -> Result<()> {
        let clipped: Vec<RangeTombstone> = self.tombstones.clipped(self.begun.as_deref(), next);
        for tombstone in &clipped {
            self.builder()?.add_range_del(tombstone)?;
        }
        if let Some((number, builder)) = self.open.take() {
            let meta =
                builder.finish().inspect_err(|_| self.store.remover.discard(FileName::Table(number)))?;
            self.done.push(meta);
        }
        Ok(())
    }

    /// The builder of the table being written, begun if there is none.
    fn builder(&mut self) -> Result<&mut TableBuilder> {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.store.new_table(self.level)?,
        };
        Ok(&mut self.open.insert(open).1)
    }
}
