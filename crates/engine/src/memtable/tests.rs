use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64 as Seqno};

use proptest::prelude::*;

use super::*;
use crate::iter::Cursor;
use crate::key::{MAX_SEQNO, hash, kind_of, seqno_of, trailer};

type Model = BTreeMap<(Vec<u8>, Reverse<u64>), Vec<u8>>;

const MIRI: bool = cfg!(miri);

fn set<'a>(key: &'a [u8], value: &'a [u8]) -> Op<'a> {
    Op { kind: Kind::Set, key, value }
}

fn get(table: &Memtable, key: &[u8], snapshot: SeqNo) -> Option<(u64, Vec<u8>)> {
    table.get(key, hash(key), snapshot, |trailer, value| (trailer, value.to_vec()))
}

fn here(cursor: &MemtableCursor) -> Option<(Vec<u8>, u64, Vec<u8>)> {
    cursor.valid().then(|| (cursor.user_key().to_vec(), cursor.trailer(), cursor.value().to_vec()))
}

fn walk(cursor: &mut MemtableCursor) -> Vec<(Vec<u8>, u64, Vec<u8>)> {
    cursor.seek_to_first().unwrap();
    let mut all = Vec::new();
    while let Some(entry) = here(cursor) {
        all.push(entry);
        cursor.next().unwrap();
    }
    all
}

fn listed(model: &Model) -> Vec<(Vec<u8>, u64, Vec<u8>)> {
    model.iter().map(|((key, Reverse(trailer)), value)| (key.clone(), *trailer, value.clone())).collect()
}

#[test]
fn the_newest_visible_version_is_found() {
    let table = Memtable::new(7, 1 << 20);
    table.apply([set(b"a", b"1"), set(b"b", b"2")].into_iter(), 10);
    table.apply([Op { kind: Kind::Delete, key: b"a", value: b"" }].into_iter(), 12);
    assert_eq!(get(&table, b"a", 9), None);
    assert_eq!(get(&table, b"a", 10), Some((trailer(10, Kind::Set), b"1".to_vec())));
    assert_eq!(get(&table, b"a", 11), Some((trailer(10, Kind::Set), b"1".to_vec())));
    assert_eq!(get(&table, b"a", 12), Some((trailer(12, Kind::Delete), vec![])));
    assert_eq!(get(&table, b"b", MAX_SEQNO), Some((trailer(11, Kind::Set), b"2".to_vec())));
    assert_eq!(get(&table, b"c", MAX_SEQNO), None);
    assert_eq!((table.log_number(), table.min_seqno(), table.max_seqno()), (7, 10, 12));
    assert_eq!((table.len(), table.is_empty()), (3, false));
}

#[test]
fn an_empty_memtable_has_nothing_and_is_cheap() {
    let table = Arc::new(Memtable::new(1, 64 << 20));
    assert_eq!((table.len(), table.is_empty(), table.min_seqno(), table.max_seqno()), (0, true, 0, 0));
    assert!(table.bytes() < 12 << 10, "{} bytes", table.bytes());
    assert_eq!(get(&table, b"", MAX_SEQNO), None);
    assert_eq!(table.covering(b"a", MAX_SEQNO), 0);
    assert!(table.range_dels().is_empty());
    let mut cursor = table.cursor();
    cursor.seek_to_last().unwrap();
    assert!(!cursor.valid());
    cursor.prev().unwrap();
    assert_eq!((cursor.user_key(), cursor.trailer(), cursor.value()), (&b""[..], 0, &b""[..]));
    assert_eq!(walk(&mut table.settled_cursor()), []);
}

#[test]
fn old_versions_are_reached_in_few_steps_and_exactly() {
    let count: u64 = if MIRI { 300 } else { 100_000 };
    let table = Memtable::new(1, 64 << 20);
    for seqno in 1..=count {
        table.apply([set(b"hot", &seqno.to_le_bytes())].into_iter(), seqno);
    }
    for snapshot in (1..=count).step_by(97).chain([1, 15, 16, 17, 18, count]) {
        let found = get(&table, b"hot", snapshot).unwrap();
        assert_eq!(found, (trailer(snapshot, Kind::Set), snapshot.to_le_bytes().to_vec()));
    }
    assert_eq!(get(&table, b"hot", 0), None);
}

#[test]
fn a_cursor_shows_what_was_there_when_it_opened() {
    let table = Arc::new(Memtable::new(1, 1 << 20));
    table.apply([set(b"b", b"1")].into_iter(), 1);
    let mut early = table.cursor();
    table.apply([set(b"a", b"2"), set(b"c", b"3")].into_iter(), 2);
    assert_eq!(table.unsorted(), 2);
    assert_eq!(walk(&mut early).len(), 1);
    assert_eq!(walk(&mut table.cursor()).len(), 3);
    assert_eq!(table.unsorted(), 0);
    drop(table);
    assert_eq!(walk(&mut early), [(b"b".to_vec(), trailer(1, Kind::Set), b"1".to_vec())]);
}

