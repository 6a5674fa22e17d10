//! The bytes of log files: the file header and the frame header. Pure functions.
//!
//! All integers are little endian. `^` marks what the checksum behind it covers; checksums are XXH3-64, seeded with
//! [`place`]`(file number, offset in the file)`.
//!
//! ```text
//! file header, 64 bytes, the same in every version of the format
//!  0        8         12         16            24                   32                 40         56
//!  +--------+---------+----------+-------------+--------------------+------------------+----------+----------+
//!  | magic  | version | features | file number | predecessor number | predecessor size | zero, 16 | checksum |
//!  +--------+---------+----------+-------------+--------------------+------------------+----------+----------+
//!  ^----------------------------------------------------------------------------------------------^ seed offset 0
//!
//! frame header, 48 bytes, at offset o of the file
//!  0        4       8             16      24             32                 40
//!  +--------+-------+-------------+-------+--------------+------------------+-----------------+---------+
//!  | length | count | file number | first | synced below | payload checksum | header checksum | payload |
//!  +--------+-------+-------------+-------+--------------+------------------+-----------------+---------+
//!  ^--------------------------------------------------------------------------^ seed offset o            |
//!                                                                               seed offset o + 48 ^----^
//! ```
//!
//! The length is not believed before the header checksum, and the file number is in the header and in every seed:
//! a frame left over from an older log in the same blocks (a recycled file) is no frame of this log.

#![deny(clippy::indexing_slicing)]

use crate::checksum::{checksum, place};
use crate::codec::Reader;
use crate::error::{Error, ErrorKind, Result};

/// Bytes of the file header.
pub const FILE_HEADER_BYTES: usize = 64;
/// Bytes of a frame's header.
pub const FRAME_HEADER_BYTES: usize = 48;
/// The first 8 bytes of a write-ahead log.
pub const WAL_MAGIC: [u8; 8] = *b"MossWAL\n";
/// The first 8 bytes of a manifest.
pub const MANIFEST_MAGIC: [u8; 8] = *b"MossMAN\n";
/// The version of the format this code writes, and the newest it reads.
pub const FORMAT_VERSION: u32 = 1;

const FILE_CHECKSUM_AT: usize = FILE_HEADER_BYTES - 8;
const FRAME_CHECKSUM_AT: usize = FRAME_HEADER_BYTES - 8;

/// What a file header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileHeader {
    /// [`WAL_MAGIC`] or [`MANIFEST_MAGIC`].
    pub magic: [u8; 8],
    /// The number in the file's name.
    pub number: u64,
    /// The log before this one and how many of its bytes count; `None` for the first, and for manifests.
    pub predecessor: Option<(u64, u64)>,
}

impl FileHeader {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; FILE_HEADER_BYTES] {
        let (number, size) = self.predecessor.unwrap_or_default();
        let mut out = Fields::new();
        out.put(self.magic);
        out.put(FORMAT_VERSION.to_le_bytes());
        out.put(0u32.to_le_bytes());
        for field in [self.number, number, size, 0, 0] {
            out.put(field.to_le_bytes());
        }
        out.seal(place(self.number, 0))
    }

    /// The header in `bytes`, the start of the file `name` with this number; `None` when it is not one. A header
    /// of a newer format, or with a feature unknown here, is `UnsupportedFormat`.
    pub fn decode(bytes: &[u8], magic: [u8; 8], number: u64, name: &str) -> Result<Option<Self>> {
        let Some((mut fields, stored)) = split(bytes, FILE_CHECKSUM_AT) else { return Ok(None) };
        if fields.rest().get(..magic.len()) != Some(&magic)
            || stored != checksum(place(number, 0), fields.rest())
        {
            return Ok(None);
        }
        let read = (|| {
            fields.take(magic.len())?;
            Some((fields.u32()?, fields.u32()?, fields.u64()?, fields.u64()?, fields.u64()?))
        })();
        let Some((version, features, stated, before, size)) = read else { return Ok(None) };
        if version != FORMAT_VERSION || features != 0 {
            return Err(Error::new(
                ErrorKind::UnsupportedFormat,
                format!(
                    "{name} is of format {version} with features {features:#x}, this version reads format \
                     {FORMAT_VERSION} without features: open it with the version that wrote it, or a newer one"
                ),
            ));
        }
        let predecessor = (before != 0).then_some((before, size));
        Ok((stated == number).then_some(Self { magic, number, predecessor }))
    }
}

