//! The first bytes of a data block, and where its parts begin.

use crate::codec::Reader;
use crate::key::MAX_KEY_BYTES;

/// Bytes before the common prefix.
pub(super) const FIXED_BYTES: usize = 12;
/// Bytes of a row besides its suffix, the suffix's length and the value.
pub(super) const TRAILER_BYTES: usize = 8;
/// Bytes of one fingerprint.
pub(super) const FINGERPRINT_BYTES: usize = 2;
/// Bytes of one entry of the key-prefix column.
pub(super) const DIGEST_BYTES: usize = 8;

/// How many bytes a row offset takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OffsetWidth {
    Two,
    Four,
    Eight,
}

impl OffsetWidth {
    /// The smallest width that holds `offset`.
    pub(super) fn for_offset(offset: usize) -> Self {
        match offset {
            0..=0xffff => Self::Two,
            0x1_0000..=0xffff_ffff => Self::Four,
            _ => Self::Eight,
        }
    }

    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// The flag byte of a block with this width; all other bits are reserved and zero.
    pub(super) const fn flags(self) -> u8 {
        match self {
            Self::Two => 1,
            Self::Four => 2,
            Self::Eight => 3,
        }
    }

    fn from_flags(flags: u8) -> Option<Self> {
        match flags {
            1 => Some(Self::Two),
            2 => Some(Self::Four),
            3 => Some(Self::Eight),
            _ => None,
        }
    }
}

/// What the header says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(super) width: OffsetWidth,
    pub(super) count: u32,
    /// Bytes of the common prefix.
    pub(super) common: u32,
}

impl Header {
    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.width.flags(), 0, 0, 0]);
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.common.to_le_bytes());
    }

    /// Reads and checks a header; says what is wrong with it. After this, all parts before the rows are inside
    /// `data`.
    pub(super) fn read(data: &[u8]) -> Result<Self, &'static str> {
        let mut reader = Reader::new(data);
        let mut fields = || Some((reader.array::<4>()?, reader.u32()?, reader.u32()?));
        let (flags, count, common) = fields().ok_or("a block shorter than its header")?;
        let width = match flags {
            [flags, 0, 0, 0] => OffsetWidth::from_flags(flags),
            _ => None,
        };
        let header = Self { width: width.ok_or("a block with unknown flags")?, count, common };
        if count == 0 {
            return Err("a block without entries");
        }
        if common as usize > MAX_KEY_BYTES {
            return Err("a block whose keys are too long");
        }
        let parts = FINGERPRINT_BYTES + header.width.bytes() + DIGEST_BYTES;
        let rows = FIXED_BYTES as u64 + u64::from(common) + u64::from(count) * parts as u64;
        if rows > data.len() as u64 {
            return Err("a block shorter than its columns");
        }
        Ok(header)
    }

    #[inline]
    pub(super) fn fingerprints(self) -> usize {
        FIXED_BYTES + self.common as usize
    }

    #[inline]
    pub(super) fn offsets(self) -> usize {
        self.fingerprints() + self.count as usize * FINGERPRINT_BYTES
    }

    #[inline]
    pub(super) fn digests(self) -> usize {
        self.offsets() + self.count as usize * self.width.bytes()
    }

    #[inline]
    pub(super) fn rows(self) -> usize {
        self.digests() + self.count as usize * DIGEST_BYTES
    }
}
