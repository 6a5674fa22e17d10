//! The block cache.
//!
//! [`BlockCache`] holds the budget and the queue; each open table has its [`BlockSlots`], which hold the blocks. A hit is
//! one load of a slot. A use is marked by a store only while the mark is below its small maximum, so the marks of hot
//! blocks are read, not written. A miss is loaded once however many ask: the first loads, the others wait for it.
//!
//! Invariants: the bytes counted are those of the blocks in slots; a block in a slot has exactly one entry in
//! the queue; slots and queue change together, under the queue's lock. Blocks go when their table's slots go.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::sync::Arc;

use arc_swap::{ArcSwapAny, Guard};

use super::counters::Counters;
use super::queue::{Entry, Queue};
use crate::checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Condvar, Mutex, Ordering};
use crate::table::block::{Header, SharedBlock};

/// Uses beyond this are not counted.
const MOST_USES: u8 = 3;

/// What the cache has done and holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheStats {
    /// Reads answered from memory.
    pub hits: u64,
    /// Reads that had to fetch their block.
    pub misses: u64,
    /// Bytes of blocks held.
    pub block_bytes: usize,
    /// Bytes of the indexes and filters of open tables, and of tables that are wholly in memory.
    pub pinned_bytes: usize,
}

/// Blocks in memory under a budget of bytes, shared by all tables of a database.
#[derive(Debug)]
pub struct BlockCache {
    budget: usize,
    queue: Mutex<Queue>,
    blocks: AtomicUsize,
    pinned: AtomicUsize,
    /// Queue entries whose block went with its table, or into a table in memory, since the queue was last told.
    gone: AtomicUsize,
    /// Reserved for tables that are being loaded. Their blocks that are cached stay until the table is in memory: whoever
    /// reads them meanwhile should not have to read them again.
    loading: AtomicUsize,
    closed: AtomicBool,
    counters: Counters,
}

/// A part of the budget for a table that is being loaded or wholly in memory, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    cache: Arc<BlockCache>,
    bytes: usize,
    loaded: AtomicBool,
}

impl Reservation {
    /// Makes it `bytes`: gives back what is not needed, takes what is missing. False when there is no room for that. Only
    /// before [`Reservation::loaded`].
    pub(crate) fn fit(&mut self, bytes: usize) -> bool {
        let unused = self.bytes.saturating_sub(bytes);
        self.bytes -= unused;
        self.cache.loading.fetch_sub(unused, Ordering::Relaxed);
        if bytes > self.bytes {
            let Some(mut missing) = self.cache.reserve(bytes - self.bytes) else { return false };
            self.bytes += std::mem::take(&mut missing.bytes);
        }
        true
    }

