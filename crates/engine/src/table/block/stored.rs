//! The stored form of a data block: only what cannot be derived, like beside like, which is what a compressor shrinks best.
//!
//! ```text
//! n varint (entries, at least 1)
//! common prefix of all keys, behind its length as a varint
//! n x varint   length of each key's suffix, which is what follows the common prefix
//! n x varint   length of each value
//! n x u8       kinds
//! first seqno varint
//! w u8 (0 to 8)
//! w x n x u8   seqno steps: lowest byte of each, then the next byte of each, ...
//! n x entry    suffix | value
//! ```
//!
//! A step leads from the seqno of the entry before (from `first` for entry 0) to the entry's own, modulo 2^64, its sign
//! in the lowest bit: 0, -1, 1, -2, ... are 0, 1, 2, 3, ... Keys that were written in order have equal steps, which
//! compress to nothing; `w` is what the largest needs.
//!
//! [`encode`] and [`decode`] are pure. Decoding checks every length before it is believed, and takes no more memory than
//! some twenty times the bytes it is given; the block it returns, ten times.

#![deny(clippy::indexing_slicing)]

use triomphe::ThinArc;

use crate::codec::{Reader, put_bytes, put_varint, varint_len};
use crate::key::{self, MAX_KEY_BYTES, MAX_SEQNO, SeqNo};

use super::header::{DIGEST_BYTES, FINGERPRINT_BYTES, Header, OffsetWidth, TRAILER_BYTES};
use super::{Row, SharedBlock, digest, fingerprint};

/// Bytes of the widest step.
const MAX_STEP_BYTES: usize = 8;

/// Appends the stored form of `rows`, whose keys all start with `common`. There must be one.
pub(super) fn encode<'a>(common: &[u8], rows: impl Iterator<Item = Row<'a>> + Clone, out: &mut Vec<u8>) {
    let first = rows.clone().next().map_or(0, |row| key::seqno_of(row.trailer));
    let mut before = first;
    let steps = rows.clone().map(|row| {
        let seqno = key::seqno_of(row.trailer);
        zigzag(seqno.wrapping_sub(std::mem::replace(&mut before, seqno)))
    });
    let steps: Vec<u64> = steps.collect();
    let widest = steps.iter().fold(0, |all, step| all | step);
    let width = MAX_STEP_BYTES - widest.leading_zeros() as usize / 8;
    put_varint(out, steps.len() as u64);
    put_bytes(out, common);
    rows.clone().for_each(|row| put_varint(out, row.suffix.len() as u64));
    rows.clone().for_each(|row| put_varint(out, row.value.len() as u64));
    out.extend(rows.clone().map(|row| row.trailer as u8));
    put_varint(out, first);
    out.push(width as u8);
    for plane in 0..width {
        out.extend(steps.iter().map(|step| (step >> (8 * plane)) as u8));
    }
    for row in rows {
        out.extend_from_slice(row.suffix);
        out.extend_from_slice(row.value);
    }
}

/// A signed difference with its sign in the lowest bit.
const fn zigzag(step: u64) -> u64 {
    step << 1 ^ ((step as i64) >> 63) as u64
}

const fn unzigzag(coded: u64) -> u64 {
    coded >> 1 ^ (coded & 1).wrapping_neg()
}

/// The block, in the form in which it is read, whose stored form is `stored`. Checks every bound, so what it returns can
/// be read everywhere without error, whatever the bytes are. The error says what is wrong.
pub(crate) fn decode(stored: &[u8]) -> Result<SharedBlock, &'static str> {
    let parts = Parts::read(stored)?;
    let trailers = parts.trailers()?;
    let header = parts.header;
    let mut out = Vec::with_capacity(header.rows() + parts.rows);
    header.put(&mut out);
    out.extend_from_slice(parts.common);
    out.resize(header.rows(), 0);
    let mut user_key = parts.common.to_vec();
    let mut print_at = header.fingerprints();
    let mut offset_at = header.offsets();
    let mut digest_at = header.digests();
    for (entry, trailer) in parts.entries().zip(trailers) {
        let (suffix, entry) = entry.ok_or("a block with a malformed row")?;
        user_key.truncate(parts.common.len());
        user_key.extend_from_slice(suffix);
        let offset = ((out.len() - header.rows()) as u64).to_le_bytes();
        set(&mut out, print_at, &fingerprint(key::hash(&user_key)).to_le_bytes());
        set(&mut out, offset_at, offset.get(..header.width.bytes()).unwrap_or_default());
        set(&mut out, digest_at, &digest(suffix).to_be_bytes());
        print_at += FINGERPRINT_BYTES;
        offset_at += header.width.bytes();
        digest_at += DIGEST_BYTES;
        out.extend_from_slice(&trailer.to_le_bytes());
        put_varint(&mut out, suffix.len() as u64);
        out.extend_from_slice(entry);
    }
    Ok(ThinArc::from_header_and_slice(header, &out))
}

