use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};

use super::support::{MemoryDir, PLAIN, Record, build, context, open};
use crate::cache::{BlockCache, TableCache};
use crate::error::ErrorKind;
use crate::fs::Dir;
use crate::fs::OpenMode;
use crate::fs::names::FileName;
use crate::iter::Cursor;
use crate::key::{self, Kind, hash, trailer};
use crate::table::{ReadHow, Table, TableBuilder, TableContext};

fn records(count: u64) -> Vec<Record> {
    (0..count)
        .map(|n| (format!("key{n:06}").into_bytes(), trailer(n + 1, Kind::Set), vec![n as u8; 100]))
        .collect()
}

fn get(table: &Table, record: &Record, how: ReadHow) -> Result<bool, ErrorKind> {
    let (key, trailer, value) = record;
    let found = table.get(key, hash(key), key::MAX_SEQNO, how, |t, v| t == *trailer && v == value);
    found.map(|found| found.unwrap()).map_err(|e| e.kind())
}

/// Bytes of blocks in the cache.
fn held(ctx: &TableContext) -> usize {
    ctx.blocks().stats().block_bytes
}

const HOW: ReadHow = ReadHow { may_block: true, fill_cache: true, sequential: false };

#[test]
fn misuse_of_the_builder_is_an_error_that_stays() {
    let dir = MemoryDir::default();
    let builder = |n| {
        let file = dir.open(&FileName::Table(n).to_string(), OpenMode::CreateNew).unwrap();
        TableBuilder::new(file, n, PLAIN)
    };
    let mut unordered = builder(1);
    unordered.add(b"b", trailer(5, Kind::Set), b"").unwrap();
    assert_eq!(unordered.add(b"a", trailer(6, Kind::Set), b"").unwrap_err(), ErrorKind::Internal);
    assert_eq!(unordered.add(b"c", trailer(6, Kind::Set), b"").unwrap_err(), ErrorKind::Internal);
    assert_eq!(unordered.finish().unwrap_err(), ErrorKind::Internal);
    for wrong in [5, 6] {
        let mut versions = builder(2);
        versions.add(b"b", trailer(5, Kind::Set), b"").unwrap();
        assert_eq!(versions.add(b"b", trailer(wrong, Kind::Set), b"").unwrap_err(), ErrorKind::Internal);
    }
    let empty = builder(3);
    assert!(empty.is_empty());
    assert_eq!(empty.finish().unwrap_err(), ErrorKind::Internal);
}

#[test]
fn all_versions_of_a_key_share_a_block() {
    let dir = Arc::new(MemoryDir::default());
    let versions: Vec<Record> =
        (1..=500u64).rev().map(|s| (b"key".to_vec(), trailer(s, Kind::Set), vec![0; 50])).collect();
    let all =
        [vec![(b"a".to_vec(), 256, vec![1; 500])], versions, vec![(b"z".to_vec(), 256, vec![])]].concat();
    let table = open(&dir, &build(&dir, 1, PLAIN, &all, &[]));
    let offset = table.approximate_offset(b"key").unwrap();
    assert!(offset > 0 && table.approximate_offset(b"z").unwrap() > offset + 500 * 50);
    for snapshot in [1, 250, 500] {
        let found = table.get(b"key", hash(b"key"), snapshot, HOW, |t, _| key::seqno_of(t)).unwrap();
        assert_eq!(found, Some(snapshot));
    }
}

#[test]
fn a_missing_block_is_loaded_once_however_many_ask() {
    let dir = Arc::new(MemoryDir::default());
    let all = records(200);
    let table = open(&dir, &build(&dir, 1, PLAIN, &all, &[]));
    table.cursor(HOW).unwrap();
    let before = dir.file(1).reads.load(Ordering::Relaxed);
    let blocks = {
        let mut offsets: Vec<u64> = all.iter().map(|(k, ..)| table.approximate_offset(k).unwrap()).collect();
        offsets.dedup();
        offsets.len()
    };
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                assert!(all.iter().all(|record| get(&table, record, HOW).unwrap()));
            });
        }
    });
    assert_eq!(dir.file(1).reads.load(Ordering::Relaxed) - before, blocks);
}

#[test]
fn reads_that_may_not_block_say_so() {
    let dir = Arc::new(MemoryDir::default());
    let all = records(50);
    let ctx = context(&dir, 1 << 20, 10, false);
    let table = Table::new(build(&dir, 1, PLAIN, &all, &[]), ctx.clone());
    let nowait = ReadHow { may_block: false, ..HOW };
    assert_eq!(get(&table, &all[0], nowait), Err(ErrorKind::WouldBlock));
    assert_eq!(get(&table, &all[0], HOW), Ok(true));
    assert_eq!(get(&table, &all[0], nowait), Ok(true));
    assert_eq!(get(&table, &all[49], nowait), Err(ErrorKind::WouldBlock));
    dir.file(1).resident.store(true, Ordering::Relaxed);
    assert_eq!(get(&table, &all[49], nowait), Ok(true));
    dir.file(1).fail_reads.store(true, Ordering::Relaxed);
    assert_eq!(get(&table, &all[49], nowait), Ok(true), "the block was cached");
    assert_eq!(get(&table, &all[25], HOW), Err(ErrorKind::Io));
    dir.file(1).fail_reads.store(false, Ordering::Relaxed);
    assert_eq!(get(&table, &all[25], HOW), Ok(true), "an error is not remembered");
}

