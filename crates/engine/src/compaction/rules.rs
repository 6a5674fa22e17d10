//! Which records a compaction may drop.
//!
//! Snapshots cut the line of sequence numbers into stripes. A reader at a snapshot sees the newest record at or below
//! it, so of one key only the newest record of each stripe can ever be seen:
//!
//! ```text
//!   seqno   1    2    3 | 4    5 | 6    7            snapshots at 3 and 5; "now" reads the last stripe
//!   stripe      0       |   1    |    2
//! ```
//!
//! Dropped are: a record with a newer record of its key, or a newer range tombstone over it, in its own
//! stripe; a tombstone of either sort in stripe 0 when nothing older of its keys lies below. Stripes are told
//! apart by their position, never by a seqno, so that a snapshot at seqno 0 counts like any other (rocksdb #13155).
//! A value that has expired counts as a tombstone of its key and becomes one: every read that comes later, whatever its
//! snapshot, finds it expired too, and reads that began earlier have a view of their own.
//! Pure; one [`Retention`] serves one thread for one task.

use crate::event::Clock;
use crate::expiry::{self, Now};
use crate::key::{self, Kind, SeqNo};
use crate::range_del::{RangeDels, RangeTombstone};
use crate::version::{Bounds, KeyRange};

#[cfg(test)]
mod tests;

/// The stretches of keys that have tables below a task's outputs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Below(Vec<KeyRange>);

impl Below {
    /// From the bounds of the tables below, in any order.
    pub fn new<'a>(tables: impl IntoIterator<Item = Bounds<'a>>) -> Self {
        let mut tables: Vec<_> = tables.into_iter().collect();
        tables.sort_by(|a, b| a.start.cmp(b.start));
        let mut joined: Vec<Bounds<'a>> = Vec::new();
        for bounds in tables {
            match joined.last_mut() {
                Some(last) if last.overlaps(&bounds) => *last = last.join(&bounds),
                _ => joined.push(bounds),
            }
        }
        Self(joined.iter().map(Bounds::to_range).collect())
    }

    /// Whether there is nothing below.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The stretches, ascending, none overlapping another.
    pub fn ranges(&self) -> impl Iterator<Item = Bounds<'_>> {
        self.0.iter().map(KeyRange::bounds)
    }

    /// Whether a table below may hold `user_key`. A binary search.
    pub fn may_hold(&self, user_key: &[u8]) -> bool {
        self.overlaps(&Bounds::inclusive(user_key, user_key))
    }

    /// Whether a table below may hold a key of `bounds`.
    pub fn overlaps(&self, bounds: &Bounds<'_>) -> bool {
        let first = self.0.partition_point(|range| range.bounds().ends_before(bounds.start));
        self.0.get(first).is_some_and(|range| range.bounds().overlaps(bounds))
    }
}

/// Decides record by record, in internal order, what a compaction keeps.
#[derive(Debug)]
pub struct Retention<'a> {
    snapshots: &'a [SeqNo],
    range_dels: &'a RangeDels,
    below: &'a Below,
    now: Now<&'a Clock>,
    key: Vec<u8>,
    /// The stripe of the last record of `key`; `None` before the first record of all.
    stripe: Option<usize>,
}

impl<'a> Retention<'a> {
    /// For a task whose inputs hold `range_dels` (the union of all of them) above `below`. `snapshots` are those
    /// held now, ascending; later ones see only the newest stripe, so they need not be known. `clock` says which values
    /// have expired, as of the first that can.
    pub fn new(
        snapshots: &'a [SeqNo],
        range_dels: &'a RangeDels,
        below: &'a Below,
        clock: &'a Clock,
    ) -> Self {
        Self { snapshots, range_dels, below, now: Now::new(clock), key: Vec::new(), stripe: None }
    }

    /// What to write for the next record: trailer and value, or nothing. Ask for every point record of the inputs, in
    /// internal order.
    pub fn keep<'v>(&mut self, user_key: &[u8], trailer: u64, value: &'v [u8]) -> Option<(u64, &'v [u8])> {
        let seqno = key::seqno_of(trailer);
        let stripe = self.stripe_of(seqno);
        if self.key != user_key {
            self.key.clear();
            self.key.extend_from_slice(user_key);
        } else if self.stripe == Some(stripe) {
            return None;
        }
        self.stripe = Some(stripe);
        if !self.range_dels.is_empty() {
            let newest_in_stripe = self.snapshots.get(stripe).copied().unwrap_or(SeqNo::MAX);
            if self.range_dels.covering(user_key, newest_in_stripe) > seqno {
                return None;
            }
        }
        let (trailer, value) = self.aged(trailer, value);
        let gone =
            stripe == 0 && key::kind_of(trailer) == Some(Kind::Delete) && !self.below.may_hold(user_key);
        (!gone).then_some((trailer, value))
    }

    /// The record as it is now: an expired value is a tombstone. One whose expiry cannot be read stays as it is.
    fn aged<'v>(&mut self, trailer: u64, value: &'v [u8]) -> (u64, &'v [u8]) {
        if key::kind_of(trailer) != Some(Kind::SetWithExpiry) {
            return (trailer, value);
        }
        match expiry::split(value) {
            Some((expires_at, _)) if self.now.is_past(expires_at) => {
                (key::trailer(key::seqno_of(trailer), Kind::Delete), &[])
            }
            _ => (trailer, value),
        }
    }

    /// The range tombstones to keep: of each stretch of keys the newest in each stripe, without those that have nothing
    /// left to hide.
    pub fn range_tombstones(&self) -> Vec<RangeTombstone> {
        let mut kept = self.range_dels.newest_of_each_stripe(|seqno| self.stripe_of(seqno));
        kept.retain(|tombstone| {
            let bounds = Bounds { start: &tombstone.start, end: &tombstone.end, end_exclusive: true };
            self.stripe_of(tombstone.seqno) > 0 || self.below.overlaps(&bounds)
        });
        kept
    }

    /// How many snapshots are too old to see `seqno`.
    fn stripe_of(&self, seqno: SeqNo) -> usize {
        self.snapshots.partition_point(|&snapshot| snapshot < seqno)
    }
}
