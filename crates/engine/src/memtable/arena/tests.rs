use super::*;

fn record(value: &[u8]) -> NewRecord<'_> {
    NewRecord { link: None, skip: None, depth: 0, trailer: value.len() as u64, key: b"key", value }
}

fn append(arena: &Arena, tail: &mut Tail, value: &[u8]) -> Ref {
    // SAFETY: each test has one arena with one tail.
    unsafe { arena.append(tail, &record(value)) }
}

fn read(arena: &Arena, at: Ref) -> Record<'_> {
    // SAFETY: the tests read what they appended, on one thread.
    unsafe { arena.record(at) }
}

#[test]
fn records_of_all_sizes_keep_their_bytes_and_addresses() {
    let arena = Arena::new();
    let mut tail = Tail::default();
    let sizes = [0, 1, 7, 8, 9, 100, 2_000, 2_100, 4_096, 70_000, 3, 1 << 20, 5, 300_000, 6, 40];
    let values: Vec<Vec<u8>> = (0..200).map(|i| vec![i as u8; sizes[i % sizes.len()]]).collect();
    let places: Vec<Ref> = values.iter().map(|v| append(&arena, &mut tail, v)).collect();
    for (at, value) in places.iter().zip(&values) {
        let record = read(&arena, *at);
        assert_eq!((record.key(), record.value()), (&b"key"[..], value.as_slice()));
        assert_eq!(record.trailer(), value.len() as u64);
        assert_eq!((record.older(), record.skip(), record.depth()), (None, None, 0));
    }
}

#[test]
fn header_fields_hold_their_extremes() {
    let arena = Arena::new();
    let mut tail = Tail::default();
    let (key, value) = (vec![7; MAX_KEY], vec![9; 10]);
    let first = append(&arena, &mut tail, b"");
    let new = NewRecord {
        link: Some(first),
        skip: Some(first),
        depth: DEPTHS - 1,
        trailer: u64::MAX,
        key: &key,
        value: &value,
    };
    // SAFETY: one arena, one tail.
    let at = unsafe { arena.append(&mut tail, &new) };
    let record = read(&arena, at);
    assert_eq!((record.key(), record.value(), record.trailer()), (&key[..], &value[..], u64::MAX));
    assert_eq!((record.older(), record.skip(), record.depth()), (Some(first), Some(first), DEPTHS - 1));
    let other = append(&arena, &mut tail, b"x");
    record.set_older(other);
    assert_eq!(record.older(), Some(other));
}

#[test]
#[should_panic(expected = "over the limits")]
fn a_key_the_header_cannot_hold_is_refused() {
    let key = vec![0; MAX_KEY + 1];
    let new = NewRecord { key: &key, ..record(b"") };
    // SAFETY: one arena, one tail.
    unsafe { Arena::new().append(&mut Tail::default(), &new) };
}

#[test]
fn chunks_are_few_and_little_is_wasted() {
    let (arena, mut tail) = (Arena::new(), Tail::default());
    let empty = arena.bytes();
    assert!(empty < 8 << 10, "{empty} bytes when empty");
    append(&arena, &mut tail, b"small");
    assert_eq!(arena.bytes() - empty, MIN_CHUNK);
    let count = if cfg!(miri) { 1_000 } else { 100_000 };
    for _ in 0..count {
        append(&arena, &mut tail, &[1; 101]);
    }
    let written = count * 128;
    assert!(arena.bytes() - empty <= written + written / 8 + 2 * MIN_CHUNK);
    assert!(tail.chunks < 80, "{} chunks", tail.chunks);
}

#[test]
fn a_large_record_leaves_the_open_chunk_open() {
    let (arena, mut tail) = (Arena::new(), Tail::default());
    let small = append(&arena, &mut tail, b"a");
    let before = arena.bytes();
    let large = append(&arena, &mut tail, &vec![1; 1 << 20]);
    assert_eq!(arena.bytes() - before, HEADER + 8 + (1 << 20));
    let next = append(&arena, &mut tail, b"b");
    assert_ne!(large.chunk(), small.chunk());
    assert_eq!((next.chunk(), next.offset()), (small.chunk(), 4));
}
