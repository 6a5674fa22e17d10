use super::*;
use crate::key::hash;

fn hashes(range: std::ops::Range<u32>) -> Vec<u64> {
    range.map(|n| hash(format!("user:{n:012}").as_bytes())).collect()
}

#[test]
fn every_added_key_passes_before_and_after_storing() {
    for (count, bits) in [(1, 1), (1, 10), (1000, 3), (20_000, 10)] {
        let keys = hashes(0..count);
        let built = Filter::build(&keys, bits);
        let mut bytes = Vec::new();
        built.encode(&mut bytes);
        assert_eq!(bytes.len(), built.memory());
        let read = Filter::decode(&bytes).unwrap();
        assert!(keys.iter().all(|&h| built.may_contain(h) && read.may_contain(h)));
    }
}

#[test]
fn ten_bits_a_key_let_about_one_percent_of_other_keys_pass() {
    let filter = Filter::build(&hashes(0..50_000), 10);
    let passed = hashes(50_000..100_000).iter().filter(|&&h| filter.may_contain(h)).count();
    assert!(passed < 900, "{passed} of 50,000 passed");
}

#[test]
fn impossible_sizes_are_refused() {
    assert!(Filter::decode(&[]).is_none());
    assert!(Filter::decode(&[0; 33]).is_none());
    assert!(!Filter::decode(&[0; 64]).unwrap().may_contain(7));
}
