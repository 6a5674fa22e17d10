use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn varints_round_trip(value: u64) {
        let mut out = Vec::new();
        put_varint(&mut out, value);
        prop_assert_eq!(out.len(), varint_len(value));
        prop_assert_eq!(Reader::new(&out).varint(), Some(value));
    }

    #[test]
    fn reading_never_passes_the_end(bytes: Vec<u8>, length: usize) {
        let mut reader = Reader::new(&bytes);
        while reader.varint().is_some() {}
        prop_assert!(reader.position() <= bytes.len());
        prop_assert_eq!(Reader::new(&bytes).take(length).is_some(), length <= bytes.len());
    }
}

#[test]
fn a_varint_of_more_than_64_bits_is_refused() {
    assert_eq!(Reader::new(&[0xff; 10]).varint(), None);
    assert_eq!(Reader::new(&[0x80; 11]).varint(), None);
}
