//! Data blocks: sorted internal entries in a form that is read in place. Nothing is decoded or allocated for a
//! lookup.
//!
//! ```text
//! flags u8 (offset width: 1 = 2 bytes, 2 = 4, 3 = 8) | 0 0 0
//! count u32 (n, at least 1)
//! common prefix length u32
//! common prefix of all keys
//! n x u16      fingerprint of each key: 16 bits of its hash
//! n x offset   where each row starts, from the first row's start
//! n x u64 BE   digest: the key's first 8 bytes after the common prefix, zero padded
//! n x row      trailer u64 | suffix length varint | suffix | value (up to the next row)
//! ```
//!
//! Everything but the digests is little endian. A point lookup scans the fingerprints, which lie together, and then
//! touches one row; a seek searches the digests and compares whole keys only where digests tie. The digest comes
//! after the common prefix, or keys like `user:123` would all have the same.
//!
//! A block of a table that is wholly in memory has the whole key in each row instead of the suffix, so that a row whose place
//! is known is read without anything else: [`Block::widen`].
//!
//! This form is in memory only. The one on disk is in [`stored`]: [`BlockBuilder`] writes it, [`decode`] makes a block of it.
//!
//! A [`Block`] is a view of bytes, a [`SharedBlock`] is what is kept of one. Both are immutable; any thread may read them.
//! Invariant: [`decode`] checked every bound, so what it returned can be read everywhere without error, whatever the
//! stored bytes were; its fingerprints and digests are true. Whether the entries are in order is only checked by
//! [`Block::check`]; a block that passed its checksum is as the builder left it.

#![deny(clippy::indexing_slicing)]

mod builder;
mod cursor;
mod header;
mod stored;

use std::cmp::Ordering;
use std::ops::Range;

use triomphe::ThinArc;

pub use builder::BlockBuilder;
pub(crate) use cursor::{BlockCursor, Held};

use crate::codec::{Reader, put_varint, varint_len};
use crate::key::{self, SeqNo};
pub(crate) use header::Header;
use header::{DIGEST_BYTES, FIXED_BYTES, OffsetWidth, TRAILER_BYTES};
pub(crate) use stored::decode;

#[cfg(test)]
mod tests;

/// A block in memory of its own, counted by reference. What its header says lies before its bytes, behind one thin
/// pointer: a lookup waits for memory once less than with a pointer to a struct that points to the bytes.
pub(crate) type SharedBlock = ThinArc<Header, u8>;

/// A data block, wherever its bytes are.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    data: &'a [u8],
    header: Header,
}

/// One entry of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// Seqno and kind.
    pub trailer: u64,
    /// The user key after the block's common prefix.
    pub suffix: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

/// The 16 bits of a key's hash that a block keeps.
#[inline]
pub(crate) const fn fingerprint(hash: u64) -> u16 {
    (hash >> 32) as u16
}

/// The first 8 bytes as a number that compares like them; missing bytes count as zeros.
#[inline]
pub(crate) fn digest(suffix: &[u8]) -> u64 {
    match suffix.first_chunk::<8>() {
        Some(head) => u64::from_be_bytes(*head),
        None => suffix.iter().fold(0, |acc, &byte| acc << 8 | u64::from(byte)) << digest_shift(suffix.len()),
    }
}

/// How far the bytes of a suffix shorter than 8 are moved up; an empty suffix is zero under any shift.
const fn digest_shift(length: usize) -> u32 {
    match length {
        0 => 0,
        n => 64 - 8 * n as u32,
    }
}

impl<'a> Row<'a> {
    /// A row as it lies in a block.
    #[inline]
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Self { trailer: reader.u64()?, suffix: reader.bytes()?, value: reader.rest() })
    }
}

impl<'a> Block<'a> {
    /// The block of these bytes, which [`Block::widen`] wrote and gave the header of.
    #[inline]
    pub(crate) fn again(data: &'a [u8], header: Header) -> Self {
        Self { data, header }
    }

    /// A view of a block that is kept.
    #[inline]
    pub(crate) fn of(shared: &'a SharedBlock) -> Self {
        Self { data: &shared.slice, header: shared.header.header }
    }

    /// How many entries there are; at least one.
    #[inline]
    pub fn len(self) -> usize {
        self.header.count as usize
    }

