use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::expiry::EXPIRY_BYTES;
use crate::iter::vec_cursor::{Entry, VecCursor};
use crate::key::Kind;
use crate::range_del::RangeTombstone;

/// A write of the random histories.
#[derive(Debug, Clone)]
enum Write {
    Put(Vec<u8>),
    /// A value that has expired, or never will.
    PutWithExpiry(Vec<u8>, bool),
    Delete(Vec<u8>),
    Clear(Vec<u8>, Vec<u8>),
}

#[derive(Debug, Clone)]
enum Move {
    First,
    Last,
    Seek(Vec<u8>),
    SeekForPrev(Vec<u8>),
    Next,
    Prev,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0u8..4, 0..3)
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![2 => Just(Bound::Unbounded), 1 => key().prop_map(Bound::Included), 1 => key().prop_map(Bound::Excluded)]
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let one = prop_oneof![
        8 => key().prop_map(Write::Put),
        3 => (key(), any::<bool>()).prop_map(|(key, expired)| Write::PutWithExpiry(key, expired)),
        3 => key().prop_map(Write::Delete),
        1 => (key(), key()).prop_map(|(a, b)| Write::Clear(a, b)),
    ];
    prop::collection::vec(one, 0..150)
}

fn walk() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        1 => Just(Move::First),
        1 => Just(Move::Last),
        2 => key().prop_map(Move::Seek),
        2 => key().prop_map(Move::SeekForPrev),
        6 => Just(Move::Next),
        6 => Just(Move::Prev),
    ];
    prop::collection::vec(one, 1..60)
}

/// The history's sources, newest first, cut before each write index in `cuts`.
fn sources(history: &[Write], cuts: &[usize]) -> (Vec<VecCursor>, Vec<(usize, Arc<RangeDels>)>) {
    let mut points: Vec<Vec<Entry>> = vec![Vec::new()];
    let mut dels: Vec<Vec<RangeTombstone>> = vec![Vec::new()];
    for (at, write) in history.iter().enumerate() {
        if cuts.contains(&at) {
            points.push(Vec::new());
            dels.push(Vec::new());
        }
        let seqno = at as u64 + 1;
        let (points, dels) = (points.last_mut().unwrap(), dels.last_mut().unwrap());
        match write {
            Write::Put(key) => points.push((key.clone(), key::trailer(seqno, Kind::Set), value(seqno))),
            Write::PutWithExpiry(key, expired) => {
                let expiry: [u8; EXPIRY_BYTES] = if *expired { 0 } else { u64::MAX }.to_le_bytes();
                let stored = [&expiry[..], &value(seqno)].concat();
                points.push((key.clone(), key::trailer(seqno, Kind::SetWithExpiry), stored));
            }
            Write::Delete(key) => points.push((key.clone(), key::trailer(seqno, Kind::Delete), Vec::new())),
            Write::Clear(start, end) => {
                dels.push(RangeTombstone { start: start[..].into(), end: end[..].into(), seqno });
            }
        }
    }
    let cursors = points.into_iter().rev().map(VecCursor::new).collect();
    let dels = dels.into_iter().rev().map(|d| Arc::new(RangeDels::new(d))).enumerate().collect();
    (cursors, dels)
}

fn value(seqno: u64) -> Vec<u8> {
    format!("value {seqno}").into_bytes()
}

/// What a reader at `snapshot` sees.
fn state(history: &[Write], snapshot: u64) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut map = BTreeMap::new();
    for (write, seqno) in history.iter().zip(1..=snapshot) {
        match write {
            Write::Put(key) | Write::PutWithExpiry(key, false) => drop(map.insert(key.clone(), value(seqno))),
            Write::Delete(key) | Write::PutWithExpiry(key, true) => drop(map.remove(key)),
            Write::Clear(start, end) => map.retain(|key, _| key < start || key >= end),
        }
    }
    map
}