/// Writes `bytes` over those at `at`, which lie in the columns.
#[inline]
fn set(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// A stored block taken apart. Invariant: there are `count` of everything, every key is short enough, and the entries end
/// where the bytes end.
struct Parts<'a> {
    /// Of the form in which it is read.
    header: Header,
    /// Bytes of the rows in that form.
    rows: usize,
    common: &'a [u8],
    suffix_lengths: Reader<'a>,
    value_lengths: Reader<'a>,
    kinds: &'a [u8],
    first: SeqNo,
    steps: &'a [u8],
    entries: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(stored: &'a [u8]) -> Result<Self, &'static str> {
        let short = "a block that ends early";
        let mut reader = Reader::new(stored);
        let count = reader.varint().ok_or(short)?;
        if count == 0 {
            return Err("a block without entries");
        }
        // Each entry has at least a kind.
        let count = u32::try_from(count).ok().filter(|count| *count as usize <= stored.len()).ok_or(short)?;
        let common = reader.bytes().ok_or(short)?;
        let longest = MAX_KEY_BYTES.checked_sub(common.len()).ok_or("a block whose keys are too long")?;
        let suffix_lengths = reader;
        let suffixes = Lengths::read(&mut reader, count, longest).ok_or("a block whose keys are too long")?;
        let value_lengths = reader;
        let values = Lengths::read(&mut reader, count, stored.len()).ok_or(short)?;
        let kinds = reader.take(count as usize).ok_or(short)?;
        let first = reader.varint().ok_or(short)?;
        let width = reader.u8().map(usize::from).ok_or(short)?;
        if width > MAX_STEP_BYTES {
            return Err("a block with seqnos of impossible width");
        }
        let steps = reader.take(width * count as usize).ok_or(short)?;
        let entries = reader.rest();
        if suffixes.sum.checked_add(values.sum) != Some(entries.len()) {
            return Err("a block whose entries do not add up");
        }
        let rows = count as usize * TRAILER_BYTES + suffixes.varints + entries.len();
        let last = TRAILER_BYTES + varint_len(suffixes.last as u64) + suffixes.last + values.last;
        let width = OffsetWidth::for_offset(rows - last);
        let header = Header { width, count, common: common.len() as u32, whole: false };
        Ok(Self { header, rows, common, suffix_lengths, value_lengths, kinds, first, steps, entries })
    }

    /// The trailer of each entry.
    fn trailers(&self) -> Result<Vec<u64>, &'static str> {
        let mut trailers = vec![0; self.kinds.len()];
        for (at, plane) in self.steps.chunks_exact(self.kinds.len()).enumerate() {
            for (step, byte) in trailers.iter_mut().zip(plane) {
                *step |= u64::from(*byte) << (8 * at);
            }
        }
        let mut seqno = self.first;
        for (trailer, kind) in trailers.iter_mut().zip(self.kinds) {
            seqno = seqno.wrapping_add(unzigzag(*trailer));
            if seqno > MAX_SEQNO {
                return Err("a block with a seqno out of range");
            }
            *trailer = seqno << 8 | u64::from(*kind);
        }
        Ok(trailers)
    }

    /// The suffix of each entry, and suffix and value together.
    fn entries(&self) -> impl Iterator<Item = Option<(&'a [u8], &'a [u8])>> {
        let (mut suffixes, mut values) = (self.suffix_lengths, self.value_lengths);
        let mut entries = Reader::new(self.entries);
        (0..self.header.count).map(move |_| {
            let suffix = suffixes.varint()? as usize;
            let entry = entries.take(suffix + values.varint()? as usize)?;
            Some((entry.get(..suffix)?, entry))
        })
    }
}

/// What a column of lengths adds up to.
#[derive(Default)]
struct Lengths {
    sum: usize,
    last: usize,
    /// Bytes of the lengths themselves, as the rows have them.
    varints: usize,
}

impl Lengths {
    /// Reads `count` lengths of at most `longest`.
    fn read(reader: &mut Reader<'_>, count: u32, longest: usize) -> Option<Self> {
        let mut all = Self::default();
        for _ in 0..count {
            let length = reader.varint().filter(|length| *length <= longest as u64)?;
            all.last = length as usize;
            all.sum = all.sum.checked_add(all.last)?;
            all.varints += varint_len(length);
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests;
