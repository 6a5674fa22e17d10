//! The range tombstones of a memtable.
//!
//! There are few or none, so a reader's question costs one load when there is none. The writer keeps immutable
//! sets of 1, 2, 4, … tombstones, one for each bit of their number, so that adding one costs a logarithmic
//! number of rebuilds and readers never take a lock; one set of all is made when somebody asks for it.
//!
//! ```text
//! 11 tombstones = 1011b    set of the first 8 | set of the next 2 | set of the last
//! ```

use std::ops::Range;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::key::SeqNo;
use crate::range_del::{RangeDels, RangeTombstone};
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// Range tombstones: one writer at a time adds, any thread asks.
#[derive(Default)]
pub(super) struct Ranges {
    /// How many are published; stored after `sets`.
    count: AtomicUsize,
    sets: ArcSwap<Vec<Set>>,
    /// One set of all tombstones there were when it was made.
    whole: ArcSwap<Whole>,
    all: Mutex<Vec<RangeTombstone>>,
    bytes: AtomicUsize,
}

/// The tombstones whose numbers are in `of`.
#[derive(Clone)]
struct Set {
    of: Range<usize>,
    dels: Arc<RangeDels>,
}

#[derive(Default)]
struct Whole {
    count: usize,
    dels: Arc<RangeDels>,
}

impl Ranges {
    /// How many tombstones were added.
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// The bytes of the tombstones as they were given, once in the list and once in the sets.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Adds tombstones; readers see them when this returns.
    pub(super) fn add(&self, tombstones: Vec<RangeTombstone>) {
        let bytes: usize =
            tombstones.iter().map(|t| size_of::<RangeTombstone>() + t.start.len() + t.end.len()).sum();
        let mut all = self.all.lock();
        all.extend(tombstones);
        let old = self.sets.load_full();
        let mut sets: Vec<Set> = Vec::new();
        let mut start = 0;
        for bit in (0..usize::BITS).rev().filter(|bit| all.len() >> bit & 1 == 1) {
            let of = start..start + (1 << bit);
            start = of.end;
            let dels = match old.iter().find(|set| set.of == of) {
                Some(same) => same.dels.clone(),
                None => Arc::new(RangeDels::new(all[of.clone()].to_vec())),
            };
            sets.push(Set { of, dels });
        }
        self.sets.store(Arc::new(sets));
        self.bytes.fetch_add(2 * bytes, Ordering::Relaxed);
        self.count.store(all.len(), Ordering::Release);
    }

    /// The newest tombstone over `user_key` with a seqno of at most `snapshot`; 0 when there is none.
    #[inline]
    pub(super) fn covering(&self, user_key: &[u8], snapshot: SeqNo) -> SeqNo {
        if self.len() == 0 {
            return 0;
        }
        let mut newest = 0;
        // The last sets hold the newest tombstones, as a rule: behind a hit there is mostly nothing to look for.
        for set in self.sets.load().iter().rev().map(|set| &set.dels) {
            if set.newest() > newest {
                newest = newest.max(set.covering(user_key, snapshot));
            }
        }
        newest
    }

    /// One set of all tombstones. Made anew, under a lock, when some were added since the last time.
    pub(super) fn whole(&self) -> Arc<RangeDels> {
        let whole = self.whole.load();
        if whole.count == self.len() {
            return whole.dels.clone();
        }
        let all = self.all.lock();
        let dels = Arc::new(RangeDels::new(all.clone()));
        self.whole.store(Arc::new(Whole { count: all.len(), dels: dels.clone() }));
        dels
    }
}