fn open(
    children: Vec<VecCursor>,
    snapshot: u64,
    lower: Bound<Vec<u8>>,
    upper: Bound<Vec<u8>>,
    dels: Vec<(usize, Arc<RangeDels>)>,
) -> UserCursor<VecCursor> {
    let bounds = Bounds::new(lower.as_ref().map(Vec::as_slice), upper.as_ref().map(Vec::as_slice));
    UserCursor::new(MergeCursor::new(children), snapshot, bounds, dels, Now::new(Clock::manual()))
}

fn cursor(history: &[Write], cuts: &[usize], snapshot: u64) -> UserCursor<VecCursor> {
    let (children, dels) = sources(history, cuts);
    open(children, snapshot, Bound::Unbounded, Bound::Unbounded, dels)
}

fn forward(cursor: &mut UserCursor<VecCursor>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut seen = Vec::new();
    cursor.seek_to_first().unwrap();
    while cursor.valid() {
        seen.push((cursor.key().to_vec(), cursor.value().to_vec()));
        cursor.next().unwrap();
    }
    seen
}

fn backward(cursor: &mut UserCursor<VecCursor>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut seen = Vec::new();
    cursor.seek_to_last().unwrap();
    while cursor.valid() {
        seen.push((cursor.key().to_vec(), cursor.value().to_vec()));
        cursor.prev().unwrap();
    }
    seen.reverse();
    seen
}

#[test]
fn many_versions_of_one_key_show_the_right_one() {
    let mut history = vec![Write::Put(b"a".to_vec())];
    history.extend((0..1_000).map(|_| Write::Put(b"k".to_vec())));
    history.push(Write::Put(b"z".to_vec()));
    for snapshot in [1, 2, 5, 500, 1_001, 1_002] {
        let expected: Vec<_> = state(&history, snapshot).into_iter().collect();
        assert_eq!(forward(&mut cursor(&history, &[300, 600], snapshot)), expected);
        assert_eq!(backward(&mut cursor(&history, &[300, 600], snapshot)), expected);
    }
}

#[test]
fn a_cleared_range_is_skipped_not_walked() {
    let mut history: Vec<_> = (0..5_000u16).map(|k| Write::Put(k.to_be_bytes().to_vec())).collect();
    history.push(Write::Clear(vec![0, 10], 4_990u16.to_be_bytes().to_vec()));
    let expected: Vec<_> = state(&history, 5_001).into_iter().collect();
    assert_eq!(expected.len(), 20);
    // 5,000 steps over the old records would fail.
    let (children, dels) = sources(&history, &[5_000]);
    let children = children.into_iter().map(|c| c.failing_after(100)).collect();
    let mut cursor = open(children, 5_001, Bound::Unbounded, Bound::Unbounded, dels);
    assert_eq!(forward(&mut cursor), expected);
    assert_eq!(backward(&mut cursor), expected);
}

#[test]
fn keys_put_again_after_the_clear_are_not_skipped() {
    let mut history: Vec<_> = (0..200u8).map(|k| Write::Put(vec![k])).collect();
    history.push(Write::Clear(vec![10], vec![190]));
    history.extend([Write::Put(vec![100]), Write::Put(vec![150])]);
    // Once in the tombstone's own source, once in a newer one.
    for cuts in [&[200][..], &[200, 201]] {
        let expected: Vec<_> = state(&history, 203).into_iter().collect();
        assert_eq!(forward(&mut cursor(&history, cuts, 203)), expected);
        assert_eq!(backward(&mut cursor(&history, cuts, 203)), expected);
    }
}

#[test]
fn turning_forward_behind_a_range_that_was_skipped_backward() {
    let mut history: Vec<_> = (0..50u8).map(|k| Write::Put(vec![k])).collect();
    history.push(Write::Clear(vec![10], vec![40]));
    // Going back, this key is met after the older source was sent to the start of the cleared range.
    history.push(Write::Put(vec![30]));
    for cuts in [&[50][..], &[50, 51]] {
        let mut cursor = cursor(&history, cuts, 52);
        cursor.seek_to_last().unwrap();
        while cursor.key() > &[30][..] {
            cursor.prev().unwrap();
        }
        assert_eq!(cursor.key(), [30]);
        cursor.next().unwrap();
        assert_eq!(cursor.key(), [40], "cut at {cuts:?}");
        cursor.prev().unwrap();
        assert_eq!(cursor.key(), [30]);
        cursor.prev().unwrap();
        assert_eq!(cursor.key(), [9]);
        cursor.next().unwrap();
        assert_eq!(cursor.key(), [30], "cut at {cuts:?}");
    }
}

