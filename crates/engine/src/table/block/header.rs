//! The first bytes of a data block, and where its parts begin.

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
}

/// What the header says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(super) width: OffsetWidth,
    pub(super) count: u32,
    /// Bytes of the common prefix.
    pub(super) common: u32,
    /// Whether rows have the whole key instead of its suffix.
    pub(super) whole: bool,
}

impl Header {
    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.width.flags(), 0, 0, 0]);
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.common.to_le_bytes());
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
