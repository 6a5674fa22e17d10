use proptest::prelude::*;

use super::*;

fn tombstone(start: &[u8], end: &[u8], seqno: SeqNo) -> RangeTombstone {
    RangeTombstone { start: start.into(), end: end.into(), seqno }
}

#[test]
fn of_each_stripe_the_newest_stay_joined_and_cut_at_the_edges_of_newer_ones() {
    let list = [
        tombstone(b"b", b"c", 9),
        tombstone(b"a", b"f", 7),
        tombstone(b"c", b"h", 4),
        tombstone(b"d", b"e", 2),
    ];
    let set = RangeDels::new(list.to_vec());
    assert_eq!(set.iter().collect::<Vec<_>>(), list);
    let one = set.newest_of_each_stripe(|_| 0);
    let [ab, bc, cf, fh] = [(b"a", b"b", 7), (b"b", b"c", 9), (b"c", b"f", 7), (b"f", b"h", 4)]
        .map(|(s, e, n)| tombstone(s, e, n));
    assert_eq!(one, [ab, bc, cf, fh]);
    let two = set.newest_of_each_stripe(|seqno| usize::from(seqno > 5));
    assert_eq!(two[..3], one[..3]);
    assert_eq!(two[3..], [tombstone(b"c", b"h", 4)]);
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
    assert_eq!(set.covering_range(b"d", 8), Some((4, &b"c"[..], &b"h"[..])));
    assert_eq!(set.covering_range(b"a", 3), None);
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
        prop_assert_eq!(set.newest(), list.iter().filter(|t| t.start < t.end).map(|t| t.seqno).max().unwrap_or(0));
        let clipped = RangeDels::new(set.clipped(lower.as_deref(), upper.as_deref()));
        for (key, snapshot) in keys {
            let covering = |t: &&RangeTombstone| *t.start <= *key && *key < *t.end && t.seqno <= snapshot;
            let expected = list.iter().filter(covering).map(|t| t.seqno).max().unwrap_or(0);
            prop_assert_eq!(set.covering(&key, snapshot), expected);
            match set.covering_range(&key, snapshot) {
                Some((seqno, start, end)) => {
                    prop_assert!(seqno == expected && start <= &key[..] && &key[..] < end);
                    // All of it is covered, as a reader that skips it relies on.
                    let inside = list.iter().flat_map(|t| [&t.start, &t.end]).filter(|k| start <= &***k && &***k < end);
                    for other in inside {
                        prop_assert!(set.covering(other, snapshot) >= seqno);
                    }
                }
                None => prop_assert_eq!(expected, 0),
            }
            let inside = lower.as_ref().is_none_or(|l| *l <= key) && upper.as_ref().is_none_or(|u| key < *u);
            prop_assert_eq!(clipped.covering(&key, snapshot), if inside { expected } else { 0 });
        }
    }

    #[test]
    fn of_each_stripe_the_newest_over_each_key_stay_and_nothing_else(
        list in tombstones(),
        snapshots in prop::collection::btree_set(0u64..12, 0..4),
        keys in prop::collection::vec(prop::collection::vec(0u8..4, 0..4), 1..20),
    ) {
        let stripe_of = |seqno: SeqNo| snapshots.iter().filter(|&&snapshot| snapshot < seqno).count();
        let pieces = RangeDels::new(list.clone()).newest_of_each_stripe(stripe_of);
        prop_assert!(pieces.is_empty() || pieces.len() < 2 * list.len());
        let order = |t: &RangeTombstone| (std::cmp::Reverse(stripe_of(t.seqno)), t.start.clone());
        prop_assert!(pieces.windows(2).all(|w| order(&w[0]) < order(&w[1])));
        for key in keys {
            let over = |tombstones: &[RangeTombstone]| -> Vec<SeqNo> {
                let covering = tombstones.iter().filter(|t| *t.start <= *key && *key < *t.end);
                covering.map(|t| t.seqno).collect()
            };
            let mut newest = vec![0; snapshots.len() + 1];
            for seqno in over(&list) {
                let stripe = stripe_of(seqno);
                newest[stripe] = seqno.max(newest[stripe]);
            }
            newest.retain(|&seqno| seqno > 0);
            newest.reverse();
            prop_assert_eq!(over(&pieces), newest);
        }
    }
}

#[test]
fn many_that_overlap_take_little_memory_and_answer_like_the_naive_definition() {
    let count: u64 = 3_000;
    let key = |i: u64| i.to_be_bytes();
    // Stairs, and nested in one another with the newest outermost and innermost.
    let stairs: Vec<_> = (0..count).map(|i| (i, i + count)).collect();
    let outward = (0..count).map(|i| (count - i, count + 1 + i)).collect();
    let inward = (0..count).map(|i| (i, 2 * count - i)).collect();
    for ranges in [stairs, outward, inward] {
        let list =
            ranges.iter().zip(1..).map(|((s, e), seqno)| tombstone(&key(*s), &key(*e), seqno)).collect();
        let set = RangeDels::new(list);
        assert!(set.notes.len() as u64 <= count * 2 * 13, "{} notes", set.notes.len());
        assert!(set.newest_of_each_stripe(|seqno| (seqno / 100) as usize).len() as u64 <= count * 2);
        for probe in (0..=2 * count).step_by(37) {
            for snapshot in [0, 1, count / 3, count, SeqNo::MAX] {
                let seen =
                    ranges.iter().zip(1..).filter(|((s, e), n)| *s <= probe && probe < *e && *n <= snapshot);
                let expected = seen.map(|(_, n)| n).max().unwrap_or(0);
                assert_eq!(set.covering(&key(probe), snapshot), expected, "{probe} at {snapshot}");
            }
        }
    }
}
