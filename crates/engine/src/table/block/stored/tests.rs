use proptest::prelude::*;

use super::*;
use crate::key::{Kind, trailer};
use crate::table::block::Block;

type Entries = Vec<(Vec<u8>, u64, Vec<u8>)>;

fn encoded(common: &[u8], entries: &Entries) -> Vec<u8> {
    let mut out = Vec::new();
    let rows = entries.iter().map(|(suffix, trailer, value)| Row {
        suffix,
        trailer: *trailer,
        value: value.as_slice(),
    });
    encode(common, rows, &mut out);
    out
}

/// What can be read of a block; it must not panic.
fn entries_of(block: &SharedBlock) -> Entries {
    let block = Block::of(block);
    let rows = (0..block.len()).map(|at| block.row(at).unwrap());
    rows.map(|row| (row.suffix.to_vec(), row.trailer, row.value.to_vec())).collect()
}

fn entries() -> impl Strategy<Value = Entries> {
    let seqnos = prop_oneof![0..300u64, 0..=MAX_SEQNO, Just(0), Just(MAX_SEQNO)];
    let kinds = prop_oneof![9 => Just(Kind::Set as u8), 1 => any::<u8>()];
    let trailers = (seqnos, kinds).prop_map(|(seqno, kind)| seqno << 8 | u64::from(kind));
    let suffixes = prop::collection::vec(any::<u8>(), 0..20);
    let lengths = prop_oneof![20 => 0..40usize, 1 => Just(300), 1 => Just(70_000)];
    let values = (any::<u8>(), lengths).prop_map(|(byte, length)| vec![byte; length]);
    prop::collection::vec((suffixes, trailers, values), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_was_stored_is_read(common in prop::collection::vec(any::<u8>(), 0..20), entries in entries()) {
        let block = decode(&encoded(&common, &entries)).unwrap();
        prop_assert_eq!(Block::of(&block).common_prefix(), &common);
        prop_assert_eq!(entries_of(&block), entries);
    }

    #[test]
    fn every_truncation_is_refused(entries in entries()) {
        let stored = encoded(b"common", &entries);
        for length in (0..stored.len().min(500)).chain(stored.len().saturating_sub(500)..stored.len()) {
            prop_assert!(decode(&stored[..length]).is_err(), "cut at {} of {}", length, stored.len());
        }
        prop_assert!(decode(&[&stored[..], &[0]].concat()).is_err());
    }

    #[test]
    fn hostile_bytes_are_refused_or_readable(
        entries in entries(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut stored = encoded(b"common", &entries);
        let head = stored.len().min(300);
        for (at, byte) in changes {
            stored[at.index(head)] = byte;
        }
        let Ok(block) = decode(&stored) else { return Ok(()) };
        prop_assert!(Block::of(&block).bytes().len() <= 12 + 10 * stored.len());
        let readable = entries_of(&block);
        for (suffix, ..) in &readable {
            let key = [Block::of(&block).common_prefix(), suffix].concat();
            Block::of(&block).get(&key, key::hash(&key), MAX_SEQNO / 2);
            prop_assert!(Block::of(&block).lower_bound(&key, 0) <= readable.len());
        }
    }
}

#[test]
fn steps_take_the_bytes_that_the_widest_needs() {
    let size = |seqnos: &[u64]| {
        let entries = seqnos.iter().map(|seqno| (vec![], trailer(*seqno, Kind::Set), vec![])).collect();
        let stored = encoded(b"", &entries);
        assert_eq!(entries_of(&decode(&stored).unwrap()), entries);
        // Three bytes an entry; before them count and prefix, behind them the first seqno and the width.
        stored.len() - 3 * seqnos.len() - 3 - varint_len(seqnos[0])
    };
    assert_eq!(size(&[7, 7, 7]), 0);
    assert_eq!(size(&[MAX_SEQNO]), 0);
    assert_eq!(size(&[1000, 1001, 1002]), 3);
    assert_eq!(size(&[200, 73, 200]), 3);
    assert_eq!(size(&[201, 73, 200]), 3);
    assert_eq!(size(&[200, 72, 200]), 6);
    assert_eq!(size(&[0, MAX_SEQNO]), 16);
}

#[test]
fn columns_that_cannot_be_true_are_refused() {
    let entries = (0..3u8).map(|k| (vec![k], trailer(u64::from(k) + 1, Kind::Set), vec![k; 5])).collect();
    // 0: count, 1: prefix length, 2: prefix, 4: suffix lengths, 7: value lengths, 10: kinds, 13: first, 14: width, 15: steps
    let stored = encoded(b"pp", &entries);
    assert_eq!(stored[..18], [3, 2, b'p', b'p', 1, 1, 1, 5, 5, 5, 1, 1, 1, 1, 1, 0, 2, 2]);
    for (at, byte) in
        [(0, 0), (0, 2), (0, 4), (1, 200), (4, 0), (4, 2), (9, 4), (9, 6), (14, 0), (14, 9), (15, 3)]
    {
        let mut changed = stored.clone();
        changed[at] = byte;
        assert!(decode(&changed).is_err(), "byte {at} = {byte}");
    }
}

#[test]
fn counts_and_lengths_are_not_believed_before_they_are_checked() {
    let with = |count: u64, common: u64, suffix: u64, value: u64| {
        let mut stored = Vec::new();
        for number in [count, common, suffix, value] {
            put_varint(&mut stored, number);
        }
        // Kind, first seqno, width of the steps.
        stored.extend_from_slice(&[1, 1, 0]);
        decode(&stored).map(|_| ())
    };
    assert_eq!(with(1, 0, 0, 0), Ok(()));
    for huge in [1 << 20, u64::from(u32::MAX), 1 << 32 | 1, 1 << 63, u64::MAX] {
        assert!(with(huge, 0, 0, 0).is_err() && with(1, huge, 0, 0).is_err());
        assert!(with(1, 0, huge, 0).is_err() && with(1, 0, 0, huge).is_err());
    }
}

#[test]
fn keys_have_at_most_their_greatest_length() {
    let decoded = |common: usize, suffix: usize| {
        let common = vec![1; common];
        decode(&encoded(&common, &vec![(vec![2; suffix], 256, vec![])])).map(|_| ())
    };
    assert_eq!(decoded(0, MAX_KEY_BYTES), Ok(()));
    assert_eq!(decoded(MAX_KEY_BYTES, 0), Ok(()));
    for (common, suffix) in [(0, MAX_KEY_BYTES + 1), (1, MAX_KEY_BYTES), (MAX_KEY_BYTES + 1, 0)] {
        assert_eq!(decoded(common, suffix), Err("a block whose keys are too long"));
    }
}

#[test]
fn the_example_of_the_format_description_is_true() {
    let entries = vec![
        (b"1".to_vec(), trailer(300, Kind::Set), b"one".to_vec()),
        (b"2".to_vec(), trailer(299, Kind::Delete), vec![]),
    ];
    let stored = b"\x02\x03key\x01\x01\x03\x00\x01\x00\xac\x02\x01\x00\x011one2";
    assert_eq!(encoded(b"key", &entries), stored);
    assert_eq!(entries_of(&decode(stored).unwrap()), entries);
}
