//! Two small sections: the properties of a table, and its range tombstones.
//!
//! ```text
//! properties     repeated { tag varint | length varint | bytes }; unknown tags are skipped
//!                1 entries, 2 tombstones, 3 range deletes, 4 raw bytes, 8 min seqno, 9 max seqno,
//!                10 data blocks: a varint each; 5 smallest key, 6 largest key: bytes;
//!                7 largest is exclusive: a varint, 0 or 1; 11 superseded: a varint, left out when it is zero;
//!                12 expiring, 13 its first end, 14 its last end: a varint each, left out when there is none
//! range deletes  count varint | count x { start: length varint, bytes | end: the same | seqno varint }
//! ```
//!
//! The properties repeat what the manifest says of the table, so that a table is never taken for another one and a
//! lost manifest could be rebuilt.

#![deny(clippy::indexing_slicing)]

use crate::codec::{Reader, put_bytes, put_varint};
use crate::key::{MAX_KEY_BYTES, MAX_SEQNO};
use crate::range_del::RangeTombstone;
use crate::version::TableMeta;

#[cfg(test)]
mod tests;

/// What the properties section holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Properties {
    /// Everything but number, size and checksum.
    pub(crate) meta: TableMeta,
    pub(crate) data_blocks: u64,
}

impl Properties {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let meta = &self.meta;
        let mut out = Vec::new();
        let mut put = |tag: u64, value: &[u8]| {
            put_varint(&mut out, tag);
            put_bytes(&mut out, value);
        };
        for (tag, number) in [
            (1, meta.entries),
            (2, meta.tombstones),
            (3, meta.range_deletes),
            (4, meta.raw_bytes),
            (7, u64::from(meta.largest_exclusive)),
            (8, meta.min_seqno),
            (9, meta.max_seqno),
            (10, self.data_blocks),
        ] {
            let mut value = Vec::new();
            put_varint(&mut value, number);
            put(tag, &value);
        }
        put(5, &meta.smallest);
        put(6, &meta.largest);
        if meta.superseded > 0 {
            let mut value = Vec::new();
            put_varint(&mut value, meta.superseded);
            put(11, &value);
        }
        if meta.expiring.count > 0 {
            for (tag, number) in
                [(12, meta.expiring.count), (13, meta.expiring.first), (14, meta.expiring.last)]
            {
                let mut value = Vec::new();
                put_varint(&mut value, number);
                put(tag, &value);
            }
        }
        out
    }

    /// Reads properties back; `None` when they are malformed.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut found = Self::default();
        while !reader.is_empty() {
            let (tag, value) = (reader.varint()?, reader.bytes()?);
            let number = || Reader::new(value).varint();
            match tag {
                1 => found.meta.entries = number()?,
                2 => found.meta.tombstones = number()?,
                3 => found.meta.range_deletes = number()?,
                4 => found.meta.raw_bytes = number()?,
                5 => found.meta.smallest = value.into(),
                6 => found.meta.largest = value.into(),
                7 => found.meta.largest_exclusive = number()? != 0,
                8 => found.meta.min_seqno = number()?,
                9 => found.meta.max_seqno = number()?,
                10 => found.data_blocks = number()?,
                11 => found.meta.superseded = number()?,
                12 => found.meta.expiring.count = number()?,
                13 => found.meta.expiring.first = number()?,
                14 => found.meta.expiring.last = number()?,
                _ => {}
            }
        }
        Some(found)
    }

    /// Whether these are the properties of the table that the manifest calls `meta`.
    pub(crate) fn describe(&self, meta: &TableMeta) -> bool {
        let placed =
            TableMeta { number: meta.number, size: meta.size, checksum: meta.checksum, ..self.meta.clone() };
        placed == *meta
    }
}

/// The range-deletes section over `tombstones`.
pub(crate) fn encode_range_deletes(tombstones: &[RangeTombstone]) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, tombstones.len() as u64);
    for tombstone in tombstones {
        put_bytes(&mut out, &tombstone.start);
        put_bytes(&mut out, &tombstone.end);
        put_varint(&mut out, tombstone.seqno);
    }
    out
}

/// Reads a range-deletes section; `None` when it is malformed.
pub(crate) fn decode_range_deletes(bytes: &[u8]) -> Option<Vec<RangeTombstone>> {
    let mut reader = Reader::new(bytes);
    let count = reader.varint()?;
    let mut tombstones = Vec::new();
    for _ in 0..count {
        let (start, end, seqno) = (reader.bytes()?, reader.bytes()?, reader.varint()?);
        if start >= end || start.len().max(end.len()) > MAX_KEY_BYTES || seqno > MAX_SEQNO {
            return None;
        }
        tombstones.push(RangeTombstone { start: start.into(), end: end.into(), seqno });
    }
    reader.is_empty().then_some(tombstones)
}
