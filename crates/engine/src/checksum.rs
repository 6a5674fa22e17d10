//! The one checksum: XXH3, 64 bit, seeded with the place the bytes belong to, so that bytes in the wrong
//! file or at the wrong offset fail like damaged ones.

use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

/// The seed that binds bytes to a file number and an offset in it.
#[inline]
pub const fn place(file_number: u64, offset: u64) -> u64 {
    file_number.rotate_left(40) ^ offset ^ 0x6d6f_7373_6b76_3031
}

/// The checksum of `bytes` under `seed`.
#[inline]
pub fn checksum(seed: u64, bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, seed)
}

/// A checksum fed piece by piece; equal to [`checksum`] over the concatenation.
pub struct Running(Xxh3);

impl Running {
    /// Nothing so far, under `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Xxh3::with_seed(seed))
    }

    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far.
    pub fn finish(&self) -> u64 {
        self.0.digest()
    }
}
