//! What the engine counts, always: relaxed atomics, touched once a group, a flush or a compaction, never by a read. (The
//! block cache counts its hits itself, spread over cache lines.)

use crate::sync::{AtomicU64, Ordering};

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

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counts of everything the engine does since it was opened, shared by all its threads.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
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
    /// Bytes of keys and values that users wrote.
    user_bytes,
    /// Operations (puts, deletes, range deletes) that users wrote.
    user_ops,
    /// Records replayed from write-ahead logs at open.
    recovered_ops,
    /// Bytes written to write-ahead logs, with the zeros written ahead.
    wal_bytes,
    /// Syncs of write-ahead logs.
    syncs,
    /// Commit groups; each is one frame in a write-ahead log.
    groups,
    /// Batches in all commit groups; divided by `groups`: how many writes share one frame.
    group_writes,
    /// Memtables flushed.
    flushes,
    /// Bytes of tables written by flushes.
    flushed_bytes,
    /// Compactions installed, trivial moves not counted.
    compactions,
    /// Bytes of tables read by compactions.
    compacted_bytes_read,
    /// Bytes of tables written by compactions.
    compacted_bytes_written,
    /// Tables moved to the next level without being rewritten.
    trivial_moves,
    /// Tables removed because nothing referred to them any more.
    tables_deleted,
    /// Times a writer was stopped.
    stalls,
    /// Microseconds writers were stopped or delayed.
    stall_micros,
    /// Commit groups that were delayed but not stopped.
    delayed_writes,
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
