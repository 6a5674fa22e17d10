use proptest::prelude::*;

use super::*;
use crate::version::Expiring;

fn tombstone(start: &[u8], end: &[u8], seqno: u64) -> RangeTombstone {
    RangeTombstone { start: start.into(), end: end.into(), seqno }
}

proptest! {
    #[test]
    fn properties_round_trip(numbers: [u64; 8], expiring in (1u64.., any::<u64>(), any::<u64>()), smallest: Vec<u8>, largest: Vec<u8>, exclusive: bool) {
        let [entries, tombstones, range_deletes, raw_bytes, min_seqno, max_seqno, data_blocks, superseded] = numbers;
        let meta = TableMeta {
            number: 7,
            smallest: smallest.into(),
            largest: largest.into(),
            largest_exclusive: exclusive,
            entries,
            tombstones,
            range_deletes,
            raw_bytes,
            min_seqno,
            max_seqno,
            superseded,
            expiring: Expiring { count: expiring.0, first: expiring.1, last: expiring.2 },
            ..TableMeta::default()
        };
        let mut bytes = Properties { meta: meta.clone(), data_blocks }.encode();
        put_varint(&mut bytes, 99);
        put_bytes(&mut bytes, b"from the future");
        let read = Properties::decode(&bytes).unwrap();
        prop_assert!(read.describe(&meta));
        prop_assert_eq!(read.data_blocks, data_blocks);
        let other = TableMeta { raw_bytes: raw_bytes.wrapping_add(1), ..meta };
        prop_assert!(!read.describe(&other));
    }

    #[test]
    fn hostile_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Properties::decode(&bytes);
        let _ = decode_range_deletes(&bytes);
    }
}

#[test]
fn range_deletes_round_trip_and_empty_ranges_are_refused() {
    let set = [tombstone(b"", b"a", 1), tombstone(b"b", b"bb", 9)];
    assert_eq!(decode_range_deletes(&encode_range_deletes(&set)).unwrap(), set);
    for bad in [tombstone(b"b", b"b", 1), tombstone(b"b", b"a", 1), tombstone(b"a", b"b", MAX_SEQNO + 1)] {
        assert!(decode_range_deletes(&encode_range_deletes(&[bad])).is_none());
    }
    let bytes = encode_range_deletes(&set);
    assert!((0..bytes.len()).all(|end| decode_range_deletes(&bytes[..end]).is_none()));
}