    /// The table is in memory: other blocks have to give way to it.
    pub(crate) fn loaded(&self) {
        let cache = &self.cache;
        cache.loading.fetch_sub(self.bytes, Ordering::Relaxed);
        cache.pinned.fetch_add(self.bytes, Ordering::Relaxed);
        self.loaded.store(true, Ordering::Relaxed);
        let mut queue = cache.queue.lock();
        let evicted = cache.trim(&mut queue);
        drop(queue);
        drop(evicted);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let counted =
            if self.loaded.load(Ordering::Relaxed) { &self.cache.pinned } else { &self.cache.loading };
        counted.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl BlockCache {
    /// A cache for `budget` bytes of blocks, indexes and filters; 0 caches no block. Indexes and filters of open
    /// tables are counted but not evicted; blocks always keep an eighth of the budget.
    pub fn new(budget: usize) -> Arc<Self> {
        Arc::new(Self {
            budget,
            queue: Mutex::default(),
            blocks: AtomicUsize::new(0),
            pinned: AtomicUsize::new(0),
            gone: AtomicUsize::new(0),
            loading: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            counters: Counters::default(),
        })
    }

    /// Counts and sizes. Exact when nothing is going on.
    pub fn stats(&self) -> CacheStats {
        let (hits, misses) = self.counters.sums();
        CacheStats {
            hits,
            misses,
            block_bytes: self.blocks.load(Ordering::Relaxed),
            pinned_bytes: self.pinned.load(Ordering::Relaxed),
        }
    }

    /// Slots for the `count` blocks of table `number`, whose index and filter take `pinned` bytes. `paranoid` remembers
    /// the checksum of each block in memory for [`BlockSlots::intact`].
    pub(crate) fn slots(
        self: &Arc<Self>,
        number: u64,
        count: usize,
        pinned: usize,
        paranoid: bool,
    ) -> Arc<BlockSlots> {
        let pinned = pinned + count * (size_of::<Slot>() + size_of::<AtomicU8>());
        self.pinned.fetch_add(pinned, Ordering::Relaxed);
        let slots = Arc::new(BlockSlots {
            cache: self.clone(),
            number,
            pinned,
            slots: std::iter::repeat_with(|| Slot::from(None)).take(count).collect(),
            uses: std::iter::repeat_with(AtomicU8::default).take(count).collect(),
            checksums: std::iter::repeat_with(AtomicU64::default)
                .take(if paranoid { count } else { 0 })
                .collect(),
            flights: Mutex::default(),
        });
        drop(self.trim(&mut self.queue.lock()));
        slots
    }

    /// Takes `bytes` of the budget for a table that is to be wholly in memory; `None` when less than a quarter would be left
    /// for the blocks of all others, or after [`BlockCache::close`].
    pub(crate) fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Reservation> {
        let taken = self.pinned.load(Ordering::Relaxed) + self.loading.load(Ordering::Relaxed);
        let room = (self.budget - self.budget / 4).saturating_sub(taken);
        if bytes > room || self.is_closed() {
            return None;
        }
        self.loading.fetch_add(bytes, Ordering::Relaxed);
        Some(Reservation { cache: self.clone(), bytes, loaded: AtomicBool::new(false) })
    }

    /// The database closes: tables that are being loaded are given up.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// How many entries the queue has.
    #[cfg(test)]
    pub(super) fn queued(&self) -> usize {
        self.queue.lock().len()
    }

    /// Bytes of blocks that may stay.
    fn target(&self) -> usize {
        self.budget.saturating_sub(self.pinned.load(Ordering::Relaxed)).max(self.budget / 8)
    }

    /// Puts a block into a slot, unless one is there or the block would fill most of the cache.
    fn install(&self, owner: &Arc<BlockSlots>, slot: usize, block: &SharedBlock) {
        let bytes = charge(block);
        if bytes > self.target() / 2 {
            return;
        }
        let Some(place) = owner.slots.get(slot) else { return };
        let mut queue = self.queue.lock();
        queue.blocks_gone(self.gone.swap(0, Ordering::Relaxed));
        if place.load().is_some() {
            return;
        }
        if let Some(sum) = owner.checksums.get(slot) {
            sum.store(checksum::checksum(0, &block.slice), Ordering::Relaxed);
        }
        place.store(Some(block.clone()));
        self.blocks.fetch_add(bytes, Ordering::Relaxed);
        let id = owner.number << 24 ^ slot as u64;
        queue.insert(Entry { owner: Arc::downgrade(owner), slot, bytes, id });
        let evicted = self.trim(&mut queue);
        drop(queue);
        drop(evicted);
    }

    /// Evicts down to the target. What it returns is to be dropped after the lock is released, to keep it short.
    fn trim(&self, queue: &mut Queue) -> Vec<(Arc<BlockSlots>, Option<SharedBlock>)> {
        let target = self.target();
        let mut evicted = Vec::new();
        while self.blocks.load(Ordering::Relaxed) > target {
            let Some((owner, slot)) = queue.victim(target) else { break };
            let block = owner.take(slot);
            evicted.push((owner, block));
        }
        evicted
    }
}

/// Where a block is, if it is in memory.
type Slot = ArcSwapAny<Option<SharedBlock>>;

/// Bytes of memory a block takes: its own, what its header says, its reference count and its length.
fn charge(block: &SharedBlock) -> usize {
    block.slice.len() + size_of::<Header>() + 2 * size_of::<usize>()
}

/// A cached block being read: borrowed from its slot without touching its reference count, or owned.
pub(crate) struct CachedBlock(Guard<Option<SharedBlock>>);

impl CachedBlock {
    pub(crate) fn owned(block: SharedBlock) -> Self {
        Self(Guard::from_inner(Some(block)))
    }

    /// The block; always there.
    #[inline]
    pub(crate) fn get(&self) -> Option<&SharedBlock> {
        self.0.as_ref()
    }

    pub(crate) fn into_shared(self) -> Option<SharedBlock> {
        Guard::into_inner(self.0)
    }
}

/// The cached blocks of one open table.
#[derive(Debug)]
pub(crate) struct BlockSlots {
    cache: Arc<BlockCache>,
    number: u64,
    pinned: usize,
    slots: Box<[Slot]>,
    /// How often the block of each slot was used of late.
    uses: Box<[AtomicU8]>,
    /// Of the bytes in memory; none unless paranoid.
    checksums: Box<[AtomicU64]>,
    flights: Mutex<HashMap<usize, Arc<Flight>>>,
}

impl BlockSlots {
    /// Block `slot` if it is in memory. No lock, no reference count, no allocation.
    #[inline]
    pub(crate) fn get(&self, slot: usize) -> Option<CachedBlock> {
        let guard = self.slots.get(slot)?.load();
        if guard.is_none() {
            self.cache.counters.miss();
            return None;
        }
        self.mark(slot);
        self.cache.counters.hit();
        Some(CachedBlock(guard))
    }

    /// Empties a slot.
    fn take(&self, slot: usize) -> Option<SharedBlock> {
        let block = self.slots.get(slot).and_then(|place| place.swap(None))?;
        self.cache.blocks.fetch_sub(charge(&block), Ordering::Relaxed);
        Some(block)
    }

    /// Empties all slots; their entries in the queue go when they come up or are swept.
    pub(crate) fn clear(&self) {
        let count = (0..self.slots.len()).filter_map(|slot| self.take(slot)).count();
        // Not under the queue's lock: the last reference may go while that is held.
        self.cache.gone.fetch_add(count, Ordering::Relaxed);
    }

    /// The block in the slot, if there is one; does not count as a use.
    pub(crate) fn peek(&self, slot: usize) -> Option<SharedBlock> {
        self.slots.get(slot)?.load_full()
    }

    /// Whether there is a block in the slot.
    pub(super) fn holds(&self, slot: usize) -> bool {
        self.slots.get(slot).is_some_and(|place| place.load().is_some())
    }

    /// Counts a read that was answered from memory without these slots.
    #[inline]
    pub(crate) fn count_hit(&self) {
        self.cache.counters.hit();
    }

    /// The cache they belong to.
    pub(crate) fn cache(&self) -> &Arc<BlockCache> {
        &self.cache
    }

    #[inline]
    fn mark(&self, slot: usize) {
        let Some(uses) = self.uses.get(slot) else { return };
        let count = uses.load(Ordering::Relaxed);
        if count < MOST_USES {
            uses.store(count + 1, Ordering::Relaxed);
        }
    }

    /// Whether the bytes of `block`, which is in `slot`, are still those of the beginning; always true when not paranoid.
    pub(crate) fn intact(&self, slot: usize, block: &SharedBlock) -> bool {
        let sum = self.checksums.get(slot).map(|sum| sum.load(Ordering::Relaxed));
        sum.is_none_or(|sum| checksum::checksum(0, &block.slice) == sum)
    }

    /// Block `slot`, by `read` if it is not in memory. When several ask at once, one reads and the others wait; an
    /// error goes to all of them and is not remembered.
    pub(crate) fn load(
        self: &Arc<Self>,
        slot: usize,
        read: impl FnOnce() -> Result<SharedBlock>,
    ) -> Result<SharedBlock> {
        let flight = {
            let mut flights = self.flights.lock();
            if let Some(block) = self.slots.get(slot).and_then(|place| place.load_full()) {
                return Ok(block);
            }
            match flights.entry(slot) {
                MapEntry::Occupied(entry) => Some(entry.get().clone()),
                MapEntry::Vacant(entry) => {
                    entry.insert(Arc::default());
                    None
                }
            }
        };
        if let Some(flight) = flight {
            return flight.wait();
        }
        let mut landing = Landing { slots: self, slot, result: None };
        let result = read();
        if let Ok(block) = &result {
            self.cache.install(self, slot, block);
        }
        landing.result = Some(result.clone());
        result
    }

    /// Caches a block that was read without [`BlockSlots::load`], if it is still missing.
    pub(crate) fn offer(self: &Arc<Self>, slot: usize, block: &SharedBlock) {
        self.cache.install(self, slot, block);
    }

    /// Whether the block was used since it was last asked; takes one use away, or `all`.
    pub(super) fn take_use(&self, slot: usize, all: bool) -> bool {
        let Some(uses) = self.uses.get(slot) else { return false };
        let count = uses.load(Ordering::Relaxed);
        if count > 0 {
            uses.store(if all { 0 } else { count - 1 }, Ordering::Relaxed);
        }
        count > 0
    }
}

#[cfg(test)]
impl BlockSlots {
    /// How many wait for the load of `slot` that is under way.
    pub(super) fn waiting(&self, slot: usize) -> usize {
        // One reference is the map's.
        self.flights.lock().get(&slot).map_or(0, |flight| Arc::strong_count(flight) - 1)
    }
}

impl Drop for BlockSlots {
    fn drop(&mut self) {
        self.clear();
        self.cache.pinned.fetch_sub(self.pinned, Ordering::Relaxed);
    }
}

/// A load under way, and who waits for it.
#[derive(Debug, Default)]
struct Flight {
    result: Mutex<Option<Result<SharedBlock>>>,
    landed: Condvar,
}

impl Flight {
    fn wait(&self) -> Result<SharedBlock> {
        let mut result = self.result.lock();
        loop {
            match &*result {
                Some(result) => return result.clone(),
                None => self.landed.wait(&mut result),
            }
        }
    }
}

/// Ends a load whatever happens, a panic included: nobody waits for ever.
struct Landing<'a> {
    slots: &'a BlockSlots,
    slot: usize,
    result: Option<Result<SharedBlock>>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let result = self.result.take().unwrap_or_else(|| {
            Err(Error::new(ErrorKind::Internal, "the thread that was reading this block panicked"))
        });
        if let Some(flight) = self.slots.flights.lock().remove(&self.slot) {
            *flight.result.lock() = Some(result);
            flight.landed.notify_all();
        }
    }
}
