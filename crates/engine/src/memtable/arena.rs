//! The record arena: append-only memory with stable addresses.
//!
//! One writer appends (the memtable's writer lock says which), any number of threads read. A record never
//! moves and, but for its link, never changes after it was published; nothing is freed before the arena is.
//!
//! ```text
//! Ref (32 bits)    chunk number 9 bits (from 1) | offset in the chunk 23 bits, in units of 8 bytes
//!
//! record, 8-byte aligned, native byte order
//!   0  link      u32 (atomic)  the next older record of the same key, 0 = none
//!   4  skip      u32           some much older record of the same key, 0 = none
//!   8  trailer   u64           seqno << 8 | kind
//!  16  value     u32           length of the value
//!  20  key       u32           length of the key (17 bits) | depth in the chain << 17 (15 bits)
//!  24  key bytes, value bytes
//! ```
//!
//! Chunks start at 4 KiB and then are an eighth of what the arena has, so that an empty memtable is cheap, the
//! unused rest is small, and the number of chunks grows with the logarithm of the size. A record of more than
//! half a chunk gets a chunk of its own, and the current chunk stays open.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ptr::NonNull;
// The link lives in raw memory, so it must be the plain atomic whatever `crate::sync` is.
use std::sync::atomic::{AtomicPtr, AtomicU32 as RawAtomicU32};

use crate::sync::{AtomicU32, AtomicUsize, Ordering};

/// Bytes of a unit: what records are aligned to.
const UNIT: usize = 8;
/// Bytes before a record's key.
const HEADER: usize = 24;
const OFFSET_BITS: u32 = 23;
const CHUNKS: usize = 1 << (32 - OFFSET_BITS);
/// Bytes of the first chunks.
const MIN_CHUNK: usize = 4 << 10;
/// Bytes that offsets can reach; only a chunk with a single record is larger.
const MAX_CHUNK: usize = UNIT << OFFSET_BITS;
const KEY_BITS: u32 = 17;
const MAX_KEY: usize = (1 << KEY_BITS) - 1;
const MAX_VALUE: usize = u32::MAX as usize;
/// Depths wrap around here.
pub(super) const DEPTHS: u32 = 1 << (32 - KEY_BITS);

/// The place of a record in its arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Ref(NonZeroU32);

impl Ref {
    /// The reference with these bits; `None` for 0.
    #[inline]
    pub(super) fn from_bits(bits: u32) -> Option<Self> {
        NonZeroU32::new(bits).map(Self)
    }

    /// The reference as a number that is never 0.
    #[inline]
    pub(super) fn bits(self) -> u32 {
        self.0.get()
    }

    fn chunk(self) -> usize {
        (self.bits() >> OFFSET_BITS) as usize
    }

    fn offset(self) -> usize {
        (self.bits() & ((1 << OFFSET_BITS) - 1)) as usize
    }
}

/// The bits of an optional reference.
#[inline]
pub(super) fn bits_of(at: Option<Ref>) -> u32 {
    at.map_or(0, Ref::bits)
}

/// What a new record says.
pub(super) struct NewRecord<'a> {
    pub(super) link: Option<Ref>,
    pub(super) skip: Option<Ref>,
    /// Taken modulo [`DEPTHS`].
    pub(super) depth: u32,
    pub(super) trailer: u64,
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
}

/// Chunks of memory holding records.
pub(super) struct Arena {
    /// The memory of each chunk; null until it is allocated. Number 0 is never used.
    bases: Box<[AtomicPtr<u64>; CHUNKS]>,
    /// The units of each chunk.
    units: Box<[AtomicU32; CHUNKS]>,
    allocated: AtomicUsize,
}

/// Where the writer goes on: it belongs to one arena and to whoever may append to it.
#[derive(Default)]
pub(super) struct Tail {
    /// Chunks allocated so far.
    chunks: usize,
    /// The chunk that is being filled.
    open: usize,
    /// Its units in use, and all of them.
    used: usize,
    end: usize,
}

impl Arena {
    pub(super) fn new() -> Self {
        Self {
            bases: Box::new([const { AtomicPtr::new(std::ptr::null_mut()) }; CHUNKS]),
            units: Box::new([const { AtomicU32::new(0) }; CHUNKS]),
            allocated: AtomicUsize::new(0),
        }
    }

