//! A position in one block.

use std::hint::black_box;
use std::ops::Range;

use super::{Block, SharedBlock};

/// Bytes of a line of the processor's cache.
const LINE_BYTES: usize = 64;
/// So much is brought from memory at once.
const TOUCHED_BYTES: usize = 1 << 10;

/// A block that a cursor can hold.
pub(crate) trait Held {
    /// The block; always there.
    fn block(&self) -> Option<Block<'_>>;
}

impl Held for SharedBlock {
    #[inline]
    fn block(&self) -> Option<Block<'_>> {
        Some(Block::of(self))
    }
}

/// Stands on an entry of a block it holds, or on none. Keeps the whole user key, put together from common prefix and
/// suffix.
#[derive(Debug)]
pub(crate) struct BlockCursor<B> {
    block: Option<B>,
    at: usize,
    valid: bool,
    user_key: Vec<u8>,
    trailer: u64,
    value: Range<usize>,
}

impl<B> Default for BlockCursor<B> {
    fn default() -> Self {
        Self { block: None, at: 0, valid: false, user_key: Vec::new(), trailer: 0, value: 0..0 }
    }
}

impl<B: Held> BlockCursor<B> {
    /// Takes another block; stands nowhere in it yet.
    pub(crate) fn set_block(&mut self, block: B) {
        self.valid = false;
        self.user_key.clear();
        if let Some(block) = block.block() {
            self.user_key.extend_from_slice(block.common_prefix());
        }
        self.block = Some(block);
    }

    /// Gives the block back; stands nowhere.
    pub(crate) fn take_block(&mut self) -> Option<B> {
        self.valid = false;
        self.block.take()
    }

    #[inline]
    fn block(&self) -> Option<Block<'_>> {
        self.block.as_ref()?.block()
    }

    pub(crate) fn has_block(&self) -> bool {
        self.block.is_some()
    }

    pub(crate) fn invalidate(&mut self) {
        self.valid = false;
    }

    pub(crate) fn valid(&self) -> bool {
        self.valid
    }

    /// Stands on entry `at`, or nowhere when there is none.
    #[inline]
    fn stand(&mut self, at: usize) {
        self.valid = false;
        let Some(block) = self.block.as_ref().and_then(B::block) else { return };
        let Some(row) = block.row(at) else { return };
        self.user_key.truncate(block.header.common as usize);
        self.user_key.extend_from_slice(row.suffix);
        self.trailer = row.trailer;
        let end = match at + 1 < block.len() {
            true => block.header.rows() + block.offset(at + 1).unwrap_or_default(),
            false => block.data.len(),
        };
        self.value = end.saturating_sub(row.value.len())..end;
        self.at = at;
        self.valid = true;
    }

    pub(crate) fn first(&mut self) {
        self.stand(0);
    }

    pub(crate) fn last(&mut self) {
        let last = self.block().map_or(0, |block| block.len() - 1);
        self.stand(last);
    }

    /// The first entry at or after `(user_key, trailer)`, or nowhere.
    pub(crate) fn seek(&mut self, user_key: &[u8], trailer: u64) {
        let at = self.block().map_or(0, |block| {
            touch(block.order());
            let at = block.lower_bound(user_key, trailer);
            touch(block.rows_from(at));
            at
        });
        self.stand(at);
    }

    /// The last entry whose user key is less, or nowhere.
    pub(crate) fn seek_before(&mut self, user_key: &[u8]) {
        let at = self.block().map_or(0, |block| block.lower_bound(user_key, u64::MAX));
        self.step_back_from(at);
    }

    #[inline]
    pub(crate) fn next(&mut self) {
        self.stand(self.at + 1);
    }

    pub(crate) fn prev(&mut self) {
        self.step_back_from(self.at);
    }

    fn step_back_from(&mut self, at: usize) {
        match at.checked_sub(1) {
            Some(before) => self.stand(before),
            None => self.valid = false,
        }
    }

    #[inline]
    pub(crate) fn user_key(&self) -> &[u8] {
        if self.valid { &self.user_key } else { &[] }
    }

    #[inline]
    pub(crate) fn trailer(&self) -> u64 {
        if self.valid { self.trailer } else { 0 }
    }

    #[inline]
    pub(crate) fn value(&self) -> &[u8] {
        match self.block() {
            Some(block) if self.valid => block.data.get(self.value.clone()).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// Brings the beginning of `bytes` from memory, all lines together: who walks over them waits for one after the other.
#[inline]
fn touch(bytes: &[u8]) {
    let lines = bytes.iter().take(TOUCHED_BYTES).step_by(LINE_BYTES);
    black_box(lines.fold(0, |all, byte| all | byte));
}
