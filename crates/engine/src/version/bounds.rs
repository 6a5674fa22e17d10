//! Stretches of user keys, with an end that may be inside or outside, and how they overlap.
//!
//! A table that ends with a range tombstone does not hold its `largest` key. Two neighbours in a level may
//! therefore touch: the first ends at `m`, exclusive, where the second begins. Everything that asks whether
//! tables overlap asks here. Pure; any thread.

use super::TableMeta;

#[cfg(test)]
mod tests;

/// The user keys from `start` to `end`, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds<'a> {
    /// The first key, inside.
    pub start: &'a [u8],
    /// The last key.
    pub end: &'a [u8],
    /// Whether `end` itself is outside.
    pub end_exclusive: bool,
}

impl<'a> Bounds<'a> {
    /// Both ends inside.
    pub fn inclusive(start: &'a [u8], end: &'a [u8]) -> Self {
        Self { start, end, end_exclusive: false }
    }

    /// Whether there is no key inside.
    pub fn is_empty(&self) -> bool {
        self.start > self.end || (self.end_exclusive && self.start == self.end)
    }

    /// Whether every key inside is less than `key`.
    #[inline]
    pub fn ends_before(&self, key: &[u8]) -> bool {
        self.end < key || (self.end_exclusive && self.end == key)
    }

    /// Whether `key` is inside.
    #[inline]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.start <= key && !self.ends_before(key)
    }

    /// Whether some key may be in both.
    #[inline]
    pub fn overlaps(&self, other: &Bounds<'_>) -> bool {
        !self.ends_before(other.start) && !other.ends_before(self.start)
    }

    /// The shortest stretch that holds both.
    pub fn join(&self, other: &Self) -> Self {
        let end = (self.end, !self.end_exclusive).max((other.end, !other.end_exclusive));
        Self { start: self.start.min(other.start), end: end.0, end_exclusive: !end.1 }
    }

    /// An owned copy.
    pub fn to_range(&self) -> KeyRange {
        KeyRange { start: self.start.into(), end: self.end.into(), end_exclusive: self.end_exclusive }
    }
}

/// The user keys from `start` to `end`, owned. See [`Bounds`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyRange {
    /// The first key, inside.
    pub start: Box<[u8]>,
    /// The last key.
    pub end: Box<[u8]>,
    /// Whether `end` itself is outside.
    pub end_exclusive: bool,
}

impl KeyRange {
    /// The same, borrowed.
    pub fn bounds(&self) -> Bounds<'_> {
        Bounds { start: &self.start, end: &self.end, end_exclusive: self.end_exclusive }
    }
}

impl TableMeta {
    /// The keys the table's records and range tombstones lie in.
    #[inline]
    pub fn bounds(&self) -> Bounds<'_> {
        Bounds { start: &self.smallest, end: &self.largest, end_exclusive: self.largest_exclusive }
    }
}

/// The shortest stretch that holds all of `tables`; `None` when there are none.
pub fn hull<'a>(tables: impl IntoIterator<Item = &'a TableMeta>) -> Option<Bounds<'a>> {
    tables.into_iter().map(TableMeta::bounds).reduce(|a, b| a.join(&b))
}