    /// All bytes the arena holds, used or not, with its own tables.
    pub(super) fn bytes(&self) -> usize {
        self.allocated.load(Ordering::Relaxed) + size_of_val(&*self.bases) + size_of_val(&*self.units)
    }

    /// Appends a record and returns its place; other threads may look there once the place was handed to them
    /// by a Release store or stronger.
    ///
    /// Panics when the key or the value is longer than the header can say (batches are checked, so this is a
    /// defect), or when 32 GiB are full.
    ///
    /// # Safety
    ///
    /// `tail` is this arena's, and has been given to every earlier call.
    pub(super) unsafe fn append(&self, tail: &mut Tail, record: &NewRecord<'_>) -> Ref {
        let NewRecord { key, value, .. } = *record;
        assert!(key.len() <= MAX_KEY && value.len() <= MAX_VALUE, "a record over the limits of a batch");
        let units = (HEADER + key.len() + value.len()).div_ceil(UNIT);
        let (chunk, offset) = self.reserve(tail, units);
        let base = self.bases[chunk].load(Ordering::Relaxed);
        let depth = record.depth % DEPTHS;
        // SAFETY: `reserve` returned a chunk with `units` units from `offset` on that no earlier call was given,
        // and a thread can only learn of them from the value returned here, so nobody reads or writes them now.
        // The header is 24 bytes and the rest was counted above: all writes stay inside. Chunks are aligned to
        // 8 bytes, so `at` is, and the fields lie at multiples of their sizes. `key` and `value` are borrowed
        // by the caller and cannot overlap memory that nobody was given yet.
        unsafe {
            let at = base.add(offset).cast::<u8>();
            at.cast::<u32>().write(bits_of(record.link));
            at.add(4).cast::<u32>().write(bits_of(record.skip));
            at.add(8).cast::<u64>().write(record.trailer);
            at.add(16).cast::<u32>().write(value.len() as u32);
            at.add(20).cast::<u32>().write(key.len() as u32 | depth << KEY_BITS);
            at.add(HEADER).copy_from_nonoverlapping(key.as_ptr(), key.len());
            at.add(HEADER + key.len()).copy_from_nonoverlapping(value.as_ptr(), value.len());
        }
        let bits = (chunk as u32) << OFFSET_BITS | offset as u32;
        // Chunk numbers start at 1, so the bits are not all zero.
        Ref(NonZeroU32::new(bits).unwrap_or(NonZeroU32::MAX))
    }

    /// Finds room for `units` units: the chunk and the offset in it.
    fn reserve(&self, tail: &mut Tail, units: usize) -> (usize, usize) {
        if tail.end - tail.used >= units {
            let offset = tail.used;
            tail.used += units;
            return (tail.open, offset);
        }
        let eighth = self.allocated.load(Ordering::Relaxed) / 8;
        let regular = eighth.next_multiple_of(MIN_CHUNK).clamp(MIN_CHUNK, MAX_CHUNK) / UNIT;
        if units > regular / 2 {
            return (self.add_chunk(tail, units), 0);
        }
        tail.open = self.add_chunk(tail, regular);
        tail.used = units;
        tail.end = regular;
        (tail.open, 0)
    }

    fn add_chunk(&self, tail: &mut Tail, units: usize) -> usize {
        let chunk = tail.chunks + 1;
        assert!(chunk < CHUNKS, "a memtable holds at most 32 GiB");
        let layout = layout(units);
        // SAFETY: the layout is not empty: a record has a header, and a chunk holds at least one.
        let base = unsafe { alloc(layout) }.cast::<u64>();
        if base.is_null() {
            handle_alloc_error(layout);
        }
        self.units[chunk].store(units as u32, Ordering::Relaxed);
        // Readers reach a chunk only through a `Ref` published after this with Release.
        self.bases[chunk].store(base, Ordering::Relaxed);
        self.allocated.fetch_add(layout.size(), Ordering::Relaxed);
        tail.chunks = chunk;
        chunk
    }