#[test]
fn bytes_count_arena_index_order_and_runs() {
    let table = Arc::new(Memtable::new(1, 1 << 20));
    let empty = table.bytes();
    table.apply([set(b"k", b"v")].into_iter(), 1);
    assert_eq!(table.bytes() - empty, (4 << 10) + 128 * 4);
    let before = table.bytes();
    let cursor = table.cursor();
    let run = table.bytes() - before;
    assert_eq!(run, size_of::<run::Run>() + 1 + 8 + 4);
    table.apply([set(b"l", b"v")].into_iter(), 2);
    let wide = table.settled_cursor();
    assert!(table.bytes() - before > 2 * run, "the run that only a cursor holds still counts");
    drop((cursor, wide));
    assert_eq!(table.bytes() - before, size_of::<run::Run>() + 2 * (8 + 4));
    let before = table.bytes();
    table.apply([Op { kind: Kind::RangeDelete, key: b"a", value: b"zz" }].into_iter(), 3);
    assert_eq!(table.bytes() - before, 2 * (size_of::<RangeTombstone>() + 3));
}

#[test]
fn the_index_is_sized_for_what_is_expected() {
    let table = Memtable::new(1, 8 << 20);
    let value = [1; 100];
    let mut seqno = 0;
    while table.bytes() < 8 << 20 {
        seqno += 1;
        table.apply([set(&u64::to_le_bytes(seqno * 0x9E37_79B9), &value)].into_iter(), seqno);
    }
    let spent = table.bytes() as f64 / seqno as f64;
    // 24 bytes of header, 8 of key, 100 of value, padding and reference: 140. The rest is slack and index.
    assert!(spent < 190.0, "{spent} bytes a record");
}

#[test]
fn range_tombstones_cover_from_their_group_on() {
    let table = Memtable::new(1, 1 << 20);
    let mut naive: Vec<RangeTombstone> = Vec::new();
    for i in 0..40u8 {
        let from = (u32::from(i) * 7 % 50) as u8;
        let (start, end) = ([from], [from + 1 + i % 9]);
        let seqno = u64::from(i) + 1;
        naive.push(RangeTombstone { start: start.into(), end: end.into(), seqno });
        table.apply([Op { kind: Kind::RangeDelete, key: &start, value: &end }].into_iter(), seqno);
        for key in 0..70u8 {
            for snapshot in [0, seqno / 2, seqno, MAX_SEQNO] {
                let covers = |t: &&RangeTombstone| t.start[0] <= key && key < t.end[0] && t.seqno <= snapshot;
                let expected = naive.iter().filter(covers).map(|t| t.seqno).max().unwrap_or(0);
                assert_eq!(table.covering(&[key], snapshot), expected);
                assert_eq!(table.range_dels().covering(&[key], snapshot), expected);
            }
        }
    }
    assert_eq!((table.len(), table.max_seqno()), (40, 40));
}

/// A group of writes, or a look at everything.
#[derive(Debug, Clone)]
enum Step {
    Group(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Cursor { settled: bool, moves: Vec<Move> },
}

#[derive(Debug, Clone)]
enum Move {
    First,
    Last,
    Seek(Vec<u8>, u64),
    SeekBefore(Vec<u8>),
    Next,
    Prev,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(0u8), Just(b'a'), Just(b'b'), Just(0xff)];
    prop_oneof![
        proptest::collection::vec(byte.clone(), 0..3),
        proptest::collection::vec(byte.clone(), 7..11),
        proptest::collection::vec(byte, 0..3).prop_map(|end| [b"user:000000000".as_slice(), &end].concat()),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..20).prop_map(Some),
        1 => (1_000usize..20_000).prop_map(|n| Some(vec![n as u8; n])),
        1 => Just(None),
    ];
    let moves = prop_oneof![
        1 => Just(Move::First),
        1 => Just(Move::Last),
        2 => (key(), prop_oneof![Just(u64::MAX), Just(0), (0u64..300).prop_map(|s| trailer(s, Kind::Set))])
            .prop_map(|(key, trailer)| Move::Seek(key, trailer)),
        2 => key().prop_map(Move::SeekBefore),
        6 => Just(Move::Next),
        6 => Just(Move::Prev),
    ];
    prop_oneof![
        3 => proptest::collection::vec((key(), value), 1..40).prop_map(Step::Group),
        2 => (any::<bool>(), proptest::collection::vec(moves, 0..30))
            .prop_map(|(settled, moves)| Step::Cursor { settled, moves }),
    ]
}

