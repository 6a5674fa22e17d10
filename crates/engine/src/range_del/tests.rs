use proptest::prelude::*;

use super::*;

fn tombstone(start: &[u8], end: &[u8], seqno: SeqNo) -> RangeTombstone {
    RangeTombstone { start: start.into(), end: end.into(), seqno }
}

#[test]
fn overlapping_tombstones_are_cut_at_each_edge() {
    let set = RangeDels::new(vec![tombstone(b"a", b"f", 9), tombstone(b"c", b"h", 4)]);
    let fragments: Vec<_> = set.fragments().map(|f| (f.start, f.end, f.seqnos)).collect();
    let expected: [(&[u8], &[u8], &[u64]); 3] =
        [(b"a", b"c", &[9]), (b"c", b"f", &[9, 4]), (b"f", b"h", &[4])];
    assert_eq!(fragments, expected);
    assert_eq!(set.len(), 4);
}

#[test]
fn empty_ranges_vanish_and_pieces_of_one_tombstone_join_again() {
    assert!(RangeDels::new(vec![tombstone(b"b", b"b", 1), tombstone(b"c", b"a", 2)]).is_empty());
    let set = RangeDels::new(vec![tombstone(b"a", b"c", 5), tombstone(b"c", b"e", 5)]);
    assert_eq!(set.iter().collect::<Vec<_>>(), [tombstone(b"a", b"e", 5)]);
}

#[test]
fn a_snapshot_older_than_the_tombstone_does_not_see_it() {
    let set = RangeDels::new(vec![tombstone(b"a", b"f", 9), tombstone(b"c", b"h", 4)]);
    assert_eq!(set.covering(b"d", 8), 4);
    assert_eq!(set.covering(b"d", 9), 9);
    assert_eq!(set.covering(b"b", 8), 0);
    assert_eq!(set.covering(b"h", 100), 0);
    assert_eq!(set.covering_fragment(b"d", 8), Some((4, &b"c"[..], &b"f"[..])));
    assert_eq!(set.covering_fragment(b"a", 3), None);
}

fn tombstones() -> impl Strategy<Value = Vec<RangeTombstone>> {
    let key = prop::collection::vec(0u8..4, 0..3);
    prop::collection::vec((key.clone(), key, 1u64..12), 0..14)
        .prop_map(|list| list.into_iter().map(|(s, e, n)| tombstone(&s, &e, n)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn agrees_with_looking_at_every_tombstone(
        list in tombstones(),
        keys in prop::collection::vec((prop::collection::vec(0u8..4, 0..4), 0u64..13), 1..20),
        lower in prop::option::of(prop::collection::vec(0u8..4, 0..3)),
        upper in prop::option::of(prop::collection::vec(0u8..4, 0..3)),
    ) {
        let set = RangeDels::new(list.clone());
        prop_assert_eq!(&RangeDels::new(set.iter().collect()), &set);
        prop_assert_eq!(&RangeDels::union([&set, &RangeDels::default()]), &set);
        let spans: Vec<_> = set.fragments().collect();
        prop_assert!(spans.windows(2).all(|w| w[0].end <= w[1].start));
        prop_assert!(spans.iter().all(|f| f.start < f.end && f.seqnos.windows(2).all(|w| w[0] > w[1])));
        let clipped = RangeDels::new(set.clipped(lower.as_deref(), upper.as_deref()));
        for (key, snapshot) in keys {
            let covering = |t: &&RangeTombstone| *t.start <= *key && *key < *t.end && t.seqno <= snapshot;
            let expected = list.iter().filter(covering).map(|t| t.seqno).max().unwrap_or(0);
            prop_assert_eq!(set.covering(&key, snapshot), expected);
            if let Some((seqno, start, end)) = set.covering_fragment(&key, snapshot) {
                prop_assert!(seqno == expected && start <= &key[..] && &key[..] < end);
            }
            let inside = lower.as_ref().is_none_or(|l| *l <= key) && upper.as_ref().is_none_or(|u| key < *u);
            prop_assert_eq!(clipped.covering(&key, snapshot), if inside { expected } else { 0 });
        }
    }
}
