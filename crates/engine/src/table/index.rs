//! The sparse index: one separator a data block.
//!
//! Separator `i` is greater than every key of block `i - 1` and at most the first key of block `i`: the shortest prefix of
//! that first key that still is (the first block's is its first key). A key can thus only be in the last block whose
//! separator is not greater than it.
//!
//! ```text
//! count varint
//! count x { separator: length varint, bytes | stored length of the block: varint }
//! ```
//!
//! Blocks lie one after the other from the start of the file, so lengths are enough to place them. In memory the first
//! 8 bytes of each separator, after what all share, are numbers in one array, and a search is mostly over those; where
//! they tie, whole separators are compared. Immutable; any thread may read it.

#![deny(clippy::indexing_slicing)]

use super::block::digest;
use crate::codec::{Reader, put_bytes, put_varint};
use crate::key::MAX_KEY_BYTES;

#[cfg(test)]
mod tests;

/// Collects the entries of an index.
#[derive(Debug, Default)]
pub(crate) struct IndexBuilder {
    bytes: Vec<u8>,
    count: u64,
}

impl IndexBuilder {
    /// Adds a block of `length` stored bytes with this separator.
    pub(crate) fn add(&mut self, separator: &[u8], length: u64) {
        put_bytes(&mut self.bytes, separator);
        put_varint(&mut self.bytes, length);
        self.count += 1;
    }

    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + 10);
        put_varint(&mut out, self.count);
        out.extend_from_slice(&self.bytes);
        out
    }
}

/// How many bytes `a` and `b` start with in common.
pub(crate) fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The separator between a block ending with `last` and one starting with `first`, its greater.
pub(crate) fn separator<'a>(last: &[u8], first: &'a [u8]) -> &'a [u8] {
    first.get(..shared(last, first) + 1).unwrap_or(first)
}

/// An index in memory.
#[derive(Debug)]
pub(crate) struct Index {
    /// What all separators start with.
    common: Box<[u8]>,
    /// Of each separator, the 8 bytes after that.
    digests: Vec<u64>,
    /// The separators without the common prefix, one after the other.
    separators: Vec<u8>,
    /// Where each of them ends.
    separator_ends: Vec<u32>,
    /// Where each block ends in the file.
    block_ends: Vec<u64>,
}

impl Index {
    /// Reads the index of a table whose data section is `data` bytes long; the error says what is wrong.
    pub(crate) fn decode(bytes: &[u8], data: u64) -> Result<Self, &'static str> {
        let mut reader = Reader::new(bytes);
        let count = reader.varint().ok_or("an index without a count")?;
        // An entry takes at least two bytes, so the count cannot make the array larger than the section.
        let count = usize::try_from(count).ok().filter(|&count| count <= bytes.len() / 2);
        let count = count.ok_or("an index with an impossible count")?;
        let mut separators: Vec<&[u8]> = Vec::with_capacity(count);
        let mut block_ends = Vec::with_capacity(count);
        let mut end = 0u64;
        for _ in 0..count {
            let mut entry = || Some((reader.bytes()?, reader.varint()?));
            let (separator, length) = entry().ok_or("an index that ends early")?;
            if separator.len() > MAX_KEY_BYTES || separators.last().is_some_and(|last| *last >= separator) {
                return Err("an index with separators out of order");
            }
            let next = end.checked_add(length).filter(|&next| length > 0 && next <= data);
            end = next.ok_or("an index past the data")?;
            separators.push(separator);
            block_ends.push(end);
        }
        if !reader.is_empty() || end != data || bytes.len() > u32::MAX as usize {
            return Err("an index that does not cover the data");
        }
        Ok(Self::new(&separators, block_ends))
    }

    /// Takes separators that ascend; what the first and the last share, all share.
    fn new(separators: &[&[u8]], block_ends: Vec<u64>) -> Self {
        let first = separators.first().copied().unwrap_or_default();
        let common = shared(first, separators.last().copied().unwrap_or_default());
        let tails = || separators.iter().map(|separator| separator.get(common..).unwrap_or_default());
        let mut end = 0;
        Self {
            common: first.get(..common).unwrap_or_default().into(),
            digests: tails().map(digest).collect(),
            separator_ends: tails()
                .map(|tail| {
                    end += tail.len() as u32;
                    end
                })
                .collect(),
            separators: tails().collect::<Vec<_>>().concat(),
            block_ends,
        }
    }

    /// How many blocks there are.
    pub(crate) fn len(&self) -> usize {
        self.block_ends.len()
    }

    /// Where block `at` is stored: offset and length.
    #[inline]
    pub(crate) fn block(&self, at: usize) -> Option<(u64, u64)> {
        let end = *self.block_ends.get(at)?;
        let start = match at.checked_sub(1) {
            Some(before) => *self.block_ends.get(before)?,
            None => 0,
        };
        Some((start, end - start))
    }

    /// The separator of block `at`, after the common prefix.
    #[inline]
    fn tail(&self, at: usize) -> Option<&[u8]> {
        let start = match at.checked_sub(1) {
            Some(before) => *self.separator_ends.get(before)?,
            None => 0,
        };
        self.separators.get(start as usize..*self.separator_ends.get(at)? as usize)
    }

    /// The only block that can hold `user_key`; `None` when the key is before the first.
    #[inline]
    pub(crate) fn find(&self, user_key: &[u8]) -> Option<usize> {
        let Some(tail) = user_key.strip_prefix(&*self.common) else {
            return if *user_key < *self.common { None } else { self.len().checked_sub(1) };
        };
        let wanted = digest(tail);
        let mut after = self.digests.partition_point(|&d| d < wanted);
        if self.digests.get(after) == Some(&wanted) {
            after = self.find_tied(after, wanted, tail);
        }
        after.checked_sub(1)
    }

    /// How many separators are not greater than `tail`, when those from `from` on have its digest.
    fn find_tied(&self, from: usize, wanted: u64, tail: &[u8]) -> usize {
        let ties = self.digests.get(from..).unwrap_or_default().partition_point(|&d| d <= wanted);
        let (mut low, mut high) = (from, from + ties);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.tail(middle).is_some_and(|separator| separator <= tail) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Bytes of memory it holds.
    pub(crate) fn memory(&self) -> usize {
        self.common.len() + self.separators.len() + self.digests.len() * (8 + 4 + 8)
    }
}
