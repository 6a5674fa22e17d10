//! Range tombstones: "every key from start up to end, exclusive, that is older than seqno is gone".
//!
//! [`RangeDels`] is an immutable set of them, with a segment tree over the stretches of keys between their ends. Each
//! tombstone is noted at the few nodes that together are its range, so all tombstones over a key are those noted on
//! the way from its stretch up to the root. Any thread may read a set without a lock. RocksDB and Pebble cut
//! tombstones into fragments instead; each fragment then lists all that cover it, which is quadratic when they overlap.
//!
//! ```text
//! tombstones   a────────────f @9        stretches     a──c   c──f   f──h
//!                    c───────────h @4   nodes            1 (root)
//!                                                      2    3 @4           3: c──h
//!                                                        4 @9  5  ...      leaves, one a stretch
//! ```
//!
//! Invariants: tombstones descend by seqno, then ascend by start; those of one seqno neither overlap nor touch; none is
//! empty. Bounds ascend without repeats, and each is the start or the end of a tombstone. The notes of a node ascend.

use std::collections::BTreeSet;

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

/// An immutable set of range tombstones. Takes `O(n log n)` memory however they overlap: two bounds a tombstone, and
/// 4 bytes for each of at most `2 log n` notes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RangeDels {
    bounds: Vec<Box<[u8]>>,
    spans: Vec<Span>,
    /// Where the notes of each node begin in `notes`; node 0 is none, and behind the last node comes the end.
    nodes: Vec<u32>,
    /// Numbers of spans.
    notes: Vec<u32>,
}

/// A tombstone as it is kept, from `bounds[start]` up to `bounds[end]`. There are fewer than 2³²: they would not fit
/// into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    seqno: SeqNo,
    start: u32,
    end: u32,
}

impl RangeDels {
    /// The set of `tombstones`, given in any order. Empty ranges (`start >= end`) are left out; pieces of one tombstone
    /// that touch are joined. Costs `O(n log n)`.
    pub fn new(mut tombstones: Vec<RangeTombstone>) -> Self {
        tombstones.retain(|t| t.start < t.end);
        if tombstones.is_empty() {
            return Self::default();
        }
        tombstones.sort_unstable_by(|a, b| b.seqno.cmp(&a.seqno).then_with(|| a.start.cmp(&b.start)));
        tombstones.dedup_by(|next, last| {
            let joins = next.seqno == last.seqno && next.start <= last.end;
            if joins && next.end > last.end {
                std::mem::swap(&mut last.end, &mut next.end);
            }
            joins
        });
        let mut bounds: Vec<&[u8]> = tombstones.iter().flat_map(|t| [&*t.start, &*t.end]).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let place = |key: &[u8]| bounds.partition_point(|bound| *bound < key) as u32;
        let spans: Vec<Span> = tombstones
            .iter()
            .map(|t| Span { seqno: t.seqno, start: place(&t.start), end: place(&t.end) })
            .collect();
        let bounds = bounds.into_iter().map(Box::from).collect();
        let mut set = Self { bounds, spans, nodes: Vec::new(), notes: Vec::new() };
        set.note_all();
        set
    }

    /// Notes each span at its nodes: counts first, so that all notes lie in one piece of memory.
    fn note_all(&mut self) {
        let leaves = self.leaves();
        let mut nodes = vec![0; 2 * leaves + 1];
        for span in &self.spans {
            nodes_of(span, leaves, |node| nodes[node] += 1);
        }
        let mut end = 0;
        for node in &mut nodes {
            end += *node;
            *node = end;
        }
        let mut notes = vec![0; end as usize];
        for (number, span) in self.spans.iter().enumerate().rev() {
            nodes_of(span, leaves, |node| {
                nodes[node] -= 1;
                notes[nodes[node] as usize] = number as u32;
            });
        }
        (self.nodes, self.notes) = (nodes, notes);
    }

    /// How many stretches there are between the bounds.
    fn leaves(&self) -> usize {
        self.bounds.len().saturating_sub(1)
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
        self.spans.len()
    }

    /// The seqno of the newest tombstone; 0 when there is none.
    pub fn newest(&self) -> SeqNo {
        self.spans.first().map_or(0, |span| span.seqno)
    }

    /// The smallest start and the largest end.
    pub fn bounds(&self) -> Option<(&[u8], &[u8])> {
        Some((self.bounds.first()?, self.bounds.last()?))
    }

