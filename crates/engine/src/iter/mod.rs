//! Cursors: one interface for everything that yields internal entries in order.
//!
//! Each source (memtable, block, table, level) has a cursor; `merge` joins them, `user` turns internal
//! entries into what a snapshot sees.

use crate::error::Result;

mod level;
mod merge;
mod user;
#[cfg(test)]
mod vec_cursor;

pub use level::LevelCursor;
pub use merge::MergeCursor;
pub use user::{Bounds, UserCursor};

/// A position in a sequence of internal entries, ordered by [`crate::key::compare`].
///
/// A cursor starts unpositioned (not valid). Moves return an error when bytes could not be read; the cursor
/// is then not valid, and every later move returns the same error: an error never looks like the end.
/// `next` and `prev` on a cursor that is not valid do nothing. The slices live until the next move.
pub trait Cursor {
    /// Whether the cursor stands on an entry.
    fn valid(&self) -> bool;
    /// To the first entry.
    fn seek_to_first(&mut self) -> Result<()>;
    /// To the last entry.
    fn seek_to_last(&mut self) -> Result<()>;
    /// To the first entry at or after `(user_key, trailer)` in internal order (so `u64::MAX` as trailer stands before
    /// every version of the key).
    fn seek(&mut self, user_key: &[u8], trailer: u64) -> Result<()>;
    /// To the last entry whose user key is less than `user_key`.
    fn seek_before(&mut self, user_key: &[u8]) -> Result<()>;
    /// One entry forward.
    fn next(&mut self) -> Result<()>;
    /// One entry back.
    fn prev(&mut self) -> Result<()>;
    /// The user key here. Empty when not valid.
    fn user_key(&self) -> &[u8];
    /// The trailer here. 0 when not valid.
    fn trailer(&self) -> u64;
    /// The value here. Empty when not valid.
    fn value(&self) -> &[u8];
}

impl<C: Cursor + ?Sized> Cursor for Box<C> {
    fn valid(&self) -> bool {
        (**self).valid()
    }
    fn seek_to_first(&mut self) -> Result<()> {
        (**self).seek_to_first()
    }
    fn seek_to_last(&mut self) -> Result<()> {
        (**self).seek_to_last()
    }
    fn seek(&mut self, user_key: &[u8], trailer: u64) -> Result<()> {
        (**self).seek(user_key, trailer)
    }
    fn seek_before(&mut self, user_key: &[u8]) -> Result<()> {
        (**self).seek_before(user_key)
    }
    fn next(&mut self) -> Result<()> {
        (**self).next()
    }
    fn prev(&mut self) -> Result<()> {
        (**self).prev()
    }
    fn user_key(&self) -> &[u8] {
        (**self).user_key()
    }
    fn trailer(&self) -> u64 {
        (**self).trailer()
    }
    fn value(&self) -> &[u8] {
        (**self).value()
    }
}