fn apply_moves(cursor: &mut MemtableCursor, model: &Model, moves: &[Move]) {
    let all = listed(model);
    let mut at: Option<usize> = None;
    for one in moves {
        match one {
            Move::First => cursor.seek_to_first().unwrap(),
            Move::Last => cursor.seek_to_last().unwrap(),
            Move::Seek(key, trailer) => cursor.seek(key, *trailer).unwrap(),
            Move::SeekBefore(key) => cursor.seek_before(key).unwrap(),
            Move::Next => cursor.next().unwrap(),
            Move::Prev => cursor.prev().unwrap(),
        }
        at = match one {
            Move::First => Some(0),
            Move::Last => all.len().checked_sub(1),
            Move::Seek(key, trailer) => {
                Some(all.partition_point(|e| crate::key::compare(&e.0, e.1, key, *trailer).is_lt()))
            }
            Move::SeekBefore(key) => all.partition_point(|e| e.0 < *key).checked_sub(1),
            Move::Next => at.map(|at| at + 1),
            Move::Prev => at.and_then(|at| at.checked_sub(1)),
        }
        .filter(|at| *at < all.len());
        assert_eq!(here(cursor), at.map(|at| all[at].clone()), "after {one:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if MIRI { 3 } else { 150 }))]

    #[test]
    fn behaves_like_a_sorted_map(
        steps in proptest::collection::vec(step(), 1..25),
        swapped in any::<bool>(),
    ) {
        let table = Arc::new(Memtable::new(1, 1 << 16));
        let mut model = Model::new();
        let mut next = 1;
        let mut kept: Vec<(MemtableCursor, usize)> = Vec::new();
        let (mut pending, mut keys) = (None, std::collections::BTreeSet::new());
        let mut insert = |model: &mut Model, group: &[(Vec<u8>, Option<Vec<u8>>)], first: SeqNo| {
            table.apply(
                group.iter().map(|(key, value)| match value {
                    Some(value) => set(key, value),
                    None => Op { kind: Kind::Delete, key, value: b"" },
                }),
                first,
            );
            for ((key, value), seqno) in group.iter().zip(first..) {
                let kind = if value.is_some() { Kind::Set } else { Kind::Delete };
                model.insert((key.clone(), Reverse(trailer(seqno, kind))), value.clone().unwrap_or_default());
                keys.insert(key.clone());
            }
        };
        for step in &steps {
            match step {
                Step::Group(group) => {
                    let first = next;
                    next += group.len() as u64;
                    // Two groups in turn may come in the wrong order.
                    match pending.take() {
                        None if swapped => pending = Some((group, first)),
                        earlier => {
                            insert(&mut model, group, first);
                            if let Some((group, first)) = earlier {
                                insert(&mut model, group, first);
                            }
                        }
                    }
                }
                Step::Cursor { settled, moves } => {
                    let mut cursor = if *settled { table.settled_cursor() } else { table.cursor() };
                    apply_moves(&mut cursor, &model, moves);
                    kept.push((cursor, model.len()));
                }
            }
        }
        prop_assert_eq!(table.len(), model.len());
        for (cursor, len) in &mut kept {
            prop_assert_eq!(walk(cursor).len(), *len);
        }
        prop_assert_eq!(walk(&mut table.cursor()), listed(&model));
        prop_assert_eq!(walk(&mut table.settled_cursor()), listed(&model));
        for key in &keys {
            for snapshot in (0..=next).step_by(3) {
                let expected = model
                    .range((key.clone(), Reverse(u64::MAX))..=(key.clone(), Reverse(0)))
                    .find(|((_, Reverse(trailer)), _)| seqno_of(*trailer) <= snapshot)
                    .map(|((_, Reverse(trailer)), value)| (*trailer, value.clone()));
                prop_assert_eq!(get(&table, key, snapshot), expected);
            }
        }
    }
}

/// The value of key number `key` as of write `seqno`: its length and bytes follow from both.
fn value_of(key: u64, seqno: SeqNo) -> Vec<u8> {
    let seed = key.wrapping_mul(31).wrapping_add(seqno.wrapping_mul(7));
    let length = if seqno.is_multiple_of(500) { 9_000 } else { 8 + (seed % 60) as usize };
    let mut value = vec![seed as u8; length];
    value[..8].copy_from_slice(&seqno.to_le_bytes());
    value
}

#[test]
fn readers_beside_a_writer_miss_nothing_and_see_nothing_torn() {
    let (writes, keys) = if MIRI { (200u64, 20) } else { (60_000u64, 3_000) };
    let key_of = |n: u64| format!("user:{:06}:x", n * 7919 % keys).into_bytes();
    let number = |key: &[u8]| std::str::from_utf8(&key[5..11]).unwrap().parse::<u64>().unwrap();
    let check = |key: &[u8], trailer: u64, value: &[u8]| {
        let seqno = seqno_of(trailer);
        assert_eq!(kind_of(trailer), Some(Kind::Set));
        assert_eq!(key, key_of(seqno), "a record under a foreign key");
        assert_eq!(value, value_of(number(key), seqno), "a torn value");
    };
    // Small, so that the index grows while it is read.
    let table = Arc::new(Memtable::new(1, 64 << 10));
    let (visible, done) = (Seqno::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut first = 1;
            while first <= writes {
                let group: Vec<_> = (first..(first + 1 + first % 40).min(writes + 1))
                    .map(|seqno| (key_of(seqno), value_of(number(&key_of(seqno)), seqno)))
                    .collect();
                table.apply(group.iter().map(|(key, value)| set(key, value)), first);
                first += group.len() as u64;
                visible.store(first - 1, Ordering::Release);
            }
            done.store(true, Ordering::Release);
        });
        for reader in 0..3u64 {
            let (table, visible, done, check) = (&table, &visible, &done, &check);
            scope.spawn(move || {
                let mut random = reader + 1;
                let mut rounds = 0u64;
                while !done.load(Ordering::Acquire) || rounds < 2 {
                    rounds += 1;
                    let snapshot = visible.load(Ordering::Acquire);
                    for _ in 0..if MIRI { 5 } else { 200 } {
                        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                        if snapshot == 0 {
                            continue;
                        }
                        let wanted = random % snapshot + 1;
                        let key = key_of(wanted);
                        let found = get(table, &key, snapshot);
                        let (trailer, value) = found.expect("a visible key is missing");
                        assert!((wanted..=snapshot).contains(&seqno_of(trailer)));
                        check(&key, trailer, &value);
                        let (exact, _) = get(table, &key, wanted).expect("a visible version is missing");
                        assert_eq!(seqno_of(exact), wanted);
                    }
                    let mut cursor = table.cursor();
                    let (mut seen, mut previous) = (0, None);
                    cursor.seek_to_first().unwrap();
                    while cursor.valid() {
                        check(cursor.user_key(), cursor.trailer(), cursor.value());
                        let entry = (cursor.user_key().to_vec(), Reverse(cursor.trailer()));
                        assert!(previous.is_none_or(|p| p < entry), "out of order");
                        seen += u64::from(seqno_of(cursor.trailer()) <= snapshot);
                        previous = Some(entry);
                        cursor.next().unwrap();
                    }
                    assert_eq!(seen, snapshot, "the cursor missed records");
                }
            });
        }
    });
    assert_eq!(table.len() as u64, writes);
    assert_eq!(walk(&mut table.settled_cursor()).len() as u64, writes);
}