    /// Every tombstone, newest first. Building a set from these gives an equal set.
    pub fn iter(&self) -> impl Iterator<Item = RangeTombstone> + '_ {
        self.spans.iter().map(|span| self.tombstone(span.seqno, span.start, span.end))
    }

    /// The part of the set inside `[lower, upper)`; `None` is open. Compaction cuts tombstones so at the edges
    /// of the tables it writes. Looks at every tombstone.
    pub fn clipped(&self, lower: Option<&[u8]>, upper: Option<&[u8]>) -> Vec<RangeTombstone> {
        // The stretches that reach into the part.
        let first =
            lower.map_or(0, |key| self.bounds.partition_point(|b| **b <= *key).saturating_sub(1)) as u32;
        let last = upper.map_or(self.bounds.len(), |key| self.bounds.partition_point(|b| **b < *key)) as u32;
        let inside = |span: &&Span| span.start < last && span.end > first;
        let clip = |span: &Span| {
            let mut tombstone = self.tombstone(span.seqno, span.start, span.end);
            if let Some(lower) = lower.filter(|lower| **lower > *tombstone.start) {
                tombstone.start = lower.into();
            }
            if let Some(upper) = upper.filter(|upper| **upper < *tombstone.end) {
                tombstone.end = upper.into();
            }
            tombstone
        };
        self.spans.iter().filter(inside).map(clip).filter(|t| t.start < t.end).collect()
    }

    /// What can still be seen of the tombstones when `stripe_of` a seqno counts the snapshots that are too old for it: in
    /// each stripe, of those over a key the newest. Newest stripe first, ascending in each; fewer than twice as many as
    /// there are tombstones. Costs `O(n log n)`.
    pub fn newest_of_each_stripe(&self, stripe_of: impl Fn(SeqNo) -> usize) -> Vec<RangeTombstone> {
        let mut pieces = Vec::new();
        for stripe in self.spans.chunk_by(|a, b| stripe_of(a.seqno) == stripe_of(b.seqno)) {
            self.push_skyline(stripe, &mut pieces);
        }
        pieces
    }

    /// Appends, for each stretch of keys, the newest of `spans`, which come newest first.
    fn push_skyline(&self, spans: &[Span], pieces: &mut Vec<RangeTombstone>) {
        let mut edges: Vec<(u32, usize)> = Vec::with_capacity(spans.len() * 2);
        for (number, span) in spans.iter().enumerate() {
            edges.extend([(span.start, number), (span.end, number)]);
        }
        edges.sort_unstable();
        let mut open = BTreeSet::new();
        let mut start = 0;
        for edges_here in edges.chunk_by(|a, b| a.0 == b.0) {
            let before = open.first().copied();
            let mut here = start;
            for &(bound, number) in edges_here {
                here = bound;
                if !open.remove(&number) {
                    open.insert(number);
                }
            }
            if open.first().copied() != before {
                pieces.extend(before.map(|number| self.tombstone(spans[number].seqno, start, here)));
                start = here;
            }
        }
    }

    /// The seqno of the newest tombstone that covers `user_key` and is at most `snapshot`; 0 when there is none.
    /// A record of the key is hidden when its own seqno is smaller. Costs `O(log n)`, at an old snapshot `O(log² n)`.
    #[inline]
    pub fn covering(&self, user_key: &[u8], snapshot: SeqNo) -> SeqNo {
        self.newest_over(user_key, snapshot).map_or(0, |span| span.seqno)
    }

    /// Like [`RangeDels::covering`], with the range `[start, end)` of that tombstone.
    #[inline]
    pub fn covering_range(&self, user_key: &[u8], snapshot: SeqNo) -> Option<(SeqNo, &[u8], &[u8])> {
        let span = self.newest_over(user_key, snapshot)?;
        Some((span.seqno, &self.bounds[span.start as usize], &self.bounds[span.end as usize]))
    }

    #[inline]
    fn newest_over(&self, user_key: &[u8], snapshot: SeqNo) -> Option<&Span> {
        let stretch = self.bounds.partition_point(|bound| **bound <= *user_key).checked_sub(1)?;
        if stretch == self.leaves() {
            return None;
        }
        // The number of the newest span that the snapshot sees.
        let visible = match self.newest() > snapshot {
            true => self.spans.partition_point(|span| span.seqno > snapshot) as u32,
            false => 0,
        };
        let mut newest = u32::MAX;
        let mut node = stretch + self.leaves();
        while node > 0 {
            let notes = &self.notes[self.nodes[node] as usize..self.nodes[node + 1] as usize];
            let number = match notes.first() {
                Some(&first) if first < visible => {
                    notes.get(notes.partition_point(|&number| number < visible)).copied()
                }
                first => first.copied(),
            };
            newest = newest.min(number.unwrap_or(u32::MAX));
            node /= 2;
        }
        self.spans.get(newest as usize)
    }

    fn tombstone(&self, seqno: SeqNo, start: u32, end: u32) -> RangeTombstone {
        let bound = |at: u32| self.bounds[at as usize].clone();
        RangeTombstone { start: bound(start), end: bound(end), seqno }
    }
}

/// Visits the nodes that together are the stretches of `span`, in a tree of `leaves` leaves: the children of node `i` are
/// `2i` and `2i + 1`, the leaf of stretch `s` is `leaves + s`.
fn nodes_of(span: &Span, leaves: usize, mut visit: impl FnMut(usize)) {
    let (mut from, mut to) = (span.start as usize + leaves, span.end as usize + leaves);
    while from < to {
        if from % 2 == 1 {
            visit(from);
            from += 1;
        }
        if to % 2 == 1 {
            to -= 1;
            visit(to);
        }
        (from, to) = (from / 2, to / 2);
    }
}
