//! The point index of a table that is wholly in memory: from the hash of a key to where its newest row is.
//!
//! It answers a lookup with two waits for memory, bucket and row, where filter, sparse index, block and row are four;
//! and for most keys that are not there with one.
//!
//! ```text
//! bucket   64 bytes, a cache line: 8 x u16 print | 8 x u16 length | 8 x u32 start      little endian
//! print    the lowest 16 bits of the hash
//! length   bytes of the row, 0: free, 65,535: as many or more
//! start    where the row begins
//! ```
//!
//! A key's bucket comes from the upper half of its hash; one that is full is followed by the next. A print tells that the row
//! may be the key's: whoever asks compares the key, and goes the long way if it is another.

#![deny(clippy::indexing_slicing)]

use memmap2::MmapMut;

use super::resident::advise;

const BUCKET_BYTES: usize = 64;
const ENTRIES: usize = 8;
/// Where lengths and starts begin in a bucket.
const LENGTHS: usize = 2 * ENTRIES;
const STARTS: usize = 4 * ENTRIES;
/// Keys a bucket on average: with more, too many buckets are full.
const KEYS_A_BUCKET: usize = 5;
/// So many buckets are looked at. With more full ones in a row somebody chose the keys so.
const MOST_BUCKETS: usize = 32;
/// A row of as many bytes or more is not pointed at: its end would not be known.
const LONG: usize = u16::MAX as usize;

/// Where the rows of keys are.
pub(super) struct Points {
    buckets: MmapMut,
    count: usize,
}

/// What the index says of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pointed {
    /// It is not there.
    Nowhere,
    /// If it is there, its newest row is these bytes, mostly.
    At { start: usize, end: usize },
    /// It may be anywhere.
    Somewhere,
}

impl Points {
    /// Bytes of memory for `keys` keys.
    pub(super) const fn memory(keys: usize) -> usize {
        (keys / KEYS_A_BUCKET + 1) * BUCKET_BYTES
    }

    /// An index with room for `keys` keys; `None` when the system has no memory.
    pub(super) fn new(keys: usize) -> Option<Self> {
        let buckets = MmapMut::map_anon(Self::memory(keys)).ok()?;
        advise(&buckets);
        Some(Self { buckets, count: keys / KEYS_A_BUCKET + 1 })
    }

    #[inline]
    fn bucket(&self, number: usize) -> Option<&[u8; BUCKET_BYTES]> {
        self.buckets.as_chunks().0.get(number % self.count)
    }

    #[inline]
    fn first(&self, hash: u64) -> usize {
        (((hash >> 32) * self.count as u64) >> 32) as usize
    }

    /// Adds the newest row of a key. False when that cannot be done: the index is then of no use.
    pub(super) fn add(&mut self, hash: u64, start: usize, length: usize) -> bool {
        let Ok(start) = u32::try_from(start) else { return false };
        let length = length.min(LONG) as u16;
        let first = self.first(hash);
        for step in 0..MOST_BUCKETS.min(self.count) {
            let number = (first + step) % self.count;
            let Some(bucket) = self.buckets.as_chunks_mut::<BUCKET_BYTES>().0.get_mut(number) else { break };
            let (prints, rest) = bucket.split_at_mut(LENGTHS);
            let (lengths, starts) = rest.split_at_mut(STARTS - LENGTHS);
            let lengths = lengths.as_chunks_mut::<2>().0;
            let entries = prints.as_chunks_mut::<2>().0.iter_mut().zip(lengths);
            let free = entries.zip(starts.as_chunks_mut::<4>().0).find(|((_, length), _)| **length == [0; 2]);
            if let Some(((print, length_at), start_at)) = free {
                *print = (hash as u16).to_le_bytes();
                *length_at = length.to_le_bytes();
                *start_at = start.to_le_bytes();
                return true;
            }
        }
        false
    }

    /// Where the key with this hash may be.
    #[inline]
    pub(super) fn find(&self, hash: u64) -> Pointed {
        let (first, print) = (self.first(hash), (hash as u16).to_le_bytes());
        for step in 0..MOST_BUCKETS.min(self.count) {
            let Some(bucket) = self.bucket(first + step) else { break };
            let (prints, rest) = bucket.split_at(LENGTHS);
            let (lengths, starts) = rest.split_at(STARTS - LENGTHS);
            let prints = prints.as_chunks::<2>().0;
            let lengths = lengths.as_chunks::<2>().0;
            let mut free = false;
            for ((known, length), start) in prints.iter().zip(lengths).zip(starts.as_chunks::<4>().0) {
                free |= *length == [0; 2];
                if *known == print && *length != [0; 2] {
                    let (start, length) =
                        (u32::from_le_bytes(*start) as usize, u16::from_le_bytes(*length) as usize);
                    return if length < LONG {
                        Pointed::At { start, end: start + length }
                    } else {
                        Pointed::Somewhere
                    };
                }
            }
            if free {
                return Pointed::Nowhere;
            }
        }
        Pointed::Somewhere
    }
}

#[cfg(test)]
mod tests;