    /// The record at `at`.
    ///
    /// # Safety
    ///
    /// `append` of this arena returned `at`, and that call happens before this one.
    #[inline]
    pub(super) unsafe fn record(&self, at: Ref) -> Record<'_> {
        let base = self.bases[at.chunk()].load(Ordering::Relaxed);
        // SAFETY: the caller's `at` came from `append`, which happens before this load, so the load sees the
        // chunk's memory, and the offset lies inside it. It is not null, as `append` wrote through it.
        let at = unsafe { NonNull::new_unchecked(base.add(at.offset())) };
        Record { at: at.cast(), arena: PhantomData }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for (base, units) in self.bases.iter_mut().zip(self.units.iter()) {
            let base = *base.get_mut();
            if !base.is_null() {
                // SAFETY: `add_chunk` allocated it with this layout; records borrow the arena, so none is left.
                unsafe { dealloc(base.cast(), layout(units.load(Ordering::Relaxed) as usize)) };
            }
        }
    }
}

fn layout(units: usize) -> Layout {
    // Lengths are at most 2^17 and 2^32 bytes, so that the size fits and the fallback is never taken.
    Layout::array::<u64>(units).unwrap_or(Layout::new::<u64>())
}

/// A published record. Reads are plain loads from memory that no longer changes.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    /// Start of a record that `append` wrote. Invariant of all the methods.
    at: NonNull<u8>,
    arena: PhantomData<&'a Arena>,
}

impl<'a> Record<'a> {
    #[inline]
    fn word(self, offset: usize) -> u32 {
        debug_assert!(matches!(offset, 4 | 16 | 20));
        // SAFETY: the callers pass the offset of a `u32` of the header, which `append` wrote before it published
        // the record and nobody writes again.
        unsafe { self.at.add(offset).cast::<u32>().read() }
    }

    fn link(self) -> &'a RawAtomicU32 {
        // SAFETY: the first 4 bytes, aligned, are written once before the record is published and from then on only
        // accessed through this atomic; the memory lives as long as the arena, which `'a` borrows.
        unsafe { self.at.cast::<RawAtomicU32>().as_ref() }
    }

    /// The bytes of the header's key word: key length and depth.
    #[inline]
    fn key_len(self) -> usize {
        (self.word(20) & MAX_KEY as u32) as usize
    }

    /// The user key.
    #[inline]
    pub(super) fn key(self) -> &'a [u8] {
        // SAFETY: `append` wrote that many bytes behind the header; nobody writes them again while `'a` lasts.
        unsafe { NonNull::slice_from_raw_parts(self.at.add(HEADER), self.key_len()).as_ref() }
    }

    /// The value.
    #[inline]
    pub(super) fn value(self) -> &'a [u8] {
        let start = HEADER + self.key_len();
        // SAFETY: as for the key, behind which `append` wrote the value.
        unsafe { NonNull::slice_from_raw_parts(self.at.add(start), self.word(16) as usize).as_ref() }
    }

    /// Seqno and kind.
    #[inline]
    pub(super) fn trailer(self) -> u64 {
        // SAFETY: written by `append` before the record was published, never again; aligned, as records are.
        unsafe { self.at.add(8).cast::<u64>().read() }
    }

    /// The next older record of the same key. A record it names is safe to read: it was linked with Release.
    #[inline]
    pub(super) fn older(self) -> Option<Ref> {
        Ref::from_bits(self.link().load(Ordering::Acquire))
    }

    /// Puts `at` behind this record. For the writer only.
    pub(super) fn set_older(self, at: Ref) {
        self.link().store(at.bits(), Ordering::Release);
    }

    /// Some record of the same key much older than the next older one.
    #[inline]
    pub(super) fn skip(self) -> Option<Ref> {
        Ref::from_bits(self.word(4))
    }

    /// How many older records the key had, modulo [`DEPTHS`].
    pub(super) fn depth(self) -> u32 {
        self.word(20) >> KEY_BITS
    }

    /// Asks the processor to fetch the record's first bytes.
    #[inline]
    pub(super) fn prefetch(self) {
        prefetch(self.at.as_ptr());
        prefetch(self.at.as_ptr().wrapping_add(64));
    }
}

/// Asks the processor to fetch the cache line at `address`, which need not be readable.
#[inline]
pub(super) fn prefetch<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch is a hint; it reads nothing the program can see and never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}

#[cfg(test)]
mod tests;
