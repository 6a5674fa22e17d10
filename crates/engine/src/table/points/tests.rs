use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn what_was_added_is_found_and_little_else(
        hashes in prop::collection::hash_set(any::<u64>(), 1..2_000),
        others in prop::collection::vec(any::<u64>(), 200),
    ) {
        let mut points = Points::new(hashes.len()).unwrap();
        for (at, hash) in hashes.iter().enumerate() {
            prop_assert!(points.add(*hash, at * 10, 10));
        }
        let mut first = 0;
        for (at, hash) in hashes.iter().enumerate() {
            match points.find(*hash) {
                Pointed::At { start, end } => {
                    prop_assert_eq!(end, start + 10);
                    first += usize::from(start == at * 10);
                }
                other => prop_assert!(false, "a key that was added is {:?}", other),
            }
        }
        // Two keys of one print in one bucket: one of them is found the long way.
        prop_assert!(first * 100 >= hashes.len() * 98, "{} of {}", first, hashes.len());
        let misled = others.iter().filter(|hash| !hashes.contains(hash) && points.find(**hash) != Pointed::Nowhere);
        prop_assert!(misled.count() <= 4);
    }

    #[test]
    fn buckets_that_are_full_spill_into_the_next(keys in 1..200u64) {
        let mut points = Points::new(keys as usize).unwrap();
        // All of one bucket, the last.
        let hash = |key: u64| u64::MAX << 32 | key;
        for key in 0..keys {
            prop_assert!(points.add(hash(key), key as usize, 1));
        }
        for key in 0..keys {
            prop_assert_eq!(points.find(hash(key)), Pointed::At { start: key as usize, end: key as usize + 1 });
        }
        prop_assert_eq!(points.find(hash(keys)), Pointed::Nowhere);
    }
}

#[test]
fn long_rows_and_far_ones_are_not_pointed_at() {
    let mut points = Points::new(10).unwrap();
    assert!(points.add(1, 0, LONG - 1));
    assert!(points.add(2, 0, LONG));
    assert!(points.add(3, 0, 10 << 20));
    assert_eq!(points.find(1), Pointed::At { start: 0, end: LONG - 1 });
    assert_eq!(points.find(2), Pointed::Somewhere);
    assert_eq!(points.find(3), Pointed::Somewhere);
    assert!(!points.add(4, 1 << 32, 10));
}
