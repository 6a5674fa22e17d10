//! All records of a memtable: the arena they live in, the hash index over the newest of each key, and the order
//! they came in.
//!
//! One writer at a time goes through [`Records::write`]; readers take no lock. The records of a key form a chain
//! from the newest to the oldest, whatever order they came in; so that an old snapshot does not walk a long
//! chain link by link, records deep in it also name one much older ([Myers 1983], applicative random-access
//! stacks).
//!
//! Invariant behind every `unsafe` here: a [`Ref`] reaches this module from its own index, order list or chains
//! only, all of which publish it with Release after the record was written.
//!
//! [Myers 1983]: https://doi.org/10.1016/0020-0190(83)90106-0

#![allow(unsafe_code)]

use crate::key::{SeqNo, seqno_of};
use crate::sync::{Mutex, MutexGuard};

use super::arena::{Arena, DEPTHS, NewRecord, Record, Ref, Tail};
use super::index::{Fill, Index};
use super::order::Order;

/// Records less deep in their chain than this carry no skip reference: the walk is short, and making one costs
/// two cache misses.
const FIRST_SKIP: u32 = 16;
/// The longest skip. Depths wrap around at twice this.
const LONGEST_SKIP: u32 = DEPTHS / 2;

/// The records of one memtable.
pub(super) struct Records {
    arena: Arena,
    index: Index,
    order: Order,
    writer: Mutex<Writer>,
    /// What the memtable may grow to.
    expected_bytes: usize,
}

/// What only the writer knows.
#[derive(Default)]
struct Writer {
    tail: Tail,
    fill: Fill,
}

/// The right to add records.
pub(super) struct Inserter<'a> {
    records: &'a Records,
    writer: MutexGuard<'a, Writer>,
}

impl Records {
    pub(super) fn new(expected_bytes: usize) -> Self {
        Self {
            arena: Arena::new(),
            index: Index::new(),
            order: Order::new(),
            writer: Mutex::new(Writer::default()),
            expected_bytes,
        }
    }

    /// Waits for the current writer, if any, and takes its place.
    pub(super) fn write(&self) -> Inserter<'_> {
        Inserter { records: self, writer: self.writer.lock() }
    }

    /// Records so far. Those that were inserted before this call are counted.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Bytes of arena, index and order.
    pub(super) fn bytes(&self) -> usize {
        self.arena.bytes() + self.index.bytes() + self.order.bytes()
    }

    /// Asks the processor for what looking up `hash` reads first.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        self.index.prefetch(hash);
    }

    /// The newest record of `key` with a seqno of at most `snapshot`.
    #[inline]
    pub(super) fn find(&self, key: &[u8], hash: u64, snapshot: SeqNo) -> Option<Record<'_>> {
        // SAFETY: the index holds references of this arena, loaded with Acquire.
        let head = self.index.find(hash, |at| unsafe { self.record(at) }.key() == key)?;
        // SAFETY: as above.
        let newest = unsafe { self.record(head) };
        if seqno_of(newest.trailer()) <= snapshot { Some(newest) } else { self.walk(newest, snapshot) }
    }

    /// The first record behind `record` that `snapshot` shows.
    #[cold]
    fn walk<'a>(&'a self, mut record: Record<'a>, snapshot: SeqNo) -> Option<Record<'a>> {
        while seqno_of(record.trailer()) > snapshot {
            // A chain descends, so whatever lies before a record that is too new is too new as well.
            let far = self.skip_of(record).filter(|far| seqno_of(far.trailer()) > snapshot);
            record = match far {
                Some(far) => far,
                None => self.older_than(record)?,
            };
        }
        Some(record)
    }

    fn older_than<'a>(&'a self, record: Record<'a>) -> Option<Record<'a>> {
        // SAFETY: a link names an older record of the same arena and is loaded with Acquire.
        record.older().map(|at| unsafe { self.record(at) })
    }

    fn skip_of<'a>(&'a self, record: Record<'a>) -> Option<Record<'a>> {
        // SAFETY: a skip was written before the record was published and names one published earlier.
        record.skip().map(|at| unsafe { self.record(at) })
    }

    /// The references of the records from number `from` up to `to`, or up to the last.
    pub(super) fn refs(&self, from: usize, to: usize) -> impl Iterator<Item = Ref> + '_ {
        self.order.range(from, to)
    }

    /// The record at `at`.
    ///
    /// # Safety
    ///
    /// `at` came from [`Records::refs`] of this very value.
    #[inline]
    pub(super) unsafe fn record(&self, at: Ref) -> Record<'_> {
        // SAFETY: the order list holds what `append` of this arena returned; `len` was loaded with Acquire.
        unsafe { self.arena.record(at) }
    }
}

impl Inserter<'_> {
    /// Adds one record; it can be found when this returns.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, trailer: u64, key: &[u8], value: &[u8]) {
        let Self { records, writer } = self;
        let Writer { tail, fill } = &mut **writer;
        records.index.reserve(fill, records.arena.bytes(), records.expected_bytes);
        // SAFETY: the index holds references of this arena.
        let is_key = |at| unsafe { records.record(at) }.key() == key;
        let Some(place) = records.index.locate(hash, is_key) else { return };
        let mut new = NewRecord { link: None, skip: None, depth: 0, trailer, key, value };
        let at = match place.head {
            None => {
                // SAFETY: the tail is this arena's only one, and the writer lock is held.
                let at = unsafe { records.arena.append(tail, &new) };
                place.publish(fill, at);
                at
            }
            Some(head) => {
                // SAFETY: from the index.
                let newer = records.last_newer(unsafe { records.record(head) }, trailer);
                let older = newer.map_or(Some(head), Record::older);
                if let Some(older) = older {
                    // SAFETY: from the index or from a link, which name records of this arena.
                    let record = unsafe { records.record(older) };
                    new.link = Some(older);
                    new.depth = record.depth() + 1;
                    new.skip = records.skip_over(record, older);
                }
                // SAFETY: as above.
                let at = unsafe { records.arena.append(tail, &new) };
                match newer {
                    None => place.publish(fill, at),
                    Some(newer) => newer.set_older(at),
                }
                at
            }
        };
        records.order.push(at);
    }
}

impl Records {
    /// The oldest record, from `head` on, that is newer than `trailer`. Groups come in order, so this is mostly
    /// decided at the head.
    #[inline]
    fn last_newer<'a>(&'a self, head: Record<'a>, trailer: u64) -> Option<Record<'a>> {
        if head.trailer() < trailer {
            return None;
        }
        let mut newer = head;
        while let Some(next) = self.older_than(newer).filter(|next| next.trailer() > trailer) {
            newer = next;
        }
        Some(newer)
    }

    /// The skip of a record in front of `older`, which is at `at`: over the last two skips if they are equally
    /// long, else over `older` alone.
    fn skip_over(&self, older: Record<'_>, at: Ref) -> Option<Ref> {
        if older.depth() < FIRST_SKIP {
            return None;
        }
        let length = |from: Record<'_>, to: Record<'_>| from.depth().wrapping_sub(to.depth()) % DEPTHS;
        let twice = self.skip_of(older).and_then(|middle| {
            let far = self.skip_of(middle)?;
            let first = length(older, middle);
            (first == length(middle, far) && first * 2 < LONGEST_SKIP).then_some(middle.skip()?)
        });
        twice.or(Some(at))
    }
}
