use std::sync::Arc;

use proptest::prelude::*;

use super::super::records::Records;
use super::super::run::Run;
use super::*;

/// Sorts `keys` (version numbers as trailers) both ways and compares.
fn check(keys: &[Vec<u8>]) {
    let records = Arc::new(Records::new(1 << 20));
    let mut inserter = records.write();
    for (i, key) in keys.iter().enumerate() {
        inserter.insert(crate::key::hash(key), (i as u64 + 1) << 8, key, b"");
    }
    drop(inserter);
    let run = Run::sorted(&records, 0, keys.len(), &Arc::default());
    let mut expected: Vec<_> = keys.iter().zip(1u64..).map(|(key, i)| (key.as_slice(), i << 8)).collect();
    expected.sort_by(|a, b| crate::key::compare(a.0, a.1, b.0, b.1));
    let prefix = common_prefix(keys.iter().map(Vec::as_slice), 0);
    assert_eq!(run.len(), keys.len());
    for (i, (key, trailer)) in expected.into_iter().enumerate() {
        let record = run.get(i).unwrap();
        assert_eq!((record.key(), record.trailer()), (key, trailer));
        assert_eq!(run.digest(i), digest(key, prefix));
    }
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(0u8), Just(b'a'), Just(0xff)];
    prop_oneof![
        proptest::collection::vec(byte.clone(), 0..4),
        proptest::collection::vec(byte.clone(), 6..20),
        proptest::collection::vec(byte, 0..12).prop_map(|end| [b"user:0000".as_slice(), &end].concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 200 }))]

    #[test]
    fn sorts_like_comparing_whole_keys(keys in proptest::collection::vec(key(), 1..150)) {
        check(&keys);
    }

    #[test]
    fn digests_never_contradict_keys(a in key(), b in key()) {
        let skip = common(&a, &b);
        let (x, y) = (digest(&a, skip), digest(&b, skip));
        prop_assert!(x == y || x.cmp(&y) == a.cmp(&b));
    }
}

#[test]
fn keys_that_only_differ_far_behind_are_sorted() {
    let keys: Vec<Vec<u8>> =
        (0..500u32).rev().map(|i| format!("{}{:08}{}", "x".repeat(40), i / 100, i).into_bytes()).collect();
    check(&keys);
}

#[test]
fn each_key_a_prefix_of_the_next_is_no_deep_recursion() {
    let count = if cfg!(miri) { 40 } else { 600 };
    check(&(0..count).map(|i| vec![0; i * 7 % count * 8]).collect::<Vec<_>>());
}

#[test]
fn versions_of_one_key_are_newest_first() {
    check(&vec![b"counter".to_vec(); 200]);
}
