//! The table cache: how many tables may have their file open.
//!
//! Tables open themselves when they are read and tell the cache; the cache closes the one that was not used for a
//! while (CLOCK) when there are too many. What a cursor still uses stays open until the cursor goes, above the limit.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use crate::sync::{AtomicUsize, Mutex, Ordering};

/// Something that can be closed and opens itself again.
pub(crate) trait Openable: Send + Sync {
    /// Whether it was used since this was last asked.
    fn take_used(&self) -> bool;
    /// Whether it holds all of its blocks in memory.
    fn is_resident(&self) -> bool;
    /// Closes it; whether it was open.
    fn close(&self) -> bool;
}

/// Keeps at most a given number of tables open.
pub struct TableCache {
    most: usize,
    open: AtomicUsize,
    clock: Mutex<VecDeque<Weak<dyn Openable>>>,
}

impl std::fmt::Debug for TableCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableCache").field("most", &self.most).field("open", &self.open).finish()
    }
}

impl TableCache {
    /// A cache that keeps at most `most` tables open, at least one.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), open: AtomicUsize::new(0), clock: Mutex::default() })
    }

    /// How many tables it keeps open.
    pub fn open_tables(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Takes in a table that just opened, and closes others if there are too many.
    pub(crate) fn opened(&self, table: Weak<dyn Openable>) {
        self.open.fetch_add(1, Ordering::Relaxed);
        let mut passed = Vec::new();
        {
            let mut clock = self.clock.lock();
            // Twice around: readers may mark tables again as fast as the hand clears the marks.
            let mut steps = 2 * clock.len();
            while self.open_tables() > self.most && steps > 0 {
                steps -= 1;
                let Some(candidate) = clock.pop_front() else { break };
                let Some(open) = candidate.upgrade() else { continue };
                if open.take_used() {
                    clock.push_back(candidate);
                } else if open.close() {
                    self.open.fetch_sub(1, Ordering::Relaxed);
                }
                passed.push(open);
            }
            clock.push_back(table);
            if clock.len() > 2 * self.most + 64 {
                clock.retain(|table| table.strong_count() > 0);
            }
        }
        // After the lock: one of these may be the last reference to its table, which then tells the cache.
        drop(passed);
    }

    /// Closes the tables that are wholly in memory and were not used since this, or [`TableCache::opened`], last looked.
    pub(crate) fn shed(&self) {
        let mut passed = Vec::new();
        self.clock.lock().retain(|table| {
            let Some(open) = table.upgrade() else { return false };
            let closed = open.is_resident() && !open.take_used() && open.close();
            if closed {
                self.open.fetch_sub(1, Ordering::Relaxed);
            }
            passed.push(open);
            !closed
        });
        // After the lock, as above.
        drop(passed);
    }

    /// Notes that a table went away while it was open.
    pub(crate) fn gone(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}
