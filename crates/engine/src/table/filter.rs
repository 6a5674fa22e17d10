//! Split-block Bloom filter: one cache-line-sized block a lookup, eight bits in it.
//!
//! From Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters" (2007), in the variant with one bit
//! a 32-bit word that Impala and Parquet use. Immutable once built; any thread may read it.
//!
//! ```text
//! n x block    8 x u32, little endian
//! block        ((hash >> 32) * n) >> 32
//! bit of word i  ((hash as u32) * SALT[i]) >> 27
//! ```

#![deny(clippy::indexing_slicing)]

#[cfg(test)]
mod tests;

/// Bytes of one block.
const BLOCK_BYTES: usize = 32;

/// Odd multipliers, those of the Parquet format.
const SALT: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// Aligned, so that one lookup touches one cache line.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
struct FilterBlock([u32; 8]);

/// A filter in memory: says of a key's hash that the key is surely not there, or may be.
#[derive(Debug)]
pub struct Filter(Vec<FilterBlock>);

impl Filter {
    /// A filter over the [`crate::key::hash`]es of keys. About 1 % of other keys pass at 10 bits a key.
    pub fn build(hashes: &[u64], bits_per_key: u32) -> Self {
        let bits = hashes.len() as u64 * u64::from(bits_per_key);
        let blocks = bits.div_ceil(8 * BLOCK_BYTES as u64).clamp(1, u64::from(u32::MAX));
        let mut filter = Self(vec![FilterBlock::default(); blocks as usize]);
        for &hash in hashes {
            let at = filter.block_of(hash);
            if let Some(FilterBlock(words)) = filter.0.get_mut(at) {
                for (word, bit) in words.iter_mut().zip(bits_of(hash)) {
                    *word |= bit;
                }
            }
        }
        filter
    }

    /// Reads a filter back; `None` when its size is impossible.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
        if blocks.is_empty() || !rest.is_empty() || blocks.len() > u32::MAX as usize {
            return None;
        }
        let block = |bytes: &[u8; BLOCK_BYTES]| {
            let mut words = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
            FilterBlock(std::array::from_fn(|_| words.next().unwrap_or_default()))
        };
        Some(Self(blocks.iter().map(block).collect()))
    }

    /// Appends the filter to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for word in self.0.iter().flat_map(|block| block.0) {
            out.extend_from_slice(&word.to_le_bytes());
        }
    }

    /// Whether a key with this hash may have been added. `false` is certain. One cache line.
    #[inline]
    pub fn may_contain(&self, hash: u64) -> bool {
        let Some(FilterBlock(words)) = self.0.get(self.block_of(hash)) else { return true };
        words.iter().zip(bits_of(hash)).fold(0, |missing, (word, bit)| missing | (!word & bit)) == 0
    }

    /// Bytes of memory it holds.
    pub fn memory(&self) -> usize {
        self.0.len() * BLOCK_BYTES
    }

    #[inline]
    fn block_of(&self, hash: u64) -> usize {
        (((hash >> 32) * self.0.len() as u64) >> 32) as usize
    }
}

#[inline]
fn bits_of(hash: u64) -> [u32; 8] {
    SALT.map(|salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27))
}