/// What a frame header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Bytes of payload behind the header.
    pub length: u32,
    /// Operations in the payload; 0 for a frame that only carries `synced`.
    pub count: u32,
    /// The number of the file the frame was written to.
    pub number: u64,
    /// The sequence number of the first operation; in a manifest, the number of the edit.
    pub first: u64,
    /// The file was known synced below this offset when the frame was written.
    pub synced: u64,
    /// The checksum of the payload.
    pub payload_checksum: u64,
}

impl FrameHeader {
    /// The header's bytes, for a frame at `offset`.
    pub fn encode(&self, offset: u64) -> [u8; FRAME_HEADER_BYTES] {
        let mut out = Fields::new();
        out.put(self.length.to_le_bytes());
        out.put(self.count.to_le_bytes());
        for field in [self.number, self.first, self.synced, self.payload_checksum] {
            out.put(field.to_le_bytes());
        }
        out.seal(place(self.number, offset))
    }

    /// The header at the start of `bytes`, which are at `offset` of file `number`; `None` when none was written
    /// there to that file.
    #[inline]
    pub fn decode(bytes: &[u8], number: u64, offset: u64) -> Option<Self> {
        let (mut fields, stored) = split(bytes, FRAME_CHECKSUM_AT)?;
        let covered = fields.rest();
        let header = Self {
            length: fields.u32()?,
            count: fields.u32()?,
            number: fields.u64()?,
            first: fields.u64()?,
            synced: fields.u64()?,
            payload_checksum: fields.u64()?,
        };
        (header.number == number && stored == checksum(place(number, offset), covered)).then_some(header)
    }

    /// The offset behind the frame that starts at `offset`.
    pub fn end(&self, offset: u64) -> u64 {
        offset.saturating_add(FRAME_HEADER_BYTES as u64 + u64::from(self.length))
    }
}

/// The checksum of the payload of the frame at `offset`.
#[inline]
pub fn payload_checksum(number: u64, offset: u64, payload: &[u8]) -> u64 {
    checksum(payload_place(number, offset), payload)
}

/// The seed of that checksum.
#[inline]
pub const fn payload_place(number: u64, offset: u64) -> u64 {
    place(number, offset + FRAME_HEADER_BYTES as u64)
}

/// A header of `N` bytes in the making: fields from the front, their checksum in the last 8 bytes.
struct Fields<const N: usize> {
    bytes: [u8; N],
    used: usize,
}

impl<const N: usize> Fields<N> {
    fn new() -> Self {
        Self { bytes: [0; N], used: 0 }
    }

    fn put<const M: usize>(&mut self, field: [u8; M]) {
        for (to, from) in self.bytes.iter_mut().skip(self.used).zip(field) {
            *to = from;
        }
        self.used += M;
    }

    fn seal(mut self, seed: u64) -> [u8; N] {
        let sum = checksum(seed, self.bytes.get(..self.used).unwrap_or_default());
        self.put(sum.to_le_bytes());
        self.bytes
    }
}

/// A reader over the first `length` bytes and the checksum stored behind them.
#[inline]
fn split(bytes: &[u8], length: usize) -> Option<(Reader<'_>, u64)> {
    let mut all = Reader::new(bytes);
    let fields = all.take(length)?;
    Some((Reader::new(fields), all.u64()?))
}

#[cfg(test)]
mod tests;
