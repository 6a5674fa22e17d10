//! Hit and miss counts that do not make cores fight over a cache line.

use std::cell::Cell;

use crossbeam::utils::CachePadded;

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

const SHARDS: usize = 32;

/// Counts, spread over cache lines; each thread keeps to one of them.
#[derive(Debug, Default)]
pub(super) struct Counters([CachePadded<Shard>; SHARDS]);

#[derive(Debug, Default)]
struct Shard {
    hits: AtomicU64,
    misses: AtomicU64,
}

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

impl Counters {
    #[inline]
    fn shard(&self) -> Option<&Shard> {
        let mut at = SHARD.get();
        if at == usize::MAX {
            at = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
            SHARD.set(at);
        }
        self.0.get(at).map(|shard| &**shard)
    }

    #[inline]
    pub(super) fn hit(&self) {
        if let Some(shard) = self.shard() {
            shard.hits.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn miss(&self) {
        if let Some(shard) = self.shard() {
            shard.misses.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Hits and misses so far.
    pub(super) fn sums(&self) -> (u64, u64) {
        self.0.iter().fold((0, 0), |(hits, misses), shard| {
            (hits + shard.hits.load(Ordering::Relaxed), misses + shard.misses.load(Ordering::Relaxed))
        })
    }
}
