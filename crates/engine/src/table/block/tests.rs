use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::key::{Kind, hash, trailer};

type Model = BTreeMap<(Vec<u8>, std::cmp::Reverse<u64>), Vec<u8>>;

fn build(model: &Model) -> SharedBlock {
    let mut builder = BlockBuilder::default();
    for ((key, trailer), value) in model {
        let expected = builder.size_with(key, value);
        builder.add(key, trailer.0, value);
        assert_eq!(builder.size(), expected);
    }
    let size = builder.size();
    let mut stored = Vec::new();
    builder.finish(&mut stored);
    assert!(builder.is_empty());
    let block = decode(&stored).unwrap();
    assert!(block.slice.len() <= size, "{} > {size}", block.slice.len());
    block
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(0u8..3, 0..4),
        "user:00000000[0-9]{1,3}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..20),
    ]
}

fn models() -> impl Strategy<Value = Model> {
    let versions = prop::collection::btree_set(1u64..50, 1..6);
    let values = prop_oneof![9 => 0usize..40, 1 => 0usize..70_000];
    prop::collection::vec((keys(), versions, values), 1..60).prop_map(|entries| {
        let mut model = Model::new();
        for (key, versions, value) in entries {
            for seqno in versions {
                let value = vec![seqno as u8; value];
                model.insert((key.clone(), std::cmp::Reverse(trailer(seqno, Kind::Set))), value);
            }
        }
        model
    })
}

/// What a block must answer to a lookup.
fn expected<'a>(model: &'a Model, key: &[u8], snapshot: u64) -> Option<(u64, &'a [u8])> {
    let from = (key.to_vec(), std::cmp::Reverse(key::seek_trailer(snapshot)));
    let ((found, trailer), value) = model.range(from..).next()?;
    (found == key).then_some((trailer.0, value.as_slice()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_block_answers_like_a_sorted_map(model in models(), others in prop::collection::vec(keys(), 1..20)) {
        let block = build(&model);
        let block = Block::of(&block);
        prop_assert_eq!(block.len(), model.len());
        let known = model.keys().map(|(key, _)| key.clone());
        for key in known.chain(others) {
            for snapshot in [0, 1, 7, 25, 50, key::MAX_SEQNO] {
                prop_assert_eq!(block.get(&key, hash(&key), snapshot), expected(&model, &key, snapshot));
                let trailer = key::seek_trailer(snapshot);
                let before = model.range(..(key.clone(), std::cmp::Reverse(trailer))).count();
                prop_assert_eq!(block.lower_bound(&key, trailer), before);
            }
        }
        let mut entries = Vec::new();
        block.check(|key, trailer, value| entries.push((key.to_vec(), trailer, value.to_vec()))).unwrap();
        let all: Vec<_> = model.into_iter().map(|((key, trailer), value)| (key, trailer.0, value)).collect();
        prop_assert_eq!(entries, all);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_block_with_whole_keys_answers_alike(model in models(), others in prop::collection::vec(keys(), 1..20)) {
        let narrow = build(&model);
        let narrow = Block::of(&narrow);
        // Behind other bytes.
        let mut bytes = vec![7; 5];
        let header = narrow.widen(&mut bytes).unwrap();
        let wide = Block::again(&bytes[5..], header);
        prop_assert_eq!(wide.len(), narrow.len());
        prop_assert_eq!(wide.common_prefix(), narrow.common_prefix());
        for at in 0..=narrow.len() {
            prop_assert_eq!(wide.row(at), narrow.row(at));
        }
        for (at, (key, trailer)) in model.keys().enumerate() {
            let row = Row::read(&wide.bytes()[wide.place(at).unwrap()]).unwrap();
            prop_assert_eq!((row.suffix, row.trailer), (&key[..], trailer.0));
        }
        let known = model.keys().map(|(key, _)| key.clone());
        for key in known.chain(others) {
            let hash = hash(&key);
            for snapshot in [0, 1, 7, 25, 50, key::MAX_SEQNO] {
                prop_assert_eq!(wide.get(&key, hash, snapshot), narrow.get(&key, hash, snapshot));
                let trailer = key::seek_trailer(snapshot);
                prop_assert_eq!(wide.lower_bound(&key, trailer), narrow.lower_bound(&key, trailer));
            }
            prop_assert_eq!(wide.candidate(hash).is_some(), narrow.candidate(hash).is_some());
        }
        let entries = |block: Block<'_>| {
            let mut entries = Vec::new();
            block.check(|key, trailer, value| entries.push((key.to_vec(), trailer, value.to_vec()))).unwrap();
            entries
        };
        prop_assert_eq!(entries(wide), entries(narrow));
        prop_assert!(wide.widen(&mut Vec::new()).is_none());
    }
}

#[test]
fn offsets_widen_with_the_block() {
    for (bytes, flags) in [(10usize, 1u8), (40_000, 2)] {
        let model = (0u8..3).map(|k| ((vec![k], std::cmp::Reverse(256)), vec![k; bytes])).collect();
        let block = build(&model);
        let block = Block::of(&block);
        assert_eq!(block.bytes()[0], flags);
        assert_eq!(block.get(&[2], hash(&[2]), 9), Some((256, vec![2; bytes].as_slice())));
    }
}

#[test]
fn whole_keys_may_need_wider_offsets() {
    let key = |n: u8| [vec![b'p'; 1000], vec![n]].concat();
    let model = (0..100).map(|n| ((key(n), std::cmp::Reverse(256)), vec![n])).collect();
    let narrow = build(&model);
    let narrow = Block::of(&narrow);
    let mut bytes = Vec::new();
    let header = narrow.widen(&mut bytes).unwrap();
    let wide = Block::again(&bytes, header);
    assert_eq!((narrow.bytes()[0], wide.bytes()[0]), (1, 2));
    for n in 0..100 {
        assert_eq!(wide.get(&key(n), hash(&key(n)), 9), Some((256, &[n][..])));
        assert_eq!(wide.lower_bound(&key(n), u64::MAX), usize::from(n));
    }
}

#[test]
fn ten_thousand_versions_of_a_key_are_searched_not_scanned() {
    let model = (1..=10_000u64)
        .map(|s| ((b"k".to_vec(), std::cmp::Reverse(trailer(s, Kind::Set))), vec![]))
        .collect();
    let block = build(&model);
    let block = Block::of(&block);
    for snapshot in [1, 2, 5_000, 9_999, 10_000, 20_000] {
        let found = block.get(b"k", hash(b"k"), snapshot).unwrap();
        assert_eq!(key::seqno_of(found.0), snapshot.min(10_000));
    }
    assert_eq!(block.get(b"k", hash(b"k"), 0), None);
}

#[test]
fn fingerprints_are_found_in_every_position() {
    for count in [1usize, 15, 16, 17, 32, 63] {
        for at in 0..count {
            let mut prints = vec![0u8; count * 2];
            prints[at * 2..at * 2 + 2].copy_from_slice(&0xabcdu16.to_le_bytes());
            for from in 0..=at {
                assert_eq!(find(&prints, from, 0xabcd), Some(at));
            }
            assert_eq!(find(&prints, at + 1, 0xabcd), None);
        }
    }
}
