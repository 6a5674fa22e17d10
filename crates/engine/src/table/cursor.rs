//! A cursor over the point records of a table, both ways.
//!
//! Belongs to one thread at a time and may move between threads. Invariant: while it stands on an entry, `rows` holds
//! block `at`. An error stays: every later move returns it.

#![deny(clippy::indexing_slicing)]

use std::sync::Arc;

use super::block::BlockCursor;
use super::open::{KeptBlock, OpenTable};
use super::{ReadHow, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::iter::Cursor;

/// Bytes a sequential cursor reads at once.
const READAHEAD_BYTES: u64 = 512 << 10;

/// A position in a table. Made by [`Table::cursor`].
pub struct TableCursor {
    open: Arc<OpenTable>,
    /// Keeps the file from being deleted.
    table: Arc<Table>,
    how: ReadHow,
    at: usize,
    rows: BlockCursor<KeptBlock>,
    ahead: Readahead,
    failure: Option<Error>,
}

/// A stretch of the file in memory, for who reads past the cache.
#[derive(Default)]
pub(super) struct Readahead {
    start: u64,
    bytes: Vec<u8>,
}

impl Readahead {
    /// The stored block at `offset`, reading a stretch of the data that begins with it if it is not here.
    pub(super) fn stored(&mut self, open: &OpenTable, offset: u64, length: u64) -> Result<&[u8]> {
        let inside = offset >= self.start && offset + length <= self.start + self.bytes.len() as u64;
        if !inside {
            let stretch = READAHEAD_BYTES.max(length).min(open.data_bytes - offset);
            self.bytes = open.file.read(offset, stretch)?;
            self.start = offset;
        }
        let at = (offset - self.start) as usize;
        self.bytes.get(at..at + length as usize).ok_or_else(|| {
            Error::new(ErrorKind::Internal, "a stretch of a table is shorter than the block it was read for")
        })
    }
}

impl TableCursor {
    pub(super) fn new(table: Arc<Table>, open: Arc<OpenTable>, how: ReadHow) -> Self {
        let (rows, ahead) = (BlockCursor::default(), Readahead::default());
        Self { open, table, how, at: 0, rows, ahead, failure: None }
    }

    /// The table it goes over.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Does `work` unless the cursor failed before; remembers a failure.
    fn guard(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        work(self).inspect_err(|error| {
            self.rows.invalidate();
            self.failure = Some(error.clone());
        })
    }

    /// Takes block `at` in hand. Without one the cursor stands nowhere, and this is false.
    fn enter(&mut self, at: Option<usize>) -> Result<bool> {
        self.rows.invalidate();
        let Some(at) = at.filter(|&at| at < self.open.index.len()) else { return Ok(false) };
        if at == self.at && self.rows.has_block() {
            return Ok(true);
        }
        self.rows.take_block();
        let block = if let Some(block) = self.open.resident(at) {
            block
        } else if self.how.sequential {
            let (offset, length) = self.open.place(at)?;
            KeptBlock::Shared(
                self.open.decode(offset, self.ahead.stored(&self.open, offset, length)?.into())?,
            )
        } else {
            self.open.keep(at, self.how)?
        };
        self.rows.set_block(block);
        self.at = at;
        Ok(true)
    }

    /// To the first entry of block `at`.
    fn first_of(&mut self, at: usize) -> Result<()> {
        if self.enter(Some(at))? {
            self.rows.first();
        }
        Ok(())
    }

    /// To the last entry of block `at`.
    fn last_of(&mut self, at: Option<usize>) -> Result<()> {
        if self.enter(at)? {
            self.rows.last();
        }
        Ok(())
    }
}

impl Cursor for TableCursor {
    #[inline]
    fn valid(&self) -> bool {
        self.rows.valid()
    }

    fn seek_to_first(&mut self) -> Result<()> {
        self.guard(|cursor| cursor.first_of(0))
    }

    fn seek_to_last(&mut self) -> Result<()> {
        self.guard(|cursor| cursor.last_of(cursor.open.index.len().checked_sub(1)))
    }

    fn seek(&mut self, user_key: &[u8], trailer: u64) -> Result<()> {
        self.guard(|cursor| {
            let Some(at) = cursor.open.index.find(user_key) else { return cursor.first_of(0) };
            if cursor.enter(Some(at))? {
                cursor.rows.seek(user_key, trailer);
                if !cursor.rows.valid() {
                    return cursor.first_of(at + 1);
                }
            }
            Ok(())
        })
    }

    fn seek_before(&mut self, user_key: &[u8]) -> Result<()> {
        self.guard(|cursor| {
            let at = cursor.open.index.find(user_key);
            if cursor.enter(at)? {
                cursor.rows.seek_before(user_key);
                if !cursor.rows.valid() {
                    return cursor.last_of(at.and_then(|at| at.checked_sub(1)));
                }
            }
            Ok(())
        })
    }

    #[inline]
    fn next(&mut self) -> Result<()> {
        if self.rows.valid() {
            self.rows.next();
            if self.rows.valid() {
                return Ok(());
            }
            return self.guard(|cursor| cursor.first_of(cursor.at + 1));
        }
        self.failure.clone().map_or(Ok(()), Err)
    }

    #[inline]
    fn prev(&mut self) -> Result<()> {
        if self.rows.valid() {
            self.rows.prev();
            if self.rows.valid() {
                return Ok(());
            }
            return self.guard(|cursor| cursor.last_of(cursor.at.checked_sub(1)));
        }
        self.failure.clone().map_or(Ok(()), Err)
    }

    #[inline]
    fn user_key(&self) -> &[u8] {
        self.rows.user_key()
    }

    #[inline]
    fn trailer(&self) -> u64 {
        self.rows.trailer()
    }

    #[inline]
    fn value(&self) -> &[u8] {
        self.rows.value()
    }
}
