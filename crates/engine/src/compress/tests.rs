use proptest::prelude::*;

use super::*;

const SETTINGS: [Compression; 3] = [Compression::None, Compression::Lz4, Compression::Zstd(3)];

fn store(setting: Compression, raw: &[u8]) -> (u8, Vec<u8>) {
    let mut out = b"before".to_vec();
    let codec = Compressor::new(setting).unwrap().compress(raw, &mut out);
    (codec, out.split_off(6))
}

proptest! {
    #[test]
    fn blocks_round_trip(words in prop::collection::vec(0u8..4, 0..5000), noise: Vec<u8>) {
        let raw = [words, noise].concat();
        for setting in SETTINGS {
            let (codec, stored) = store(setting, &raw);
            prop_assert!(stored.len() <= raw.len());
            prop_assert_eq!(decompress(codec, stored.into()).unwrap(), &raw[..]);
        }
    }

    #[test]
    fn hostile_bytes_are_an_error_or_bytes(codec in 0u8..4, stored: Vec<u8>) {
        let _ = decompress(codec, stored.into());
    }
}

#[test]
fn a_block_that_saves_less_than_an_eighth_is_stored_raw() {
    let mut state = 1u64;
    let mut raw: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    })
    .take(8192)
    .collect();
    assert_eq!(store(Compression::Lz4, &raw).0, RAW);
    assert_eq!(store(Compression::Zstd(1), &raw).0, RAW);
    raw[..2048].fill(0);
    assert_eq!(store(Compression::Lz4, &raw).0, LZ4);
    assert_eq!(store(Compression::Zstd(1), &raw).0, ZSTD);
}

#[test]
fn hostile_lengths_allocate_nothing() {
    for codec in [LZ4, ZSTD] {
        for length in [u32::MAX, (MAX_COMPRESSED_INPUT + 1) as u32] {
            let stored = [&length.to_le_bytes()[..], &[0; 20]].concat();
            assert_eq!(decompress(codec, stored.into()).unwrap_err(), ErrorKind::Corruption);
        }
    }
    let (codec, mut stored) = store(Compression::Zstd(1), &[7; 4000]);
    stored[0] += 1;
    assert_eq!(decompress(codec, stored.into()).unwrap_err(), ErrorKind::Corruption);
    assert_eq!(decompress(9, vec![0; 9].into()).unwrap_err(), ErrorKind::UnsupportedFormat);
}