#[test]
fn reads_without_fill_and_sequential_cursors_leave_the_cache_alone() {
    let dir = Arc::new(MemoryDir::default());
    let all = records(300);
    let ctx = context(&dir, 1 << 20, 10, false);
    let table = Table::new(build(&dir, 1, PLAIN, &all, &[]), ctx.clone());
    assert_eq!(get(&table, &all[7], ReadHow { fill_cache: false, ..HOW }), Ok(true));
    let before = dir.file(1).reads.load(Ordering::Relaxed);
    let mut cursor = table.cursor(ReadHow { sequential: true, ..HOW }).unwrap();
    cursor.seek_to_first().unwrap();
    let mut count = 0;
    while cursor.valid() {
        count += 1;
        cursor.next().unwrap();
    }
    assert_eq!(count, 300);
    assert_eq!(dir.file(1).reads.load(Ordering::Relaxed) - before, 1, "one large read");
    assert_eq!(held(&ctx), 0);
}

#[test]
fn at_most_the_given_number_of_tables_stay_open() {
    let dir = Arc::new(MemoryDir::default());
    let all = records(20);
    let ctx = context(&dir, 1 << 20, 3, false);
    let tables: Vec<_> =
        (1..=10).map(|n| Table::new(build(&dir, n, PLAIN, &all, &[]), ctx.clone())).collect();
    for _ in 0..3 {
        for table in &tables {
            assert_eq!(get(table, &all[3], HOW), Ok(true));
            assert!(ctx.tables().open_tables() <= 3);
        }
    }
    // A cursor keeps its file although the cache closed it.
    let mut cursor = tables[0].cursor(HOW).unwrap();
    for table in &tables[1..] {
        assert_eq!(get(table, &all[3], HOW), Ok(true));
    }
    cursor.seek(b"key000005", u64::MAX).unwrap();
    assert_eq!(cursor.user_key(), b"key000005");
    drop((cursor, tables));
    assert_eq!(ctx.tables().open_tables(), 0);
    assert_eq!(held(&ctx), 0);
    assert_eq!(ctx.blocks().stats().pinned_bytes, 0);
}

#[test]
fn an_obsolete_table_reports_itself_once_when_the_last_reference_goes() {
    let dir = Arc::new(MemoryDir::default());
    let (reported, count) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let on_unused = {
        let (reported, count) = (reported.clone(), count.clone());
        Box::new(move |number| {
            reported.store(number, Ordering::Relaxed);
            count.fetch_add(1, Ordering::Relaxed);
        })
    };
    let ctx = TableContext::new(
        dir.clone(),
        BlockCache::new(1 << 20),
        TableCache::new(4),
        false,
        on_unused,
        Box::new(|_| {}),
    );
    let all = records(20);
    drop(Table::new(build(&dir, 8, PLAIN, &all, &[]), ctx.clone()));
    let table = Table::new(build(&dir, 9, PLAIN, &all, &[]), ctx);
    let mut cursor = table.cursor(HOW).unwrap();
    table.mark_obsolete();
    drop(table);
    assert_eq!(count.load(Ordering::Relaxed), 0);
    cursor.seek_to_first().unwrap();
    drop(cursor);
    assert_eq!((reported.load(Ordering::Relaxed), count.load(Ordering::Relaxed)), (9, 1));
}

#[test]
fn readers_evictions_and_closes_get_along() {
    let dir = Arc::new(MemoryDir::default());
    let all = records(400);
    let ctx = context(&dir, 12_000, 2, false);
    let tables: Vec<_> = (1..=4).map(|n| Table::new(build(&dir, n, PLAIN, &all, &[]), ctx.clone())).collect();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..4usize {
            let (tables, all, stop) = (&tables, &all, &stop);
            scope.spawn(move || {
                let mut at = thread * 97;
                for _ in 0..4000 {
                    at = (at * 31 + 17) % all.len();
                    assert!(get(&tables[(at + thread) % 4], &all[at], HOW).unwrap());
                }
                stop.store(true, Ordering::Relaxed);
            });
        }
    });
    let stats = ctx.blocks().stats();
    assert!(held(&ctx) <= 12_000, "{stats:?}");
    assert!(stats.misses > 0 && stats.hits + stats.misses >= 16_000);
    drop(tables);
    assert_eq!(held(&ctx), 0);
}
