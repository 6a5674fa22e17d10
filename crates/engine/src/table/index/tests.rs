use proptest::prelude::*;

use super::*;

fn build(separators: &[Vec<u8>]) -> (Vec<u8>, u64) {
    let mut builder = IndexBuilder::default();
    for (at, separator) in separators.iter().enumerate() {
        builder.add(separator, at as u64 + 1);
    }
    (builder.encode(), (1..=separators.len() as u64).sum())
}

proptest! {
    #[test]
    fn a_key_is_found_in_the_last_block_whose_separator_is_not_greater(
        prefix in "[ab]{0,9}",
        tails in prop::collection::btree_set("[ab\0]{0,12}", 1..60),
        probes in prop::collection::vec("[ab\0]{0,20}", 1..40),
    ) {
        let separators: Vec<Vec<u8>> = tails.iter().map(|t| format!("{prefix}{t}").into_bytes()).collect();
        let (bytes, data) = build(&separators);
        let index = Index::decode(&bytes, data).unwrap();
        prop_assert_eq!(index.len(), separators.len());
        let mut offset = 0;
        for (at, separator) in separators.iter().enumerate() {
            let whole = [&*index.common, index.tail(at).unwrap()].concat();
            prop_assert_eq!(&whole, separator);
            prop_assert_eq!(index.block(at), Some((offset, at as u64 + 1)));
            offset += at as u64 + 1;
        }
        let own = separators.iter().map(|s| s.to_vec());
        let near = probes.iter().flat_map(|p| [p.clone().into_bytes(), format!("{prefix}{p}").into_bytes()]);
        for key in own.chain(near) {
            let expected = separators.partition_point(|s| *s <= key).checked_sub(1);
            prop_assert_eq!(index.find(&key), expected, "key {:?}", key);
        }
    }

    #[test]
    fn hostile_bytes_are_refused_or_searchable(bytes: Vec<u8>, data: u64, key: Vec<u8>) {
        if let Ok(index) = Index::decode(&bytes, data) {
            prop_assert!(index.find(&key).is_none_or(|at| at < index.len()));
        }
    }

    #[test]
    fn the_separator_separates(a: Vec<u8>, b: Vec<u8>) {
        prop_assume!(a != b);
        let (last, first) = if a < b { (a, b) } else { (b, a) };
        let between = separator(&last, &first);
        prop_assert!(last.as_slice() < between && between <= first.as_slice());
    }
}

#[test]
fn an_index_that_does_not_tile_the_data_is_refused() {
    let separators = [b"a".to_vec(), b"b".to_vec(), b"c".to_vec()];
    let (bytes, data) = build(&separators);
    assert!(Index::decode(&bytes, data).is_ok());
    for wrong in [data - 1, data + 1, 0, u64::MAX] {
        assert!(Index::decode(&bytes, wrong).is_err());
    }
    for end in 0..bytes.len() {
        assert!(Index::decode(&bytes[..end], data).is_err());
    }
    let (unordered, data) = build(&[b"b".to_vec(), b"a".to_vec()]);
    assert!(Index::decode(&unordered, data).is_err());
}
