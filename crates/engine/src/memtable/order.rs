//! The order of insertion: an append-only list of record references.
//!
//! It is what the sorted view catches up along. One writer pushes; any thread reads below [`Order::len`]. The
//! list is made of segments, each twice as long as the one before, so that nothing is ever moved.

use std::sync::OnceLock;

use crate::sync::{AtomicU32, AtomicUsize, Ordering};

use super::arena::Ref;
use super::zeroed;

/// Entries of the first segment.
const FIRST: usize = 128;
/// `FIRST * 2^SEGMENTS` exceeds the number of records 32 bits can refer to.
const SEGMENTS: usize = 26;

/// References in the order they were pushed.
pub(super) struct Order {
    segments: [OnceLock<Box<[AtomicU32]>>; SEGMENTS],
    len: AtomicUsize,
    bytes: AtomicUsize,
}

/// The segment and the index in it of entry `at`.
#[inline]
fn place(at: usize) -> (usize, usize) {
    let block = at / FIRST + 1;
    let segment = block.ilog2() as usize;
    (segment, at - FIRST * ((1 << segment) - 1))
}

impl Order {
    pub(super) fn new() -> Self {
        Self {
            segments: [const { OnceLock::new() }; SEGMENTS],
            len: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Entries pushed so far. Everything the writer did before pushing them is visible to the caller.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Bytes of the segments.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Appends `at`. For the one writer.
    #[inline]
    pub(super) fn push(&self, at: Ref) {
        let len = self.len.load(Ordering::Relaxed);
        let (segment, index) = place(len);
        let segment = self.segments[segment].get_or_init(|| {
            self.bytes.fetch_add((FIRST << segment) * size_of::<AtomicU32>(), Ordering::Relaxed);
            zeroed::u32s(FIRST << segment)
        });
        segment[index].store(at.bits(), Ordering::Relaxed);
        self.len.store(len + 1, Ordering::Release);
    }

    /// The entries from `from` up to `to`, or up to the last.
    pub(super) fn range(&self, from: usize, to: usize) -> impl Iterator<Item = Ref> + '_ {
        (from..to.min(self.len())).filter_map(|at| {
            let (segment, index) = place(at);
            Ref::from_bits(self.segments[segment].get()?[index].load(Ordering::Relaxed))
        })
    }
}
