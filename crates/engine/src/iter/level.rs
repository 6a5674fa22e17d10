//! A cursor over one sorted run of tables, of which at most one is open at a time.
//!
//! Used by one thread at a time. Tables are opened when the cursor gets there, by a closure, so that a short
//! scan of a level with thousands of tables touches one or two. A table may hold no point record at all (only
//! range tombstones); the cursor walks over it.

use std::ops::Range;
use std::sync::Arc;

use super::Cursor;
use crate::error::{Error, Result};
use crate::version::TableRef;

#[cfg(test)]
mod tests;

/// A cursor over a run of tables that are sorted and do not overlap. See [`Cursor`].
pub struct LevelCursor<T, C, F> {
    run: Arc<[T]>,
    /// The tables of the run it may enter.
    allowed: Range<usize>,
    open: F,
    /// The open table's index and cursor.
    current: Option<(usize, C)>,
    failed: Option<Error>,
}

impl<T: TableRef, C: Cursor, F: FnMut(&T) -> Result<C>> LevelCursor<T, C, F> {
    /// A cursor over `run` that makes a table's cursor with `open` when it first gets there. Not positioned yet; opens nothing.
    pub fn new(run: Arc<[T]>, open: F) -> Self {
        let allowed = 0..run.len();
        Self { run, allowed, open, current: None, failed: None }
    }

    /// Leaves out the tables that lie wholly outside `[lower, upper)`, so that they are never opened. Entries outside may
    /// still be seen in the tables at the edges.
    pub fn limited(mut self, lower: Option<&[u8]>, upper: Option<&[u8]>) -> Self {
        let first = lower.map_or(0, |key| self.run.partition_point(|t| t.meta().bounds().ends_before(key)));
        let last =
            upper.map_or(self.run.len(), |key| self.run.partition_point(|t| *t.meta().smallest < *key));
        self.allowed = first..last.max(first);
        self
    }

    fn guarded(&mut self, step: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        step(self).inspect_err(|error| {
            self.current = None;
            self.failed = Some(error.clone());
        })
    }

    /// The cursor of table `index`, kept when it is the open one; `None` outside the allowed tables.
    fn enter(&mut self, index: usize) -> Result<Option<&mut C>> {
        let table = self.run.get(index).filter(|_| self.allowed.contains(&index));
        let Some(table) = table else {
            self.current = None;
            return Ok(None);
        };
        if self.current.as_ref().is_none_or(|(at, _)| *at != index) {
            self.current = Some((index, (self.open)(table)?));
        }
        Ok(self.current.as_mut().map(|(_, cursor)| cursor))
    }

    /// When the open table has run out, goes on to the first entry of the tables after it.
    fn settle_forward(&mut self) -> Result<()> {
        while let Some((index, cursor)) = &self.current
            && !cursor.valid()
        {
            let after = index + 1;
            if let Some(cursor) = self.enter(after)? {
                cursor.seek_to_first()?;
            }
        }
        Ok(())
    }

    /// When the open table has run out, goes on to the last entry of the tables before it.
    fn settle_backward(&mut self) -> Result<()> {
        while let Some((index, cursor)) = &self.current
            && !cursor.valid()
        {
            let Some(before) = index.checked_sub(1) else {
                self.current = None;
                return Ok(());
            };
            if let Some(cursor) = self.enter(before)? {
                cursor.seek_to_last()?;
            }
        }
        Ok(())
    }

    fn here(&self) -> Option<&C> {
        self.current.as_ref().map(|(_, cursor)| cursor)
    }
}

impl<T: TableRef, C: Cursor, F: FnMut(&T) -> Result<C>> Cursor for LevelCursor<T, C, F> {
    fn valid(&self) -> bool {
        self.here().is_some_and(C::valid)
    }
    fn seek_to_first(&mut self) -> Result<()> {
        self.guarded(|level| {
            if let Some(cursor) = level.enter(level.allowed.start)? {
                cursor.seek_to_first()?;
            }
            level.settle_forward()
        })
    }
    fn seek_to_last(&mut self) -> Result<()> {
        self.guarded(|level| {
            if let Some(cursor) = level.enter(level.allowed.end.wrapping_sub(1))? {
                cursor.seek_to_last()?;
            }
            level.settle_backward()
        })
    }
    fn seek(&mut self, user_key: &[u8], trailer: u64) -> Result<()> {
        self.guarded(|level| {
            let index = level.run.partition_point(|t| t.meta().bounds().ends_before(user_key));
            if let Some(cursor) = level.enter(index.max(level.allowed.start))? {
                cursor.seek(user_key, trailer)?;
            }
            level.settle_forward()
        })
    }
    fn seek_before(&mut self, user_key: &[u8]) -> Result<()> {
        self.guarded(|level| {
            let after = level.run.partition_point(|t| *t.meta().smallest < *user_key).min(level.allowed.end);
            if let Some(cursor) = level.enter(after.wrapping_sub(1))? {
                cursor.seek_before(user_key)?;
            }
            level.settle_backward()
        })
    }
    fn next(&mut self) -> Result<()> {
        self.guarded(|level| {
            if let Some((_, cursor)) = &mut level.current {
                cursor.next()?;
            }
            level.settle_forward()
        })
    }
    fn prev(&mut self) -> Result<()> {
        self.guarded(|level| {
            if let Some((_, cursor)) = &mut level.current {
                cursor.prev()?;
            }
            level.settle_backward()
        })
    }
    fn user_key(&self) -> &[u8] {
        self.here().map_or(&[], C::user_key)
    }
    fn trailer(&self) -> u64 {
        self.here().map_or(0, C::trailer)
    }
    fn value(&self) -> &[u8] {
        self.here().map_or(&[], C::value)
    }
}
