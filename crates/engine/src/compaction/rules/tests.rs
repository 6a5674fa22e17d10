use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A write of the random histories; its seqno is its place, from 1.
#[derive(Debug, Clone)]
enum Write {
    Put(u8),
    /// Expired at even seqnos, at odd ones never.
    PutWithExpiry(u8),
    Delete(u8),
    Clear(u8, u8),
}

/// Point records (key, trailer) in internal order, and range tombstones.
type Records = (Vec<(u8, u64)>, Vec<RangeTombstone>);

fn records(history: &[(u64, Write)]) -> Records {
    let (mut points, mut dels) = (Vec::new(), Vec::new());
    for &(seqno, ref write) in history {
        match *write {
            Write::Put(key) => points.push((key, key::trailer(seqno, Kind::Set))),
            Write::PutWithExpiry(key) => points.push((key, key::trailer(seqno, Kind::SetWithExpiry))),
            Write::Delete(key) => points.push((key, key::trailer(seqno, Kind::Delete))),
            Write::Clear(a, b) => dels.push(RangeTombstone { start: [a].into(), end: [b].into(), seqno }),
        }
    }
    points.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    (points, dels)
}

/// When the value of a PutWithExpiry ends.
fn expiry_of(trailer: u64) -> u64 {
    if key::seqno_of(trailer).is_multiple_of(2) { 0 } else { u64::MAX }
}

/// What a reader at `snapshot` sees: of each key the seqno of its value.
fn state(records: &[&Records], snapshot: u64) -> BTreeMap<u8, u64> {
    let mut newest: BTreeMap<u8, u64> = BTreeMap::new();
    for &(key, trailer) in records.iter().flat_map(|(points, _)| points) {
        if key::seqno_of(trailer) <= snapshot {
            let best = newest.entry(key).or_default();
            *best = trailer.max(*best);
        }
    }
    let dels: Vec<_> = records.iter().flat_map(|(_, dels)| dels).filter(|t| t.seqno <= snapshot).collect();
    newest.retain(|key, trailer| {
        let covered = |t: &&RangeTombstone| {
            *t.start <= [*key][..] && [*key][..] < *t.end && t.seqno > key::seqno_of(*trailer)
        };
        let there = match key::kind_of(*trailer) {
            Some(Kind::Set) => true,
            Some(Kind::SetWithExpiry) => expiry_of(*trailer) > 0,
            _ => false,
        };
        there && !dels.iter().any(covered)
    });
    newest.into_iter().map(|(key, trailer)| (key, key::seqno_of(trailer))).collect()
}

