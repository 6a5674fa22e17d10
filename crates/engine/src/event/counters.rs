//! What the engine counts, always.
//!
//! A [`HotCounter`] is split into shards, each on its own cache line, and a thread always adds to the same
//! shard: up to 16 reading threads do not share a line. No count is ever lost.

use crossbeam::utils::CachePadded;

use crate::sync::{AtomicU64, Ordering};

/// Into how many cache lines a hot counter is split.
const SHARDS: usize = 16;

std::thread_local! {
    static SHARD: usize = {
        static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % SHARDS
    };
}

/// A count that many threads may add to, seldom.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds. One relaxed atomic addition.
    #[inline]
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// The count now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A count that reading threads add to on every operation, without writing each other's cache lines. 2 KiB.
#[derive(Debug, Default)]
pub struct HotCounter([CachePadded<AtomicU64>; SHARDS]);

impl HotCounter {
    /// Adds. One relaxed atomic addition on a cache line of this thread's own (as long as there are at most 16).
    #[inline]
    pub fn add(&self, by: u64) {
        let shard = SHARD.try_with(|shard| *shard).unwrap_or(0);
        if let Some(line) = self.0.get(shard) {
            line.fetch_add(by, Ordering::Relaxed);
        }
    }

    #[cfg(test)]
    pub(super) fn shards(&self) -> &[CachePadded<AtomicU64>] {
        &self.0
    }

    /// The count now: the sum of all shards.
    pub fn get(&self) -> u64 {
        self.0.iter().map(|line| line.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)*) => {
        /// Counts of everything the engine does since it was opened, shared by all its threads.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: $kind,)*
        }

        /// The [`Counters`] at one moment, as plain numbers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct CounterValues {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// All counts. Each is read once; while threads are at work they are not of one instant.
            pub fn values(&self) -> CounterValues {
                CounterValues { $($name: self.$name.get(),)* }
            }
        }
    };
}

counters! {
    /// Lookups of a key.
    gets: HotCounter,
    /// Lookups that found a value.
    found: HotCounter,
    /// Blocks served from the block cache.
    cache_hits: HotCounter,
    /// Blocks that had to be loaded.
    cache_misses: HotCounter,
    /// Bytes of keys and values that users wrote.
    user_bytes: Counter,
    /// Operations (puts and deletes) that users wrote.
    user_ops: Counter,
    /// Records replayed from write-ahead logs at open.
    recovered_ops: Counter,
    /// Bytes written to write-ahead logs.
    wal_bytes: Counter,
    /// Syncs of write-ahead logs.
    syncs: Counter,
    /// Commit groups; each is one frame in a write-ahead log.
    groups: Counter,
    /// Batches in all commit groups; divided by `groups`: how many writes share one frame.
    group_writes: Counter,
    /// Memtables flushed.
    flushes: Counter,
    /// Bytes of tables written by flushes.
    flushed_bytes: Counter,
    /// Compactions installed, trivial moves not counted.
    compactions: Counter,
    /// Bytes of tables read by compactions.
    compacted_bytes_read: Counter,
    /// Bytes of tables written by compactions.
    compacted_bytes_written: Counter,
    /// Tables moved to the next level without being rewritten.
    trivial_moves: Counter,
    /// Tables removed because nothing referred to them any more.
    tables_deleted: Counter,
    /// Times a writer was stopped.
    stalls: Counter,
    /// Microseconds writers were stopped or delayed.
    stall_micros: Counter,
    /// Commit groups that were delayed but not stopped.
    delayed_writes: Counter,
}

impl CounterValues {
    /// Bytes written to disk (logs, flushes, compactions) for each byte users wrote; 0 before the first write.
    pub fn write_amplification(&self) -> f64 {
        if self.user_bytes == 0 {
            return 0.0;
        }
        let disk = self.wal_bytes + self.flushed_bytes + self.compacted_bytes_written;
        disk as f64 / self.user_bytes as f64
    }
}
