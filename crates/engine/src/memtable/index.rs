//! The hash index: from a key's hash to its newest record.
//!
//! Open addressing with linear probing. One writer (the memtable's writer lock says which); readers take no lock
//! and write nothing.
//!
//! ```text
//! slot (64 bits)   upper half of the key's hash, 32 bits | record reference, 32 bits; 0 = empty
//! home of a hash   its topmost bits
//! ```
//!
//! - A slot goes from empty to full once, its hash never changes, and its reference only moves to newer records. A
//!   store is Release and a load Acquire, so that who sees a reference sees the record.
//! - At most three quarters of a table are full: every probe ends.
//! - A table that becomes too small is copied into a larger one, which is then published. The old one stays
//!   until the index is dropped, as readers may be in it. They find everything that was inserted before they
//!   came, which is all that their snapshot may show. Since homes are topmost bits, copying reads and writes
//!   memory in order and looks at no record: 1 to 2 ns a slot.
//! - The size the table will need in the end is guessed early, from the records so far and the bytes the memtable may
//!   grow to, so that what is copied and what the old tables hold stay small.

use std::sync::OnceLock;

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

use super::arena::{Ref, prefetch};
use super::zeroed;

/// log2 of the slots of the first table.
const FIRST_BITS: u32 = 6;
/// Every table has at least twice the slots of the one before and at most 2^31: there are no more than these.
const TABLES: usize = 26;
/// Bytes a slot takes in the end for each record, at a usual fill.
const SLOT_BYTES_A_RECORD: usize = 16;

/// Tables of slots, of which the newest counts.
pub(super) struct Index {
    tables: [OnceLock<Table>; TABLES],
    current: AtomicUsize,
    bytes: AtomicUsize,
}

struct Table {
    slots: Box<[AtomicU64]>,
    /// A hash shifted right by this is its home.
    shift: u32,
}

/// The writer's knowledge of the index.
#[derive(Default)]
pub(super) struct Fill {
    keys: usize,
}

/// Where a key is or would be.
pub(super) struct Place<'a> {
    slot: &'a AtomicU64,
    hash: u32,
    /// The newest record of the key.
    pub(super) head: Option<Ref>,
}

impl Place<'_> {
    /// Makes `at` the key's newest record.
    #[inline]
    pub(super) fn publish(self, fill: &mut Fill, at: Ref) {
        fill.keys += usize::from(self.head.is_none());
        self.slot.store(slot(self.hash, at), Ordering::Release);
    }
}

#[inline]
fn slot(hash: u32, at: Ref) -> u64 {
    u64::from(hash) << 32 | u64::from(at.bits())
}

#[inline]
fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

impl Table {
    fn new(bits: u32) -> Self {
        Self { slots: zeroed::u64s(1 << bits), shift: 32 - bits }
    }

    /// The slots from the home of `hash` on, round and round.
    #[inline]
    fn probe(&self, hash: u32) -> impl Iterator<Item = &AtomicU64> {
        let mask = self.slots.len() - 1;
        let mut at = (hash >> self.shift) as usize;
        std::iter::from_fn(move || {
            let slot = self.slots.get(at & mask);
            at += 1;
            slot
        })
    }
}

impl Index {
    pub(super) fn new() -> Self {
        let index = Self {
            tables: [const { OnceLock::new() }; TABLES],
            current: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        };
        index.make(0, FIRST_BITS);
        index
    }

    /// The bytes of all tables.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn make(&self, number: usize, bits: u32) -> &Table {
        self.tables[number].get_or_init(|| {
            self.bytes.fetch_add(size_of::<AtomicU64>() << bits, Ordering::Relaxed);
            Table::new(bits)
        })
    }

    /// The table that counts. Never `None`: its number is stored after it is made.
    #[inline]
    fn current(&self) -> Option<&Table> {
        self.tables[self.current.load(Ordering::Acquire)].get()
    }

    /// Asks the processor for the line where `hash` is at home.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        if let Some(slot) = self.current().and_then(|table| table.probe(upper(hash)).next()) {
            prefetch(slot);
        }
    }

    /// The newest record with this hash for which `is_key` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_key: impl Fn(Ref) -> bool) -> Option<Ref> {
        self.locate(hash, is_key)?.head
    }

    /// Where the key with this hash for which `is_key` holds is, or would go. Never `None`, as no table is full.
    #[inline]
    pub(super) fn locate(&self, hash: u64, is_key: impl Fn(Ref) -> bool) -> Option<Place<'_>> {
        let hash = upper(hash);
        for slot in self.current()?.probe(hash) {
            let bits = slot.load(Ordering::Acquire);
            let head = Ref::from_bits(bits as u32);
            match head {
                None => return Some(Place { slot, hash, head }),
                Some(at) if upper(bits) == hash && is_key(at) => return Some(Place { slot, hash, head }),
                Some(_) => {}
            }
        }
        None
    }

    /// Makes room for one more key, before [`Index::locate`]. For the writer. `used` are the bytes the memtable holds,
    /// `expected` what it may grow to.
    #[inline]
    pub(super) fn reserve(&self, fill: &Fill, used: usize, expected: usize) {
        match self.current() {
            Some(table) if (fill.keys + 1) * 4 > table.slots.len() * 3 => {
                self.grow(table, fill, used, expected)
            }
            _ => {}
        }
    }

    #[cold]
    fn grow(&self, old: &Table, fill: &Fill, used: usize, expected: usize) {
        let number = self.current.load(Ordering::Relaxed) + 1;
        let bits = 32 - old.shift;
        let bits = if used < expected / 32 {
            bits + 2
        } else {
            let a_key = (used / (fill.keys + 1)).max(1) + SLOT_BYTES_A_RECORD;
            let slots = (expected / a_key + 1).saturating_mul(4) / 3;
            (usize::BITS - slots.leading_zeros()).clamp(bits + 1, bits + 12)
        };
        let new = self.make(number, bits.min(31));
        for slot in &old.slots {
            let bits = slot.load(Ordering::Relaxed);
            if bits != 0 {
                let free = new.probe(upper(bits)).find(|slot| slot.load(Ordering::Relaxed) == 0);
                if let Some(free) = free {
                    free.store(bits, Ordering::Relaxed);
                }
            }
        }
        self.current.store(number, Ordering::Release);
    }
}
