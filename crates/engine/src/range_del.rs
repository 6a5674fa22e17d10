//! Range tombstones: "every key from start up to end, exclusive, that is older than seqno is gone".
//!
//! [`RangeDels`] is an immutable set of them, cut into fragments that do not overlap, so that a lookup is one
//! binary search. Any thread may read it without a lock. The idea of fragments is RocksDB's
//! (`range_tombstone_fragmenter.cc`) and Pebble's (`internal/keyspan`).
//!
//! ```text
//! tombstones   a────────────f @9        fragments   a──c @9
//!                    c───────────h @4               c──f @9 @4
//!                                                   f──h @4
//! ```
//!
//! Invariants: fragments ascend and do not overlap; none is empty; the seqnos of each descend without repeats;
//! two fragments that touch differ in their seqnos.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::key::SeqNo;

#[cfg(test)]
mod tests;

/// One range tombstone over the user keys in `[start, end)`. It hides records with a smaller seqno only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RangeTombstone {
    /// The first key that is gone.
    pub start: Box<[u8]>,
    /// The first key after it that is not.
    pub end: Box<[u8]>,
    /// The position of the deletion in the order of writes.
    pub seqno: SeqNo,
}

/// A stretch of keys covered by the same tombstones all along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// The first key covered.
    pub start: &'a [u8],
    /// The first key no longer covered.
    pub end: &'a [u8],
    /// The tombstones over it, newest first.
    pub seqnos: &'a [SeqNo],
}

impl Fragment<'_> {
    /// The newest tombstone with a seqno of at most `snapshot`; 0 when there is none.
    pub fn newest(&self, snapshot: SeqNo) -> SeqNo {
        let at = self.seqnos.partition_point(|&s| s > snapshot);
        self.seqnos.get(at).copied().unwrap_or(0)
    }
}

/// An immutable, fragmented set of range tombstones.
///
/// Memory is one bound a fragment end and 8 bytes for each tombstone over each fragment, so `n` tombstones
/// that all overlap one another take `O(n²)`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RangeDels {
    spans: Vec<Span>,
    seqnos: Vec<SeqNo>,
}

/// A fragment as it is kept: its seqnos are `seqnos[from..to]` of the set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    start: Arc<[u8]>,
    end: Arc<[u8]>,
    from: usize,
    to: usize,
}

impl RangeDels {
    /// Fragments `tombstones`, given in any order. Empty ranges (`start >= end`) are left out. Costs
    /// `O(n log n)` plus the size of the result.
    pub fn new(tombstones: Vec<RangeTombstone>) -> Self {
        let mut edges: Vec<(&[u8], SeqNo, bool)> = Vec::with_capacity(tombstones.len() * 2);
        for t in tombstones.iter().filter(|t| t.start < t.end) {
            edges.push((&t.start, t.seqno, true));
            edges.push((&t.end, t.seqno, false));
        }
        edges.sort_unstable_by_key(|&(key, ..)| key);

        let mut set = Self::default();
        let mut open: BTreeMap<SeqNo, usize> = BTreeMap::new();
        let mut start: Arc<[u8]> = Arc::from(&[][..]);
        let mut rest = edges.as_slice();
        while let Some(&(key, ..)) = rest.first() {
            let (here, later) = rest.split_at(rest.partition_point(|&(k, ..)| k == key));
            rest = later;
            let key: Arc<[u8]> = Arc::from(key);
            set.push(&start, &key, &open);
            for &(_, seqno, opens) in here.iter().filter(|e| e.2).chain(here.iter().filter(|e| !e.2)) {
                let count = open.entry(seqno).or_default();
                if opens {
                    *count += 1;
                } else {
                    *count -= 1;
                    if *count == 0 {
                        open.remove(&seqno);
                    }
                }
            }
            start = key;
        }
        set
    }

