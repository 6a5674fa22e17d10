//! Which block goes next: S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023).
//!
//! New blocks enter a small queue; those used again before its end move to the main queue, the rest go, and only their ids
//! are remembered for a while: who comes back soon enters the main queue at once. A scan passes through the small
//! queue and leaves the main one alone. Plain data, under the cache's lock.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Weak};

use super::block::BlockSlots;

/// A cached block's place: slot `slot` of `owner`.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) owner: Weak<BlockSlots>,
    pub(super) slot: usize,
    pub(super) bytes: usize,
    /// The same for the same block of the same file, now and when it comes back.
    pub(super) id: u64,
}

/// The two queues. Entries whose owner or block is gone stay until they come up or are swept.
#[derive(Debug, Default)]
pub(super) struct Queue {
    small: Fifo,
    main: Fifo,
    ghosts: Ghosts,
    /// Entries whose owner or block is gone.
    stale: usize,
}

#[derive(Debug, Default)]
struct Fifo {
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl Fifo {
    fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes;
        self.entries.push_back(entry);
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.bytes;
        Some(entry)
    }

    fn sweep(&mut self) {
        self.entries.retain(|entry| entry.owner.upgrade().is_some_and(|owner| owner.holds(entry.slot)));
        self.bytes = self.entries.iter().map(|entry| entry.bytes).sum();
    }
}

impl Queue {
    pub(super) fn insert(&mut self, entry: Entry) {
        if self.ghosts.take(entry.id) { self.main.push(entry) } else { self.small.push(entry) }
    }

    /// Chooses a block to evict when `target` bytes may stay: its owner and slot. `None` when there is none left.
    pub(super) fn victim(&mut self, target: usize) -> Option<(Arc<BlockSlots>, usize)> {
        loop {
            let from_small = self.small.bytes > target / 10 || self.main.entries.is_empty();
            let entry = if from_small { self.small.pop() } else { self.main.pop() };
            let entry = match entry {
                Some(entry) => entry,
                None if self.len() == 0 => return None,
                None => continue,
            };
            let Some(owner) = entry.owner.upgrade() else {
                self.stale = self.stale.saturating_sub(1);
                continue;
            };
            if owner.take_use(entry.slot, from_small) {
                self.main.push(entry);
                continue;
            }
            if from_small {
                self.ghosts.add(entry.id, self.main.entries.len() + self.small.entries.len());
            }
            return Some((owner, entry.slot));
        }
    }

    /// Notes that the blocks of `count` entries are gone. Sweeps when they are many, so that memory stays in
    /// proportion and the cost is constant an entry.
    pub(super) fn blocks_gone(&mut self, count: usize) {
        self.stale += count;
        if self.stale > 64 + self.len() / 2 {
            self.small.sweep();
            self.main.sweep();
            self.stale = 0;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.small.entries.len() + self.main.entries.len()
    }
}

/// Ids of blocks that left the small queue unused, oldest first.
#[derive(Debug, Default)]
struct Ghosts {
    order: VecDeque<u64>,
    ids: HashSet<u64>,
}

impl Ghosts {
    fn add(&mut self, id: u64, most: usize) {
        self.order.push_back(id);
        self.ids.insert(id);
        while self.order.len() > most.max(16) {
            if let Some(oldest) = self.order.pop_front() {
                self.ids.remove(&oldest);
            }
        }
    }

    fn take(&mut self, id: u64) -> bool {
        self.ids.remove(&id)
    }
}
