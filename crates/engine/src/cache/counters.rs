//! Hit and miss counts that do not make cores fight over a cache line.

use std::cell::Cell;

use crossbeam::utils::CachePadded;

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

const SHARDS: usize = 32;

/// Counts, spread over cache lines; each thread keeps to one of them.
#[derive(Debug, Default)]
pub(super) struct Counters {
    shards: [CachePadded<Shard>; SHARDS],
    /// Which one the next new thread takes.
    next: AtomicUsize,
}

#[derive(Debug, Default)]
struct Shard {
    hits: AtomicU64,
    misses: AtomicU64,
}

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

impl Counters {
    #[inline]
    fn shard(&self) -> Option<&Shard> {
        let at = SHARD.with(|shard| {
            if shard.get() == usize::MAX {
                shard.set(self.next.fetch_add(1, Ordering::Relaxed) % SHARDS);
            }
            shard.get()
        });
        self.shards.get(at).map(|shard| &**shard)
    }

    #[inline]
    pub(super) fn hit(&self) {
        if let Some(shard) = self.shard() {
            // Not one atomic operation: that would wait for all loads before it. With more threads than shards a count may
            // be lost.
            shard.hits.store(shard.hits.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }

    pub(super) fn miss(&self) {
        if let Some(shard) = self.shard() {
            shard.misses.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Hits and misses so far.
    pub(super) fn sums(&self) -> (u64, u64) {
        self.shards.iter().fold((0, 0), |(hits, misses), shard| {
            (hits + shard.hits.load(Ordering::Relaxed), misses + shard.misses.load(Ordering::Relaxed))
        })
    }
}
