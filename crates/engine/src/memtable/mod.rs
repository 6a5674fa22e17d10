//! The memtable: the newest writes, in memory, until they are flushed to a table.
//!
//! Records go to the end of an arena. A hash index over them answers gets; sorted runs over the same records, caught
//! up when somebody wants order, answer scans. A write costs one hash, one probe and one copy; nobody pays for
//! order that is not asked for. (`docs/performance.md` has this measured beside a skiplist.)
//!
//! ```text
//! get -> index:  hash -> newest record of the key ─┐        cursor -> runs: digests, references ─┐
//!                                                  v                                             v
//!        arena:  [record a@1] [record b@2] [record a@3 -> a@1] [record c@4] ...            (any order)
//!        order:   1st          2nd          3rd                 4th      -> the next run to be sorted
//! ```
//!
//! Any thread may call anything. [`Memtable::apply`] takes a lock against other writers, for one group; the commit
//! path has one writer at a time anyway. [`Memtable::get`] takes no lock and writes nothing shared. A cursor
//! opens without waiting for anyone and moves without locks.
//!
//! - What was applied before a call began is seen by it. Of a group being applied, a reader sees any part; the
//!   snapshot it reads at hides the group until all of it is there.
//! - Of several versions of a key all are kept. Groups may come in any order.
//! - Memory is given back when the memtable is dropped, all at once; cursors keep it alive.

mod arena;
mod cursor;
mod index;
mod order;
mod ranges;
mod records;
mod run;
mod sort;
mod view;
mod zeroed;

use std::sync::Arc;

use crate::batch::Op;
use crate::key::{self, Kind, SeqNo};
use crate::range_del::{RangeDels, RangeTombstone};
use crate::sync::{AtomicU64, Ordering};

pub use cursor::MemtableCursor;
use ranges::Ranges;
use records::{Inserter, Records};
use view::Views;

/// So many operations are hashed, and their index lines fetched, before the first of them is inserted.
const LOOKAHEAD: usize = 16;

/// Records and range tombstones in memory, by key and version.
pub struct Memtable {
    log_number: u64,
    records: Arc<Records>,
    views: Views,
    ranges: Ranges,
    /// `MAX` when there is nothing.
    min_seqno: AtomicU64,
    max_seqno: AtomicU64,
}

impl Memtable {
    /// An empty memtable for the writes in log `log_number`. `expected_bytes` is what it may grow to before it is
    /// frozen: a hint, by which the index is sized. An empty one takes about 12 KiB.
    pub fn new(log_number: u64, expected_bytes: usize) -> Self {
        Self {
            log_number,
            records: Arc::new(Records::new(expected_bytes)),
            views: Views::new(),
            ranges: Ranges::default(),
            min_seqno: AtomicU64::new(SeqNo::MAX),
            max_seqno: AtomicU64::new(0),
        }
    }