#[test]
fn seeks_with_keys_that_leave_the_common_prefix() {
    let table = Arc::new(Memtable::new(1, 1 << 16));
    let keys = [b"user:10", b"user:20", b"user:30", b"user:40"];
    table.apply(keys.iter().map(|key| set(&key[..], b"")), 1);
    let mut cursor = table.cursor();
    for sought in
        ["", "t", "u", "us", "useq", "user", "user:", "user:0", "user:2", "user:30", "user:300", "user:5"]
            .into_iter()
            .chain(["user;", "uses", "v", "zzzzzzzzzz"])
    {
        let at = keys.iter().position(|key| &key[..] >= sought.as_bytes()).unwrap_or(keys.len());
        cursor.seek(sought.as_bytes(), u64::MAX).unwrap();
        assert_eq!(cursor.user_key(), keys.get(at).map_or(&b""[..], |k| &k[..]), "seek {sought:?}");
        cursor.seek_before(sought.as_bytes()).unwrap();
        let before = at.checked_sub(1).and_then(|at| keys.get(at));
        assert_eq!(cursor.user_key(), before.map_or(&b""[..], |k| &k[..]), "seek_before {sought:?}");
    }
}

#[test]
fn keys_with_equal_hashes_are_told_apart() {
    let records = Records::new(1 << 16);
    // Homes at the very end of every table, so that probes go round it.
    let hash_of = |i: u64| u64::MAX - ((i % 3) << 32);
    for i in 0..300u64 {
        records.write().insert(hash_of(i), trailer(i + 1, Kind::Set), &i.to_be_bytes(), b"");
        for j in 0..=i {
            let found = records.find(&j.to_be_bytes(), hash_of(j), MAX_SEQNO);
            assert_eq!(found.map(|r| seqno_of(r.trailer())), Some(j + 1));
        }
        assert!(records.find(&(i + 1).to_be_bytes(), hash_of(i + 1), MAX_SEQNO).is_none());
    }
}
