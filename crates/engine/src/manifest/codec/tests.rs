use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

pub(in crate::manifest) fn any_table() -> impl Strategy<Value = TableMeta> {
    let numbers = (any::<[u64; 2]>(), any::<u64>(), any::<[u64; 10]>());
    let keys = (vec(any::<u8>(), 0..40), vec(any::<u8>(), 0..40), any::<bool>());
    (numbers, keys).prop_map(|(([number, size], checksum, rest), (smallest, largest, exclusive))| TableMeta {
        number,
        size,
        checksum,
        smallest: smallest.into(),
        largest: largest.into(),
        largest_exclusive: exclusive,
        min_seqno: rest[0],
        max_seqno: rest[1],
        entries: rest[2],
        tombstones: rest[3],
        range_deletes: rest[4],
        raw_bytes: rest[5],
        superseded: rest[6] % 3,
        expiring: match rest[7] % 3 {
            0 => Expiring::default(),
            count => Expiring { count, first: rest[8], last: rest[9] },
        },
    })
}

fn any_edit() -> impl Strategy<Value = VersionEdit> {
    let numbers = (option::of(any::<u64>()), option::of(any::<u64>()), option::of(any::<u64>()));
    (vec((0usize..256, any_table()), 0..6), vec((0usize..256, any::<u64>()), 0..6), numbers).prop_map(
        |(added, removed, (log_number, next_file, last_seqno))| VersionEdit {
            added,
            removed,
            log_number,
            next_file,
            last_seqno,
        },
    )
}

fn bytes_of(edit: &VersionEdit) -> Vec<u8> {
    let mut out = Vec::new();
    encode(edit, &mut out);
    out
}

proptest! {
    #[test]
    fn edits_round_trip(edit in any_edit()) {
        prop_assert_eq!(decode(&bytes_of(&edit)).unwrap(), edit);
    }

    #[test]
    fn arbitrary_bytes_are_an_edit_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        if let Err(error) = decode(&bytes) {
            prop_assert!(matches!(error.kind(), ErrorKind::Corruption | ErrorKind::UnsupportedFormat));
        }
    }

    #[test]
    fn a_cut_edit_is_refused_or_has_fewer_fields(edit in any_edit()) {
        let bytes = bytes_of(&edit);
        for end in 0..bytes.len() {
            if let Ok(part) = decode(&bytes[..end]) {
                prop_assert!(part.removed.len() + part.added.len() <= edit.removed.len() + edit.added.len());
                prop_assert_ne!(&part, &edit);
            }
        }
    }
}

#[test]
fn the_bytes_are_as_documented() {
    let table = TableMeta {
        number: 9,
        size: 300,
        checksum: 0x0807_0605_0403_0201,
        smallest: (*b"a").into(),
        largest: (*b"zz").into(),
        largest_exclusive: true,
        min_seqno: 1,
        max_seqno: 2,
        entries: 3,
        tombstones: 4,
        range_deletes: 5,
        raw_bytes: 6,
        superseded: 7,
        expiring: Expiring { count: 3, first: 1, last: 2 },
    };
    let edit = VersionEdit {
        added: vec![(2, table)],
        removed: vec![(0, 7)],
        log_number: Some(4),
        next_file: Some(128),
        last_seqno: Some(5),
    };
    let wanted = b"\x01\x01\x04\x02\x02\x80\x01\x03\x01\x05\x04\x02\x00\x07\
        \x05\x20\x02\x09\xac\x02\x01\x02\x03\x04\x05\x06\x07\x08\x01a\x02zz\x01\x01\x02\x03\x04\x05\x06\x81\x01\x07\
        \x82\x03\x03\x01\x02";
    assert_eq!(bytes_of(&edit), wanted);
}

#[test]
fn unknown_fields_are_skipped_only_when_they_say_so() {
    let edit = VersionEdit { last_seqno: Some(5), ..VersionEdit::default() };
    let with = |tag: u8| [&[tag, 3, 1, 2, 3][..], &bytes_of(&edit)].concat();
    assert_eq!(decode(&with(0x87)).unwrap(), edit);
    for tag in [0, 6, 7, 0x7f] {
        assert_eq!(decode(&with(tag)).unwrap_err(), ErrorKind::UnsupportedFormat, "tag {tag}");
    }
}

#[test]
fn unknown_fields_of_a_table_are_skipped_only_when_they_say_so() {
    let edit = VersionEdit { added: vec![(1, TableMeta::default())], ..VersionEdit::default() };
    let bytes = bytes_of(&edit);
    let with = |tag: u8| {
        let mut longer = bytes.clone();
        longer[1] += 3;
        longer.extend([tag, 1, 0xff]);
        longer
    };
    assert_eq!(decode(&with(0x83)).unwrap(), edit);
    assert_eq!(decode(&with(1)).unwrap_err(), ErrorKind::UnsupportedFormat);
}

#[test]
fn surplus_bytes_in_a_field_and_repeated_numbers_are_refused() {
    for bytes in
        [&b"\x01\x02\x04\x00"[..], b"\x01\x01\x04\x01\x01\x04", b"\x04\x03\x00\x07\x00", b"\x01\x00", b"\x01"]
    {
        assert_eq!(decode(bytes).unwrap_err(), ErrorKind::Corruption, "{bytes:?}");
    }
}
