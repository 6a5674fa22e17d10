//! Memory that large batches are encoded into and committed from, so that they are not copied on the event loop.
//!
//! JavaScript sees a [`Block`] as an `ArrayBuffer`. It encodes a batch there and hands it over; the commit reads the
//! bytes where they lie, on whichever thread, while JavaScript goes on. Until it is done the block is lent, and
//! `ts/block.ts` does not touch it. Native code owns the memory, so it outlives the environment if a commit does.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::io;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use memmap2::{MmapMut, MmapRaw};

use crate::failure::{Failure, Result};

/// Bytes of a block. The system gives memory only for what was written to.
pub const BLOCK_BYTES: usize = 4 << 20;
/// The most blocks of one environment.
pub const MAX_BLOCKS: usize = 8;

/// A piece of memory.
pub struct Block {
    memory: MmapRaw,
    lent: AtomicBool,
}

impl Block {
    fn new() -> io::Result<Self> {
        Ok(Self { memory: MmapMut::map_anon(BLOCK_BYTES)?.into(), lent: AtomicBool::new(false) })
    }

    /// Where it starts: [`BLOCK_BYTES`] readable and writable bytes, for as long as this value.
    pub fn start(&self) -> *mut u8 {
        self.memory.as_mut_ptr()
    }
}

/// The operations at the start of a block, until they are committed.
pub struct Lent {
    block: Arc<Block>,
    length: usize,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `Blocks::lend` checked that the length is within the block, which `self` keeps. Nobody writes to it: it is
        // lent until `self` is dropped, after all borrows, and JavaScript writes only to blocks that it asked for and that
        // are not lent.
        unsafe { slice::from_raw_parts(self.block.start(), self.length) }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.block.lent.store(false, Ordering::Release);
    }
}

/// The blocks of one environment, by number, on its thread.
#[derive(Default)]
pub struct Blocks(RefCell<Vec<Arc<Block>>>);

impl Blocks {
    /// Makes the next one; `None` if there are [`MAX_BLOCKS`], or no memory: then batches are copied.
    pub fn add(&self) -> Option<Arc<Block>> {
        let mut blocks = self.0.borrow_mut();
        if blocks.len() == MAX_BLOCKS {
            return None;
        }
        let block = Arc::new(Block::new().ok()?);
        blocks.push(Arc::clone(&block));
        Some(block)
    }

    /// Whether JavaScript may write to block `number`.
    pub fn is_free(&self, number: usize) -> bool {
        self.0.borrow().get(number).is_some_and(|block| !block.lent.load(Ordering::Acquire))
    }

    /// Lends the first `length` bytes of block `number` to a commit.
    pub fn lend(&self, number: usize, length: usize) -> Result<Lent> {
        let blocks = self.0.borrow();
        match blocks.get(number) {
            Some(block) if length <= BLOCK_BYTES && !block.lent.swap(true, Ordering::Acquire) => {
                Ok(Lent { block: Arc::clone(block), length })
            }
            _ => Err(Failure::internal("a block that is lent, or is none")),
        }
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}
