use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::support::{MemoryDir, Record, build, context, range};
use crate::iter::Cursor;
use crate::key::{self, Kind, hash, trailer};
use crate::options::Compression;
use crate::table::{BuildOptions, ReadHow, Table};

fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(0u8..3, 0..5),
        "user:00000000[0-9]{1,4}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..30),
    ]
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let entry = (keys(), prop::collection::btree_set(1u64..40, 1..12), any::<bool>(), 0usize..200);
    prop::collection::vec(entry, 1..120).prop_map(|entries| {
        let mut all = BTreeMap::new();
        for (key, versions, delete, bytes) in entries {
            for seqno in versions {
                let delete = delete && seqno % 3 == 0;
                let kind = if delete { Kind::Delete } else { Kind::Set };
                let value = if delete { vec![] } else { vec![seqno as u8; bytes] };
                all.insert((key.clone(), Reverse(seqno)), (trailer(seqno, kind), value));
            }
        }
        all.into_iter().map(|((key, _), (trailer, value))| (key, trailer, value)).collect()
    })
}

fn build_options() -> impl Strategy<Value = BuildOptions> {
    let compression =
        prop_oneof![Just(Compression::None), Just(Compression::Lz4), Just(Compression::Zstd(1))];
    (compression, prop_oneof![Just(0u32), 1u32..20], prop_oneof![Just(1usize), 64usize..6000]).prop_map(
        |(compression, filter_bits_per_key, block_bytes)| BuildOptions {
            compression,
            filter_bits_per_key,
            block_bytes,
        },
    )
}

fn hows() -> impl Strategy<Value = ReadHow> {
    (any::<bool>(), any::<bool>()).prop_map(|(fill_cache, sequential)| ReadHow {
        may_block: true,
        fill_cache,
        sequential,
    })
}

fn here(cursor: &impl Cursor) -> Option<Record> {
    cursor.valid().then(|| (cursor.user_key().to_vec(), cursor.trailer(), cursor.value().to_vec()))
}

/// Walks forward, then back again, from where a cursor of each kind stands.
fn check_cursor(table: &Arc<Table>, how: ReadHow, records: &[Record], probes: &[Vec<u8>]) {
    let mut cursor = table.cursor(how).unwrap();
    assert_eq!(here(&cursor), None);
    cursor.next().unwrap();
    cursor.seek_to_first().unwrap();
    let mut forward = Vec::new();
    while let Some(record) = here(&cursor) {
        forward.push(record);
        cursor.next().unwrap();
    }
    assert_eq!(forward, records);
    cursor.seek_to_last().unwrap();
    let mut backward = Vec::new();
    while let Some(record) = here(&cursor) {
        backward.push(record);
        cursor.prev().unwrap();
    }
    backward.reverse();
    assert_eq!(backward, records);
    for probe in probes {
        for trailer in [u64::MAX, key::seek_trailer(20), 0] {
            cursor.seek(probe, trailer).unwrap();
            let at = records.partition_point(|(k, t, _)| key::compare(k, *t, probe, trailer).is_lt());
            assert_eq!(here(&cursor).as_ref(), records.get(at));
            if cursor.valid() {
                cursor.prev().unwrap();
                let before = at.checked_sub(1).and_then(|at| records.get(at));
                assert_eq!(here(&cursor).as_ref(), before);
            }
        }
        cursor.seek_before(probe).unwrap();
        let at = records.partition_point(|(k, ..)| k < probe);
        let before = at.checked_sub(1).and_then(|at| records.get(at));
        assert_eq!(here(&cursor).as_ref(), before);
        if cursor.valid() {
            cursor.next().unwrap();
            assert_eq!(here(&cursor).as_ref(), records.get(at));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_table_answers_like_a_sorted_list(
        records in records(),
        options in build_options(),
        others in prop::collection::vec(keys(), 1..20),
        how in hows(),
        cache in prop_oneof![Just(0usize), Just(4000), Just(1 << 20)],
        paranoid: bool,
    ) {
        let dir = Arc::new(MemoryDir::default());
        let meta = build(&dir, 12, options, &records, &[]);
        prop_assert_eq!(&*meta.smallest, &*records[0].0);
        prop_assert_eq!(&*meta.largest, &*records[records.len() - 1].0);
        prop_assert_eq!(meta.entries, records.len() as u64);
        let raw: usize = records.iter().map(|(k, _, v)| k.len() + v.len() + 8).sum();
        prop_assert_eq!(meta.raw_bytes, raw as u64);
        let seqnos = || records.iter().map(|(_, t, _)| key::seqno_of(*t));
        prop_assert_eq!(Some(meta.min_seqno), seqnos().min());
        prop_assert_eq!(Some(meta.max_seqno), seqnos().max());
        prop_assert_eq!(meta.size, dir.file(12).bytes.lock().unwrap().len() as u64);

        let table = Table::new(meta.clone(), context(&dir, cache, 4, paranoid));
        prop_assert!(table.verify().unwrap() >= 3);
        let known = records.iter().map(|(key, ..)| key.clone());
        let probes: Vec<Vec<u8>> = known.chain(others).collect();
        let mut last_offset = (Vec::new(), 0);
        for probe in &probes {
            for snapshot in [0, 1, 13, 39, key::MAX_SEQNO] {
                let found = table.get(probe, hash(probe), snapshot, how, |t, v| (probe.clone(), t, v.to_vec())).unwrap();
                let expected = records.iter().find(|(k, t, _)| k == probe && key::seqno_of(*t) <= snapshot);
                prop_assert_eq!(found.as_ref(), expected);
            }
            let offset = table.approximate_offset(probe).unwrap();
            prop_assert!(offset <= meta.size);
            if last_offset.0 < *probe {
                prop_assert!(last_offset.1 <= offset);
            }
            last_offset = (probe.clone(), offset);
        }
        check_cursor(&table, how, &records, &probes);
        prop_assert_eq!(table.covering(&probes[0], key::MAX_SEQNO, how).unwrap(), 0);
    }

    #[test]
    fn range_tombstones_widen_the_bounds_and_cover(
        records in prop::option::of(records()),
        ranges in prop::collection::vec((keys(), keys(), 1u64..40), 1..6),
        options in build_options(),
        probes in prop::collection::vec(keys(), 1..20),
    ) {
        let records = records.unwrap_or_default();
        let ranges: Vec<_> = ranges.iter().filter(|(a, b, _)| a < b).map(|(a, b, s)| range(a, b, *s)).collect();
        prop_assume!(!ranges.is_empty());
        let dir = Arc::new(MemoryDir::default());
        let meta = build(&dir, 3, options, &records, &ranges);
        let table = super::support::open(&dir, &meta);
        table.verify().unwrap();
        prop_assert_eq!(meta.range_deletes, ranges.len() as u64);
        prop_assert_eq!(meta.entries, records.len() as u64);
        let how = ReadHow::default();
        for probe in &probes {
            for snapshot in [0, 10, 50] {
                let covers = ranges.iter().filter(|r| *r.start <= **probe && **probe < *r.end && r.seqno <= snapshot);
                let expected = covers.map(|r| r.seqno).max().unwrap_or(0);
                prop_assert_eq!(table.covering(probe, snapshot, how).unwrap(), expected);
                if expected > 0 {
                    let below = if meta.largest_exclusive { **probe < *meta.largest } else { **probe <= *meta.largest };
                    prop_assert!(*meta.smallest <= **probe && below);
                }
            }
        }
        prop_assert!(!table.range_dels(how).unwrap().is_empty());
        check_cursor(&table, how, &records, &probes);
    }
}
