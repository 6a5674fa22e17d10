use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::iter::vec_cursor::{Entry, VecCursor};
use crate::key::{Kind, trailer};

/// One move of a cursor, for random walks.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    First,
    Last,
    Seek(Vec<u8>, u64),
    Before(Vec<u8>),
    Next,
    Prev,
}

pub(crate) fn moves() -> impl Strategy<Value = Vec<Move>> {
    let key = prop::collection::vec(0u8..3, 0..4);
    let one = prop_oneof![
        1 => Just(Move::First),
        1 => Just(Move::Last),
        2 => (key.clone(), 0u64..40).prop_map(|(k, s)| Move::Seek(k, key::seek_trailer(s))),
        2 => key.prop_map(Move::Before),
        6 => Just(Move::Next),
        6 => Just(Move::Prev),
    ];
    prop::collection::vec(one, 1..60)
}

pub(crate) fn make(cursor: &mut impl Cursor, step: &Move) -> Result<()> {
    match step {
        Move::First => cursor.seek_to_first(),
        Move::Last => cursor.seek_to_last(),
        Move::Seek(key, trailer) => cursor.seek(key, *trailer),
        Move::Before(key) => cursor.seek_before(key),
        Move::Next => cursor.next(),
        Move::Prev => cursor.prev(),
    }
}

pub(crate) fn here(cursor: &impl Cursor) -> Option<Entry> {
    cursor.valid().then(|| (cursor.user_key().into(), cursor.trailer(), cursor.value().into()))
}

fn entry(key: &[u8], seqno: u64) -> Entry {
    (key.into(), trailer(seqno, Kind::Set), seqno.to_string().into_bytes())
}

#[test]
fn a_failed_child_fails_every_later_move() {
    let children = vec![
        VecCursor::new(vec![entry(b"a", 1), entry(b"c", 3)]).failing_after(2),
        VecCursor::new(vec![entry(b"b", 2)]),
    ];
    let mut merge = MergeCursor::new(children);
    merge.seek_to_first().unwrap();
    merge.next().unwrap();
    assert_eq!(merge.user_key(), b"b");
    merge.next().unwrap();
    assert_eq!(merge.user_key(), b"c");
    assert_eq!(merge.next().unwrap_err(), ErrorKind::Io);
    assert!(!merge.valid());
    assert_eq!(merge.seek_to_first().unwrap_err(), ErrorKind::Io);
    assert_eq!(merge.skip_to(0, b"a").unwrap_err(), ErrorKind::Io);
}

#[test]
fn equal_internal_keys_come_newest_child_first_and_lose_nothing() {
    for count in [3, 7] {
        let children: Vec<_> = (0..count)
            .map(|i| {
                VecCursor::new(vec![
                    (b"k".to_vec(), trailer(1, Kind::Set), vec![i]),
                    entry(b"l", 10 + u64::from(i)),
                ])
            })
            .collect();
        let mut merge = MergeCursor::new(children);
        merge.seek_to_first().unwrap();
        let mut forward = Vec::new();
        while merge.valid() {
            forward.push(here(&merge).unwrap());
            merge.next().unwrap();
        }
        assert_eq!(forward.len(), 2 * count as usize);
        assert!(forward.iter().take(count as usize).map(|e| e.2[0]).eq(0..count));
        merge.seek_to_last().unwrap();
        for expected in forward.iter().rev() {
            assert_eq!(here(&merge).as_ref(), Some(expected));
            merge.prev().unwrap();
        }
        merge.seek_to_first().unwrap();
        merge.next().unwrap();
        merge.prev().unwrap();
        assert_eq!(here(&merge).as_ref(), forward.first());
        merge.next().unwrap();
        assert_eq!(here(&merge).as_ref(), forward.get(1));
    }
}

#[test]
fn skipping_moves_only_the_older_children() {
    let children: Vec<_> = (0..6u64)
        .map(|rank| VecCursor::new((0..20u8).map(|k| entry(&[k], 100 - 10 * rank)).collect()))
        .collect();
    let mut merge = MergeCursor::new(children);
    merge.seek(&[3], u64::MAX).unwrap();
    merge.skip_to(1, &[15]).unwrap();
    let mut seen = Vec::new();
    while merge.valid() && merge.user_key() <= &[15][..] {
        seen.push((merge.user_key()[0], merge.rank().unwrap()));
        merge.next().unwrap();
    }
    let expected: Vec<_> = (3..15).map(|k| (k, 0)).chain((0..6).map(|rank| (15, rank))).collect();
    assert_eq!(seen, expected);
    merge.seek_before(&[15]).unwrap();
    merge.skip_before(2, &[4]).unwrap();
    let mut seen = 0;
    while merge.valid() && merge.user_key() >= &[4][..] {
        assert!(merge.rank().unwrap() < 2);
        seen += 1;
        merge.prev().unwrap();
    }
    assert_eq!(seen, 22);
    assert_eq!((merge.user_key(), merge.rank()), (&[3][..], Some(5)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn walks_like_one_sorted_list(
        list in prop::collection::vec((prop::collection::vec(0u8..3, 0..4), 0usize..9), 0..50),
        count in 1usize..9,
        walk in moves(),
    ) {
        let entries: Vec<_> = list.iter().zip(1..).map(|((key, _), seqno)| entry(key, seqno)).collect();
        let mut sources = vec![Vec::new(); count];
        for (entry, (_, source)) in entries.iter().zip(&list) {
            sources[source % count].push(entry.clone());
        }
        let mut merge = MergeCursor::new(sources.into_iter().map(VecCursor::new).collect());
        let mut model = VecCursor::new(entries);
        for step in &walk {
            make(&mut merge, step).unwrap();
            make(&mut model, step).unwrap();
            prop_assert_eq!(here(&merge), here(&model), "after {:?}", step);
        }
    }
}