    /// Never true: a block has an entry.
    pub fn is_empty(self) -> bool {
        self.header.count == 0
    }

    /// The bytes of the block.
    #[cfg(test)]
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.data
    }

    /// The bytes all its keys start with.
    #[inline]
    pub fn common_prefix(self) -> &'a [u8] {
        self.data.get(FIXED_BYTES..self.header.fingerprints()).unwrap_or_default()
    }

    /// Entry `at`; `None` past the last one.
    #[inline]
    pub fn row(self, at: usize) -> Option<Row<'a>> {
        let row = Row::read(self.data.get(self.place(at)?)?)?;
        if self.header.whole {
            return Some(Row { suffix: row.suffix.get(self.header.common as usize..)?, ..row });
        }
        Some(row)
    }

    /// Where the bytes of row `at` are.
    #[inline]
    pub(crate) fn place(self, at: usize) -> Option<Range<usize>> {
        if at >= self.len() {
            return None;
        }
        let rows = self.header.rows();
        let end = if at + 1 < self.len() { rows + self.offset(at + 1)? } else { self.data.len() };
        Some(rows + self.offset(at)?..end)
    }

    /// Appends the block to `out` with whole keys in its rows. `None`, with part of it there, for one that has them already.
    pub(crate) fn widen(self, out: &mut Vec<u8>) -> Option<Header> {
        let (start, common) = (out.len(), self.common_prefix());
        let rows = || (0..self.len()).filter_map(|at| self.row(at));
        let row_bytes = |row: &Row<'_>| {
            let key = common.len() + row.suffix.len();
            TRAILER_BYTES + varint_len(key as u64) + key + row.value.len()
        };
        let width = OffsetWidth::for_offset(rows().map(|row| row_bytes(&row)).sum());
        let header = Header { width, whole: true, ..self.header };
        header.put(out);
        out.extend_from_slice(self.data.get(FIXED_BYTES..self.header.offsets())?);
        let mut offset = 0;
        for row in rows() {
            out.extend_from_slice((offset as u64).to_le_bytes().get(..width.bytes())?);
            offset += row_bytes(&row);
        }
        out.extend_from_slice(self.digests().as_flattened());
        for row in rows() {
            out.extend_from_slice(&row.trailer.to_le_bytes());
            put_varint(out, (common.len() + row.suffix.len()) as u64);
            out.extend_from_slice(common);
            out.extend_from_slice(row.suffix);
            out.extend_from_slice(row.value);
        }
        (!self.header.whole && out.len() - start == header.rows() + offset).then_some(header)
    }

    /// The newest version of `user_key` with a seqno of at most `snapshot`: its trailer and value. `hash` is
    /// [`key::hash`] of the key. Allocates nothing.
    #[inline]
    pub fn get(self, user_key: &[u8], hash: u64, snapshot: SeqNo) -> Option<(u64, &'a [u8])> {
        let suffix = user_key.strip_prefix(self.common_prefix())?;
        let fingerprints = self.data.get(self.header.fingerprints()..self.header.offsets())?;
        let mut from = 0;
        while let Some(at) = find(fingerprints, from, fingerprint(hash)) {
            let row = self.row(at)?;
            if row.suffix == suffix {
                if key::seqno_of(row.trailer) <= snapshot {
                    return Some((row.trailer, row.value));
                }
                return self.older(at + 1, suffix, snapshot);
            }
            from = at + 1;
        }
        None
    }

    /// The bytes that a lookup reads to find its row.
    #[inline]
    pub(crate) fn columns(self) -> &'a [u8] {
        self.data.get(self.header.fingerprints()..self.header.digests()).unwrap_or_default()
    }

    /// The bytes that [`Block::lower_bound`] reads.
    #[inline]
    pub(crate) fn order(self) -> &'a [u8] {
        self.data.get(self.header.digests()..self.header.rows()).unwrap_or_default()
    }

    /// The bytes of the rows from `at` on.
    #[inline]
    pub(crate) fn rows_from(self, at: usize) -> &'a [u8] {
        self.place(at).and_then(|place| self.data.get(place.start..)).unwrap_or_default()
    }

    /// The bytes of the row that [`Block::get`] is going to look at first.
    #[inline]
    pub(crate) fn candidate(self, hash: u64) -> Option<&'a [u8]> {
        let fingerprints = self.data.get(self.header.fingerprints()..self.header.offsets())?;
        self.data.get(self.place(find(fingerprints, 0, fingerprint(hash))?)?)
    }

    /// The rest of `get` when the newest version, just before `from`, is too new. A search, because an old
    /// snapshot may make a key keep thousands of versions.
    #[cold]
    fn older(self, from: usize, suffix: &[u8], snapshot: SeqNo) -> Option<(u64, &'a [u8])> {
        let at = self.search_rows(from, self.len(), suffix, key::seek_trailer(snapshot));
        self.row(at).filter(|row| row.suffix == suffix).map(|row| (row.trailer, row.value))
    }

    /// The index of the first entry at or after `(user_key, trailer)` in internal order; `len()` when there is none.
    pub fn lower_bound(self, user_key: &[u8], trailer: u64) -> usize {
        let Some(suffix) = user_key.strip_prefix(self.common_prefix()) else {
            return if user_key < self.common_prefix() { 0 } else { self.len() };
        };
        let wanted = digest(suffix);
        let digests = self.digests();
        let first = digests.partition_point(|d| u64::from_be_bytes(*d) < wanted);
        let ties = digests.get(first..).unwrap_or_default();
        let ties = match ties.first() {
            Some(d) if u64::from_be_bytes(*d) == wanted => {
                ties.partition_point(|d| u64::from_be_bytes(*d) <= wanted)
            }
            _ => 0,
        };
        self.search_rows(first, first + ties, suffix, trailer)
    }

    /// The first entry of `[low, high)` at or after `(suffix, trailer)`, or `high`.
    fn search_rows(self, mut low: usize, mut high: usize, suffix: &[u8], trailer: u64) -> usize {
        while low < high {
            let middle = low + (high - low) / 2;
            let before = self
                .row(middle)
                .is_some_and(|row| key::compare(row.suffix, row.trailer, suffix, trailer) == Ordering::Less);
            if before { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Checks what [`decode`] does not: entries in strictly ascending order. Calls `each` with the user key, trailer and
    /// value of every entry.
    pub fn check(self, mut each: impl FnMut(&[u8], u64, &[u8])) -> Result<(), &'static str> {
        let mut user_key = self.common_prefix().to_vec();
        let mut last: Option<Row<'_>> = None;
        for at in 0..self.len() {
            let row = self.row(at).ok_or("a block with a malformed row")?;
            let ascending = last.is_none_or(|last| {
                key::compare(last.suffix, last.trailer, row.suffix, row.trailer) == Ordering::Less
            });
            if !ascending {
                return Err("a block with entries out of order");
            }
            user_key.truncate(self.common_prefix().len());
            user_key.extend_from_slice(row.suffix);
            each(&user_key, row.trailer, row.value);
            last = Some(row);
        }
        Ok(())
    }

    #[inline]
    fn digests(self) -> &'a [[u8; DIGEST_BYTES]] {
        self.order().as_chunks().0
    }

    /// Where row `at` starts, from the start of the rows.
    #[inline]
    fn offset(self, at: usize) -> Option<usize> {
        let width = self.header.width;
        let mut reader = Reader::new(self.data.get(self.header.offsets() + at * width.bytes()..)?);
        match width {
            OffsetWidth::Two => reader.u16().map(usize::from),
            OffsetWidth::Four => reader.u32().map(|offset| offset as usize),
            OffsetWidth::Eight => usize::try_from(reader.u64()?).ok(),
        }
    }
}

/// The first index from `from` on whose fingerprint is `wanted`. Sixteen at a time without a branch between them, which
/// compilers turn into vector instructions.
#[inline]
fn find(fingerprints: &[u8], from: usize, wanted: u16) -> Option<usize> {
    let (all, _) = fingerprints.as_chunks::<2>();
    let rest = all.get(from..)?;
    let (chunks, tail) = rest.as_chunks::<16>();
    let is_wanted = |print: &[u8; 2]| u16::from_le_bytes(*print) == wanted;
    for (at, chunk) in chunks.iter().enumerate() {
        if chunk.iter().fold(false, |any, print| any | is_wanted(print)) {
            return chunk.iter().position(is_wanted).map(|inside| from + at * 16 + inside);
        }
    }
    tail.iter().position(is_wanted).map(|inside| from + chunks.len() * 16 + inside)
}
