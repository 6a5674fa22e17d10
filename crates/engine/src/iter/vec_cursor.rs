//! A cursor over entries in memory, for tests. It can be told to fail.

use super::Cursor;
use crate::error::{Error, ErrorKind, Result};
use crate::key;

/// A user key, a trailer and a value.
pub(crate) type Entry = (Vec<u8>, u64, Vec<u8>);

/// Walks sorted entries; after `moves_left` moves every move fails.
pub(crate) struct VecCursor {
    entries: Vec<Entry>,
    at: Option<usize>,
    moves_left: usize,
}

impl VecCursor {
    pub(crate) fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| key::compare(&a.0, a.1, &b.0, b.1));
        Self { entries, at: None, moves_left: usize::MAX }
    }

    pub(crate) fn failing_after(self, moves_left: usize) -> Self {
        Self { moves_left, ..self }
    }

    fn go(&mut self, at: Option<usize>) -> Result<()> {
        let Some(left) = self.moves_left.checked_sub(1) else {
            self.at = None;
            return Err(Error::new(ErrorKind::Io, "planted read error"));
        };
        self.moves_left = left;
        self.at = at.filter(|&at| at < self.entries.len());
        Ok(())
    }
}

impl Cursor for VecCursor {
    fn valid(&self) -> bool {
        self.at.is_some()
    }
    fn seek_to_first(&mut self) -> Result<()> {
        self.go(Some(0))
    }
    fn seek_to_last(&mut self) -> Result<()> {
        self.go(self.entries.len().checked_sub(1))
    }
    fn seek(&mut self, user_key: &[u8], trailer: u64) -> Result<()> {
        let at = self.entries.partition_point(|e| key::compare(&e.0, e.1, user_key, trailer).is_lt());
        self.go(Some(at))
    }
    fn seek_before(&mut self, user_key: &[u8]) -> Result<()> {
        let after = self.entries.partition_point(|e| *e.0 < *user_key);
        self.go(after.checked_sub(1))
    }
    fn next(&mut self) -> Result<()> {
        self.go(self.at.map(|at| at + 1))
    }
    fn prev(&mut self) -> Result<()> {
        self.go(self.at.and_then(|at| at.checked_sub(1)))
    }
    fn user_key(&self) -> &[u8] {
        self.at.map_or(&[], |at| &self.entries[at].0)
    }
    fn trailer(&self) -> u64 {
        self.at.map_or(0, |at| self.entries[at].1)
    }
    fn value(&self) -> &[u8] {
        self.at.map_or(&[], |at| &self.entries[at].2)
    }
}
