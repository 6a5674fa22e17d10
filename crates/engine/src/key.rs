//! Internal keys: a user key and a trailer of 56-bit sequence number and 8-bit kind.
//!
//! Internal order: user keys ascending by bytes, then trailers **descending**, so the newest version of a
//! key comes first.

use std::cmp::Ordering;

use xxhash_rust::xxh3::xxh3_64;

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 64 * 1024;
/// The longest value, in bytes: 1 GiB, so that a frame, a block and a copy of it always fit 32-bit lengths.
pub const MAX_VALUE_BYTES: usize = 1 << 30;

/// A sequence number: the position of a write in the database's one total order. The first write gets 1.
pub type SeqNo = u64;
/// The largest sequence number (56 bits).
pub const MAX_SEQNO: SeqNo = (1 << 56) - 1;

/// What a record says about its key. The numbers are on disk and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The key is gone (a tombstone).
    Delete = 0,
    /// The key has this value.
    Set = 1,
    /// Reserved: an operand to be merged with the older value.
    Merge = 2,
    /// Reserved: the key is gone, and it was set at most once.
    SingleDelete = 3,
    /// All keys from this one up to the value, exclusive, are gone.
    RangeDelete = 4,
    /// Reserved: the value is in a blob file.
    BlobRef = 5,
    /// The key has this value up to a moment that the value starts with; see [`crate::expiry`].
    SetWithExpiry = 6,
}

impl Kind {
    /// The kind with this number on disk, if it is one this version can read.
    pub const fn from_u8(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Delete),
            1 => Some(Self::Set),
            4 => Some(Self::RangeDelete),
            6 => Some(Self::SetWithExpiry),
            _ => None,
        }
    }
}

/// Packs a sequence number and a kind: `seqno << 8 | kind`.
pub const fn trailer(seqno: SeqNo, kind: Kind) -> u64 {
    (seqno << 8) | kind as u64
}

/// The sequence number of a trailer.
pub const fn seqno_of(trailer: u64) -> SeqNo {
    trailer >> 8
}

/// The kind byte of a trailer; `None` when the byte is no kind this version reads.
pub const fn kind_of(trailer: u64) -> Option<Kind> {
    Kind::from_u8(trailer as u8)
}

/// The trailer to seek with to find the newest version visible at `seqno`: it sorts before or at every
/// record of the key with that sequence number or an older one.
pub const fn seek_trailer(seqno: SeqNo) -> u64 {
    (seqno << 8) | 0xff
}

/// Compares two internal keys in internal order.
#[inline]
pub fn compare(a_key: &[u8], a_trailer: u64, b_key: &[u8], b_trailer: u64) -> Ordering {
    a_key.cmp(b_key).then(b_trailer.cmp(&a_trailer))
}

/// The one hash of a user key; memtable, filters and block fingerprints all take their bits from it.
#[inline]
pub fn hash(user_key: &[u8]) -> u64 {
    xxh3_64(user_key)
}