#[test]
fn a_read_error_is_sticky_in_both_directions() {
    let history: Vec<_> = (0..50u8).map(|k| Write::Put(vec![k])).collect();
    for back in [false, true] {
        let (children, dels) = sources(&history, &[]);
        let children = children.into_iter().map(|c| c.failing_after(20)).collect();
        let mut cursor = open(children, 99, Bound::Unbounded, Bound::Unbounded, dels);
        let first = if back { cursor.seek_to_last() } else { cursor.seek_to_first() };
        first.unwrap();
        let error = (0..50).find_map(|_| if back { cursor.prev() } else { cursor.next() }.err());
        assert_eq!(error.expect("the planted error shows"), ErrorKind::Io);
        assert!(!cursor.valid() && cursor.key().is_empty() && cursor.value().is_empty());
        assert_eq!(cursor.seek(b"").unwrap_err(), ErrorKind::Io);
    }
}

#[test]
fn an_unknown_kind_is_corruption_not_an_entry() {
    let children = vec![VecCursor::new(vec![(b"k".to_vec(), 3 << 8 | 9, Vec::new())])];
    let mut cursor = open(children, 9, Bound::Unbounded, Bound::Unbounded, Vec::new());
    assert_eq!(cursor.seek_to_first().unwrap_err(), ErrorKind::Corruption);
    assert_eq!(cursor.next().unwrap_err(), ErrorKind::Corruption);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn walks_like_a_map(
        history in writes(), cuts in prop::collection::vec(0usize..150, 0..7), snapshot in 0u64..160,
        lower in bound(), upper in bound(), walk in walk(),
    ) {
        let (children, dels) = sources(&history, &cuts);
        let mut cursor =
            open(children, snapshot, lower.clone(), upper.clone(), dels);
        let mut model = state(&history, snapshot);
        model.retain(|key, _| {
            let above = match &lower {
                Bound::Unbounded => true,
                Bound::Included(l) => key >= l,
                Bound::Excluded(l) => key > l,
            };
            above && match &upper {
                Bound::Unbounded => true,
                Bound::Included(u) => key <= u,
                Bound::Excluded(u) => key < u,
            }
        });
        let after = |k: &[u8]| model.range::<[u8], _>((Bound::Excluded(k), Bound::Unbounded)).next();
        let before = |k: &[u8]| model.range::<[u8], _>((Bound::Unbounded, Bound::Excluded(k))).next_back();
        let mut at: Option<(&Vec<u8>, &Vec<u8>)> = None;
        for step in &walk {
            match step {
                Move::First => (cursor.seek_to_first().unwrap(), at = model.first_key_value()).1,
                Move::Last => (cursor.seek_to_last().unwrap(), at = model.last_key_value()).1,
                Move::Seek(key) => (cursor.seek(key).unwrap(), at = model.range(key.clone()..).next()).1,
                Move::SeekForPrev(key) => {
                    cursor.seek_for_prev(key).unwrap();
                    at = model.range(..=key.clone()).next_back();
                }
                Move::Next => (cursor.next().unwrap(), at = at.and_then(|(k, _)| after(k))).1,
                Move::Prev => (cursor.prev().unwrap(), at = at.and_then(|(k, _)| before(k))).1,
            }
            let shown = cursor.valid().then(|| (cursor.key(), cursor.value()));
            prop_assert_eq!(shown, at.map(|(k, v)| (&k[..], &v[..])), "after {:?}", step);
        }
    }
}