fn compact(inputs: &Records, snapshots: &[u64], below: &Below) -> Records {
    let range_dels = RangeDels::new(inputs.1.clone());
    let clock = Clock::manual();
    let mut retention = Retention::new(snapshots, &range_dels, below, &clock);
    let kept = inputs.0.iter().filter_map(|&(key, trailer)| {
        let stored = expiry_of(trailer).to_le_bytes();
        retention.keep(&[key], trailer, &stored).map(|(trailer, _)| (key, trailer))
    });
    let points = kept.collect();
    (points, retention.range_tombstones())
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let one = prop_oneof![
        6 => (0u8..6).prop_map(Write::Put),
        4 => (0u8..6).prop_map(Write::PutWithExpiry),
        3 => (0u8..6).prop_map(Write::Delete),
        1 => (0u8..7, 0u8..7).prop_map(|(a, b)| Write::Clear(a, b)),
    ];
    prop::collection::vec(one, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn every_snapshot_sees_the_same_before_and_after(
        history in writes(), snapshots in prop::collection::btree_set(0u64..42, 0..5), cut in 0usize..40,
    ) {
        let snapshots: Vec<u64> = snapshots.into_iter().collect();
        let history: Vec<_> = (1..).zip(history).collect();
        let (old, new) = history.split_at(cut.min(history.len()));
        let (old, new) = (records(old), records(new));
        let keys: Vec<[u8; 1]> = old.0.iter().map(|(key, _)| [*key]).collect();
        let below = Below::new(keys.iter().map(|key| Bounds::inclusive(key, key)));
        let after = compact(&new, &snapshots, &below);
        for snapshot in snapshots.iter().copied().chain([u64::MAX]) {
            prop_assert_eq!(state(&[&old, &after], snapshot), state(&[&old, &new], snapshot), "at {}", snapshot);
        }
        let again = compact(&after, &snapshots, &below);
        prop_assert_eq!(&again.0, &after.0, "a second time changes nothing");
        prop_assert_eq!(RangeDels::new(again.1), RangeDels::new(after.1));
    }

    #[test]
    fn without_snapshots_and_with_nothing_below_only_values_stay(history in writes()) {
        let all = records(&(1..).zip(history).collect::<Vec<_>>());
        let after = compact(&all, &[], &Below::default());
        prop_assert!(after.0.iter().all(|(_, t)| key::kind_of(*t) != Some(Kind::Delete)));
        let values: BTreeMap<u8, u64> = after.0.iter().map(|&(key, t)| (key, key::seqno_of(t))).collect();
        prop_assert_eq!(values.len(), after.0.len());
        prop_assert_eq!(values, state(&[&all], u64::MAX));
        prop_assert!(after.1.is_empty());
    }

    #[test]
    fn one_record_stays_for_each_stripe_of_a_key(count in 1u64..60, snapshots in prop::collection::btree_set(1u64..60, 0..6)) {
        let snapshots: Vec<u64> = snapshots.into_iter().collect();
        let all = records(&(1..=count).map(|seqno| (seqno, Write::Put(1))).collect::<Vec<_>>());
        let after = compact(&all, &snapshots, &Below::default());
        let stripes = 1 + snapshots.iter().filter(|&&s| s < count).count();
        prop_assert_eq!(after.0.len(), stripes);
    }
}

#[test]
fn a_snapshot_at_seqno_0_keeps_what_it_cannot_see_and_what_it_can() {
    let below = Below::default();
    let new: Records = (vec![(1, key::trailer(5, Kind::Set)), (1, key::trailer(0, Kind::Set))], Vec::new());
    assert_eq!(compact(&new, &[0], &below), new);
    let deleted: Records =
        (vec![(1, key::trailer(5, Kind::Delete)), (1, key::trailer(0, Kind::Set))], Vec::new());
    assert_eq!(compact(&deleted, &[0], &below), deleted);
    assert!(compact(&deleted, &[], &below).0.is_empty());
}

#[test]
fn an_expired_value_becomes_a_tombstone_without_its_bytes() {
    let clock = Clock::manual();
    let below = Below::new([Bounds::inclusive(b"a", b"b")]);
    let (snapshots, range_dels) = ([], RangeDels::default());
    let mut retention = Retention::new(&snapshots, &range_dels, &below, &clock);
    let trailer = key::trailer(7, Kind::SetWithExpiry);
    let past = [&clock.unix_millis().to_le_bytes()[..], b"value"].concat();
    let future = [&(clock.unix_millis() + 1).to_le_bytes()[..], b"value"].concat();
    assert_eq!(retention.keep(b"a", trailer, &past), Some((key::trailer(7, Kind::Delete), &b""[..])));
    assert_eq!(retention.keep(b"b", trailer, &future), Some((trailer, &future[..])));
    assert_eq!(retention.keep(b"c", trailer, &past), None, "nothing lies below");
    assert_eq!(retention.keep(b"d", trailer, &future), Some((trailer, &future[..])));
}

#[test]
fn below_knows_its_stretches() {
    let below = Below::new([
        Bounds { start: b"m", end: b"p", end_exclusive: true },
        Bounds::inclusive(b"a", b"c"),
        Bounds::inclusive(b"b", b"d"),
    ]);
    assert_eq!(below.ranges().count(), 2);
    assert!(below.may_hold(b"d") && below.may_hold(b"m") && !below.may_hold(b"p") && !below.may_hold(b"e"));
    assert!(below.overlaps(&Bounds::inclusive(b"e", b"m")));
    assert!(!below.overlaps(&Bounds { start: b"e", end: b"m", end_exclusive: true }));
}