    /// Appends the fragment `[start, end)` under the `open` tombstones, or lengthens the last one.
    fn push(&mut self, start: &Arc<[u8]>, end: &Arc<[u8]>, open: &BTreeMap<SeqNo, usize>) {
        if open.is_empty() {
            return;
        }
        if let Some(last) = self.spans.last_mut() {
            let same = self.seqnos[last.from..last.to].iter().eq(open.keys().rev());
            if last.end == *start && same {
                last.end = end.clone();
                return;
            }
        }
        let from = self.seqnos.len();
        self.seqnos.extend(open.keys().rev());
        self.spans.push(Span { start: start.clone(), end: end.clone(), from, to: self.seqnos.len() });
    }

    /// The union of several sets.
    pub fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        Self::new(sets.into_iter().flat_map(Self::iter).collect())
    }

    /// Whether there is no tombstone.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How many tombstones [`RangeDels::iter`] yields.
    pub fn len(&self) -> usize {
        self.seqnos.len()
    }

    /// The fragments, ascending.
    pub fn fragments(&self) -> impl DoubleEndedIterator<Item = Fragment<'_>> + ExactSizeIterator {
        self.spans.iter().map(|span| self.fragment(span))
    }

    /// Every tombstone of every fragment: fragments ascending, newest first within each. Building a set from
    /// these gives an equal set.
    pub fn iter(&self) -> impl Iterator<Item = RangeTombstone> + '_ {
        self.fragments().flat_map(|f| {
            f.seqnos.iter().map(move |&seqno| RangeTombstone {
                start: f.start.into(),
                end: f.end.into(),
                seqno,
            })
        })
    }

    /// The part of the set inside `[lower, upper)`; `None` is open. Compaction cuts tombstones so at the edges
    /// of the tables it writes.
    pub fn clipped(&self, lower: Option<&[u8]>, upper: Option<&[u8]>) -> Vec<RangeTombstone> {
        let first = lower.map_or(0, |key| self.spans.partition_point(|s| *s.end <= *key));
        let last = upper.map_or(self.spans.len(), |key| self.spans.partition_point(|s| *s.start < *key));
        let mut out = Vec::new();
        for span in self.spans.get(first..last).unwrap_or_default() {
            let start = lower.map_or(&*span.start, |key| key.max(&span.start));
            let end = upper.map_or(&*span.end, |key| key.min(&span.end));
            if start < end {
                out.extend(self.seqnos[span.from..span.to].iter().map(|&seqno| RangeTombstone {
                    start: start.into(),
                    end: end.into(),
                    seqno,
                }));
            }
        }
        out
    }

    /// The seqno of the newest tombstone that covers `user_key` and is at most `snapshot`; 0 when there is none.
    /// A record of the key is hidden when its own seqno is smaller. One binary search.
    #[inline]
    pub fn covering(&self, user_key: &[u8], snapshot: SeqNo) -> SeqNo {
        self.fragment_at(user_key).map_or(0, |f| f.newest(snapshot))
    }

    /// Like [`RangeDels::covering`], with the stretch of keys `[start, end)` for which the answer is the same.
    #[inline]
    pub fn covering_fragment(&self, user_key: &[u8], snapshot: SeqNo) -> Option<(SeqNo, &[u8], &[u8])> {
        let fragment = self.fragment_at(user_key)?;
        match fragment.newest(snapshot) {
            0 => None,
            seqno => Some((seqno, fragment.start, fragment.end)),
        }
    }

    /// The fragment that covers `user_key`, if one does.
    #[inline]
    pub fn fragment_at(&self, user_key: &[u8]) -> Option<Fragment<'_>> {
        let after = self.spans.partition_point(|s| *s.start <= *user_key);
        let span = self.spans.get(after.checked_sub(1)?)?;
        (user_key < &*span.end).then(|| self.fragment(span))
    }

    fn fragment<'a>(&'a self, span: &'a Span) -> Fragment<'a> {
        Fragment { start: &span.start, end: &span.end, seqnos: &self.seqnos[span.from..span.to] }
    }
}