    /// Inserts a group: operation number `i` gets the seqno `first_seqno + i`. One lock for the whole group. No two
    /// operations of a memtable may have the same seqno. 100 to 250 ns an operation.
    ///
    /// Panics on keys or values beyond the limits, which a batch refuses, and when 32 GiB are full.
    pub fn apply<'a>(&self, ops: impl Iterator<Item = Op<'a>>, first_seqno: SeqNo) {
        let mut ops = ops.zip(first_seqno..);
        let mut ahead = [None; LOOKAHEAD];
        let mut tombstones = Vec::new();
        let mut end = first_seqno;
        let mut inserter = self.records.write();
        loop {
            let mut taken = 0;
            for ((op, seqno), slot) in ops.by_ref().take(LOOKAHEAD).zip(&mut ahead) {
                let hash = key::hash(op.key);
                self.records.prefetch(hash);
                *slot = Some((op, seqno, hash));
                taken += 1;
                end = seqno + 1;
            }
            for (op, seqno, hash) in ahead.iter_mut().take(taken).filter_map(Option::take) {
                insert(&mut inserter, &mut tombstones, op, seqno, hash);
            }
            if taken < LOOKAHEAD {
                break;
            }
        }
        if !tombstones.is_empty() {
            self.ranges.add(tombstones);
        }
        if end > first_seqno {
            self.min_seqno.fetch_min(first_seqno, Ordering::Relaxed);
            self.max_seqno.fetch_max(end - 1, Ordering::Relaxed);
        }
    }

    /// Calls `f` with the trailer and value of the newest point record of `user_key` with a seqno of at most
    /// `snapshot`; `None` when there is none. A deletion is a record, too. Range tombstones are not looked at.
    ///
    /// `hash` is [`key::hash`] of the key. Mostly two cache misses, and one for a key that is not here.
    #[inline]
    pub fn get<R>(
        &self,
        user_key: &[u8],
        hash: u64,
        snapshot: SeqNo,
        f: impl FnOnce(u64, &[u8]) -> R,
    ) -> Option<R> {
        let record = self.records.find(user_key, hash, snapshot)?;
        Some(f(record.trailer(), record.value()))
    }

    /// Asks the processor to fetch what a `get` of a key with this hash looks at first. One that follows soon waits less.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.records.prefetch(hash);
    }

    /// The newest range tombstone over `user_key` with a seqno of at most `snapshot`; 0 when there is none. One
    /// load while the memtable has no range tombstone; never a lock.
    #[inline]
    pub fn covering(&self, user_key: &[u8], snapshot: SeqNo) -> SeqNo {
        self.ranges.covering(user_key, snapshot)
    }

    /// All range tombstones, as one set. Made when asked for the first time after one was added.
    pub fn range_dels(&self) -> Arc<RangeDels> {
        self.ranges.whole()
    }

    /// A cursor over the point records, which shows at least all that were applied before this call. Sorts the
    /// records that came since the last cursor was opened; see [`Memtable::catch_up`].
    pub fn cursor(self: &Arc<Self>) -> MemtableCursor {
        MemtableCursor::new(self.clone(), &self.views.caught_up(&self.records))
    }

    /// Like [`Memtable::cursor`], but over a single run, which makes its moves cheaper: for the flush of a frozen
    /// memtable. May wait for another thread that is sorting.
    pub fn settled_cursor(self: &Arc<Self>) -> MemtableCursor {
        MemtableCursor::new(self.clone(), &self.views.settled(&self.records))
    }

    /// Sorts the records that are not sorted yet, as opening a cursor would. For a background thread, so that
    /// cursors open quickly.
    pub fn catch_up(&self) {
        self.views.caught_up(&self.records);
    }

    /// How many records the next cursor will have to sort.
    pub fn unsorted(&self) -> usize {
        self.records.len().saturating_sub(self.views.sorted())
    }

    /// All memory held, in bytes: the arena with its unused rest, the index with its outgrown tables, sorted
    /// runs, range tombstones. A few loads.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + size_of::<Records>()
            + self.records.bytes()
            + self.views.bytes()
            + self.ranges.bytes()
    }

    /// Records and range tombstones, all versions counted.
    pub fn len(&self) -> usize {
        self.records.len() + self.ranges.len()
    }

    /// Whether nothing was ever applied.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of the log that has these writes.
    pub fn log_number(&self) -> u64 {
        self.log_number
    }

    /// The smallest seqno applied; 0 when the memtable is empty.
    pub fn min_seqno(&self) -> SeqNo {
        match self.min_seqno.load(Ordering::Relaxed) {
            SeqNo::MAX => 0,
            seqno => seqno,
        }
    }

    /// The largest seqno applied; 0 when the memtable is empty.
    pub fn max_seqno(&self) -> SeqNo {
        self.max_seqno.load(Ordering::Relaxed)
    }
}

#[inline]
fn insert(
    inserter: &mut Inserter<'_>,
    tombstones: &mut Vec<RangeTombstone>,
    op: Op<'_>,
    seqno: SeqNo,
    hash: u64,
) {
    if op.kind == Kind::RangeDelete {
        tombstones.push(RangeTombstone { start: op.key.into(), end: op.value.into(), seqno });
    } else {
        inserter.insert(hash, key::trailer(seqno, op.kind), op.key, op.value);
    }
}

#[cfg(test)]
mod tests;
