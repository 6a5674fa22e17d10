//! Builds a data block: entries come in order, and are laid out when the block is finished, because only then is the
//! common prefix known.

use crate::codec::varint_len;

use super::header::{DIGEST_BYTES, FINGERPRINT_BYTES, FIXED_BYTES, OffsetWidth, TRAILER_BYTES};
use super::{Row, stored};

/// Collects the entries of one block after another; its memory is kept between them. One thread.
#[derive(Debug, Default)]
pub struct BlockBuilder {
    entries: Vec<Entry>,
    /// Key and value of each entry, one after the other.
    bytes: Vec<u8>,
    /// Length of the prefix common to all keys so far.
    common: usize,
    /// Sum of the rows' bytes, with whole keys.
    rows: usize,
}

#[derive(Debug)]
struct Entry {
    trailer: u64,
    /// Where its value ends in `bytes`.
    end: usize,
    key: u32,
}

impl BlockBuilder {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds an entry. The caller sees to the order, and to keys of at most [`crate::key::MAX_KEY_BYTES`].
    pub fn add(&mut self, user_key: &[u8], trailer: u64, value: &[u8]) {
        self.common = self.common_with(user_key);
        self.rows += row_bytes(user_key, value);
        self.bytes.extend_from_slice(user_key);
        self.bytes.extend_from_slice(value);
        self.entries.push(Entry { trailer, end: self.bytes.len(), key: user_key.len() as u32 });
    }

    /// The common prefix's length if `user_key` came in.
    fn common_with(&self, user_key: &[u8]) -> usize {
        match self.entries.first() {
            None => user_key.len(),
            Some(_) => {
                let first = self.bytes.get(..self.common).unwrap_or_default();
                first.iter().zip(user_key).take_while(|(a, b)| a == b).count()
            }
        }
    }

    /// About how large the block is now in memory: never less than its true size, a few bytes more at most per entry.
    pub fn size(&self) -> usize {
        self.estimate(self.entries.len(), self.rows, self.common)
    }

    /// About how large it would be with one more entry.
    pub fn size_with(&self, user_key: &[u8], value: &[u8]) -> usize {
        let rows = self.rows + row_bytes(user_key, value);
        self.estimate(self.entries.len() + 1, rows, self.common_with(user_key))
    }

    fn estimate(&self, count: usize, rows: usize, common: usize) -> usize {
        let rows = rows - count * common;
        let columns = FINGERPRINT_BYTES + OffsetWidth::for_offset(rows).bytes() + DIGEST_BYTES;
        FIXED_BYTES + common + count * columns + rows
    }

    /// Appends the block's stored form to `out` and forgets the entries. There must be one.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let common = self.bytes.get(..self.common).unwrap_or_default();
        stored::encode(common, self.rows(), out);
        self.entries.clear();
        self.bytes.clear();
        self.rows = 0;
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> + Clone {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let both = self.bytes.get(start..entry.end).unwrap_or_default();
            start = entry.end;
            let (key, value) = both.split_at_checked(entry.key as usize).unwrap_or_default();
            Row { trailer: entry.trailer, suffix: key.get(self.common..).unwrap_or_default(), value }
        })
    }
}

fn row_bytes(user_key: &[u8], value: &[u8]) -> usize {
    TRAILER_BYTES + varint_len(user_key.len() as u64) + user_key.len() + value.len()
}
