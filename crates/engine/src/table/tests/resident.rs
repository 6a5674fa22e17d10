//! Tables that are wholly in memory answer like those that are not, and come and go with the budget.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::support::{MemoryDir, PLAIN, Record, build, context, open};
use crate::cache::{BlockCache, Openable, TableCache};
use crate::error::ErrorKind;
use crate::iter::Cursor;
use crate::key::{self, Kind, hash, trailer};
use crate::table::{BuildOptions, ReadHow, Table, TableContext};
use crate::version::TableMeta;

const HOW: ReadHow = ReadHow { may_block: true, fill_cache: true, sequential: false };
const NUMBER: u64 = 1;

/// Keys with and without a long common prefix, the empty one among them; versions, tombstones, rows of all sizes.
fn varied() -> Vec<Record> {
    let mut records = BTreeMap::new();
    let mut add = |key: &str, seqno: u64, kind: Kind, value: usize| {
        let value = vec![(seqno % 251) as u8; value];
        records.insert((key.as_bytes().to_vec(), Reverse(trailer(seqno, kind))), value);
    };
    let prefix = "a part that many keys begin with/".repeat(8);
    for n in 0..600u64 {
        let key = if n % 3 == 0 { format!("{prefix}{n:05}") } else { format!("key{n:05}") };
        add(&key, 1000 + n, Kind::Set, (n % 90) as usize);
        if n % 5 == 0 {
            for older in 1..4 {
                add(&key, older * 100 + n % 7, Kind::Set, older as usize);
            }
        }
        if n % 10 == 0 {
            add(&key, 2000 + n, Kind::Delete, 0);
        }
    }
    add("", 77, Kind::Set, 3);
    add("", 50, Kind::Delete, 0);
    add("long", 900, Kind::Set, 70_000);
    add("long", 800, Kind::Set, 66_000);
    for value in 65_535 - 30..65_535 {
        add(&format!("row of about 64 KiB {value}"), 500, Kind::Set, value);
    }
    for seqno in 1..=300 {
        add("many versions", seqno, Kind::Set, 5);
    }
    records.into_iter().map(|((key, Reverse(trailer)), value)| (key, trailer, value)).collect()
}

/// Records of one version each.
fn plain(count: u64) -> Vec<Record> {
    (0..count)
        .map(|n| (format!("key{n:06}").into_bytes(), trailer(n + 1, Kind::Set), vec![n as u8; 100]))
        .collect()
}

type Answer = Option<(u64, Vec<u8>)>;

fn get(table: &Table, key: &[u8], snapshot: u64) -> Answer {
    table.get(key, hash(key), snapshot, HOW, |trailer, value| (trailer, value.to_vec())).unwrap()
}

fn has_all(table: &Table, records: &[Record]) -> bool {
    records.iter().all(|(key, trailer, value)| {
        get(table, key, key::seqno_of(*trailer)) == Some((*trailer, value.clone()))
    })
}

/// Keys that are there, and others before, between and behind them.
fn keys(records: &[Record]) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = records.iter().map(|(key, ..)| key.clone()).collect();
    keys.dedup();
    let others = keys.iter().flat_map(|key| {
        let shorter = key[..key.len().saturating_sub(1)].to_vec();
        [[key, &b"x"[..]].concat(), [key, &[0][..]].concat(), shorter]
    });
    let others: Vec<_> = others.collect();
    [keys, others, vec![vec![255; 40], b"b".to_vec()]].concat()
}

fn here(cursor: &impl Cursor) -> Option<Record> {
    cursor.valid().then(|| (cursor.user_key().to_vec(), cursor.trailer(), cursor.value().to_vec()))
}

/// Asserts that `table` answers everything like `twin`.
fn assert_alike(table: &Arc<Table>, twin: &Arc<Table>, records: &[Record]) {
    for key in keys(records) {
        for snapshot in [0, 1, 49, 60, 101, 150, 299, 500, 850, 1300, 2100, key::MAX_SEQNO] {
            assert_eq!(get(table, &key, snapshot), get(twin, &key, snapshot), "{key:?} at {snapshot}");
        }
    }
    for sequential in [false, true] {
        let how = ReadHow { sequential, ..HOW };
        let mut cursor = table.cursor(how).unwrap();
        cursor.seek_to_first().unwrap();
        for record in records {
            assert_eq!(here(&cursor).as_ref(), Some(record));
            cursor.next().unwrap();
        }
        assert!(!cursor.valid());
        cursor.seek_to_last().unwrap();
        for record in records.iter().rev() {
            assert_eq!(here(&cursor).as_ref(), Some(record));
            cursor.prev().unwrap();
        }
        assert!(!cursor.valid());
    }
    let (mut cursor, mut other) = (table.cursor(HOW).unwrap(), twin.cursor(HOW).unwrap());
    for key in keys(records) {
        for seqno in [key::MAX_SEQNO, 1200, 60, 0] {
            cursor.seek(&key, key::seek_trailer(seqno)).unwrap();
            other.seek(&key, key::seek_trailer(seqno)).unwrap();
            assert_eq!(here(&cursor), here(&other), "seek {key:?} at {seqno}");
        }
        cursor.seek_before(&key).unwrap();
        other.seek_before(&key).unwrap();
        assert_eq!(here(&cursor), here(&other), "before {key:?}");
        cursor.next().unwrap();
        other.next().unwrap();
        assert_eq!(here(&cursor), here(&other), "after the one before {key:?}");
    }
}

fn reads(dir: &MemoryDir) -> usize {
    dir.file(NUMBER).reads.load(Ordering::Relaxed)
}

fn pinned(ctx: &TableContext) -> usize {
    ctx.blocks().stats().pinned_bytes
}

/// A table of `records` in a context of its own, opened.
fn opened(
    records: &[Record],
    cache_bytes: usize,
) -> (Arc<MemoryDir>, Arc<TableContext>, TableMeta, Arc<Table>) {
    let dir = Arc::new(MemoryDir::default());
    let meta = build(&dir, NUMBER, PLAIN, records, &[]);
    let ctx = context(&dir, cache_bytes, 10, false);
    let table = Table::new(meta.clone(), ctx.clone());
    table.cursor(HOW).unwrap();
    (dir, ctx, meta, table)
}

#[test]
fn it_answers_as_before_and_reads_the_file_no_more() {
    let records = varied();
    let (dir, ctx, meta, table) = opened(&records, 64 << 20);
    // The twin has a file of its own, so that its reads are not counted.
    let apart = Arc::new(MemoryDir::default());
    apart.put(NUMBER, dir.file(NUMBER).bytes.lock().unwrap().clone());
    let twin = open(&apart, &meta);
    assert!(has_all(&table, &records));
    table.make_resident();
    assert!(Openable::is_resident(&*table) && !Openable::is_resident(&*twin));
    assert_eq!(ctx.blocks().stats().block_bytes, 0, "blocks are not in memory twice");
    let before = reads(&dir);
    assert_alike(&table, &twin, &records);
    table.make_resident();
    assert_eq!(reads(&dir), before);
    assert!(has_all(&table, &records));
}

#[test]
fn blocks_with_long_common_prefixes_have_room() {
    for (key, value) in [(100, 1000), (1000, 10), (30_000, 0), (60, 4000)] {
        let records: Vec<Record> = (0..300u64)
            .map(|n| {
                (
                    [vec![b'p'; key], n.to_be_bytes().to_vec()].concat(),
                    trailer(n + 1, Kind::Set),
                    vec![1; value],
                )
            })
            .collect();
        let (_, ctx, _, table) = opened(&records, 256 << 20);
        table.make_resident();
        assert!(Openable::is_resident(&*table), "keys of {key} bytes, values of {value}");
        assert!(pinned(&ctx) > 300 * (key + value));
        assert!(has_all(&table, &records));
        drop(table);
        assert_eq!(pinned(&ctx), 0);
    }
}

#[test]
fn keys_that_look_like_others_are_told_apart() {
    // So many that some share bucket and print, and without a filter before the point index.
    let key = |n: u32| n.wrapping_mul(0x9e37_79b1).to_be_bytes().to_vec();
    let mut keys: Vec<_> = (0..100_000).map(key).collect();
    keys.sort();
    let records: Vec<Record> =
        keys.into_iter().map(|key| (key.clone(), trailer(9, Kind::Set), key)).collect();
    let dir = Arc::new(MemoryDir::default());
    let meta = build(&dir, NUMBER, BuildOptions { filter_bits_per_key: 0, ..PLAIN }, &records, &[]);
    let table = Table::new(meta, context(&dir, 64 << 20, 10, false));
    table.cursor(HOW).unwrap();
    table.make_resident();
    assert!(Openable::is_resident(&*table) && has_all(&table, &records));
    for missing in (100_000..200_000).map(key) {
        assert_eq!(get(&table, &missing, key::MAX_SEQNO), None);
    }
}

/// One key of each block.
fn a_key_a_block(table: &Table, records: &[Record]) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = records.iter().map(|(key, ..)| key.clone()).collect();
    keys.dedup_by_key(|key| table.approximate_offset(key).unwrap());
    keys
}

/// A table, the keys of its blocks, and how often it said that it is hot.
struct Watched {
    dir: Arc<MemoryDir>,
    table: Arc<Table>,
    keys: Vec<Vec<u8>>,
    hot: Arc<AtomicUsize>,
}

impl Watched {
    fn new(records: u64, cache_bytes: usize, paranoid: bool) -> Self {
        let dir = Arc::new(MemoryDir::default());
        let records = plain(records);
        let meta = build(&dir, NUMBER, PLAIN, &records, &[]);
        let hot = Arc::new(AtomicUsize::new(0));
        let seen = hot.clone();
        let ctx = TableContext::new(
            dir.clone(),
            BlockCache::new(cache_bytes),
            TableCache::new(10),
            paranoid,
            Box::new(|_| {}),
            Box::new(move |table| {
                assert_eq!(table.upgrade().unwrap().meta().number, NUMBER);
                seen.fetch_add(1, Ordering::Relaxed);
            }),
        );
        let table = Table::new(meta, ctx);
        let keys = a_key_a_block(&table, &records);
        Self { dir, table, keys, hot }
    }

    fn read(&self, key: &[u8], how: ReadHow) -> Result<(), ErrorKind> {
        self.table.get(key, hash(key), key::MAX_SEQNO, how, |_, _| ()).map(drop).map_err(|error| error.kind())
    }

    fn hot(&self) -> usize {
        self.hot.load(Ordering::Relaxed)
    }
}

#[test]
fn a_table_is_hot_once_when_half_of_its_blocks_were_read() {
    let watched = Watched::new(1000, 16 << 20, false);
    let blocks = watched.keys.len();
    assert!(blocks >= 128);
    for (at, key) in watched.keys.iter().enumerate() {
        // What is not in memory, or is cached, is not read.
        let nowait = watched.read(key, ReadHow { may_block: false, ..HOW });
        assert_eq!(nowait, Err(ErrorKind::WouldBlock));
        for _ in 0..3 {
            watched.read(key, HOW).unwrap();
        }
        assert_eq!(watched.hot(), usize::from(at + 1 >= blocks / 2), "{at} of {blocks}");
    }
    let cursor = Watched::new(1000, 16 << 20, false);
    let mut at = cursor.table.cursor(HOW).unwrap();
    at.seek_to_first().unwrap();
    while at.valid() {
        at.next().unwrap();
    }
    assert_eq!(cursor.hot(), 1);
    let nowait = Watched::new(1000, 16 << 20, false);
    nowait.dir.file(NUMBER).resident.store(true, Ordering::Relaxed);
    for key in &nowait.keys {
        nowait.read(key, ReadHow { may_block: false, ..HOW }).unwrap();
    }
    assert_eq!(nowait.hot(), 1);
}

#[test]
fn small_and_paranoid_tables_and_reads_past_the_cache_are_never_hot() {
    let few = Watched::new(200, 0, false);
    assert!(few.keys.len() < 64);
    let past = ReadHow { fill_cache: false, ..HOW };
    for (watched, how) in
        [(few, HOW), (Watched::new(1000, 0, true), HOW), (Watched::new(1000, 0, false), past)]
    {
        for key in watched.keys.iter().cycle().take(3 * watched.keys.len()) {
            watched.read(key, how).unwrap();
        }
        assert_eq!(watched.hot(), 0);
    }
}

#[test]
fn a_table_that_had_no_room_asks_again_after_as_many_reads() {
    // Without a cache each block is read each time.
    let watched = Watched::new(1000, 0, false);
    let half = watched.keys.len() / 2;
    for round in 1..4 {
        for (at, key) in watched.keys.iter().enumerate() {
            watched.read(key, HOW).unwrap();
            assert_eq!(watched.hot(), round - usize::from(at + 1 < half));
        }
        watched.table.make_resident();
        assert!(!Openable::is_resident(&*watched.table));
    }
}

#[test]
fn its_memory_counts_until_it_is_closed_or_dropped() {
    let records = plain(1000);
    let raw: usize = records.iter().map(|(key, _, value)| key.len() + value.len()).sum();
    let (_, ctx, _, table) = opened(&records, 4 << 20);
    let before = pinned(&ctx);
    table.make_resident();
    assert!((before + raw..before + 2 * raw).contains(&pinned(&ctx)), "{} for {raw}", pinned(&ctx) - before);
    assert!(Openable::close(&*table));
    assert_eq!(pinned(&ctx), 0);
    assert!(has_all(&table, &records) && !Openable::is_resident(&*table));
    assert_eq!(pinned(&ctx), before);
    table.make_resident();
    assert!(Openable::is_resident(&*table) && pinned(&ctx) > before + raw);
    // A cursor keeps the memory.
    let mut cursor = table.cursor(HOW).unwrap();
    cursor.seek_to_first().unwrap();
    drop(table);
    assert!(pinned(&ctx) > before + raw);
    drop(cursor);
    assert_eq!(pinned(&ctx), 0);
}

#[test]
fn without_room_a_table_stays_as_it_was() {
    let records = plain(1000);
    let (dir, ctx, _, table) = opened(&records, 128 << 10);
    assert!(has_all(&table, &records));
    let (before, read) = (ctx.blocks().stats(), reads(&dir));
    table.make_resident();
    assert!(!Openable::is_resident(&*table));
    assert_eq!((ctx.blocks().stats(), reads(&dir)), (before, read));
    assert!(has_all(&table, &records));
    // Room by the estimate, but not for the common prefixes that come to light.
    let prefixed: Vec<Record> = (0..100u64)
        .map(|n| ([vec![b'p'; 2000], n.to_be_bytes().to_vec()].concat(), trailer(n + 1, Kind::Set), vec![]))
        .collect();
    let (_, ctx, _, table) = opened(&prefixed, 400_000);
    let before = pinned(&ctx);
    table.make_resident();
    assert!(!Openable::is_resident(&*table));
    assert_eq!(pinned(&ctx), before);
    assert!(has_all(&table, &prefixed));
}

#[test]
fn a_table_nobody_uses_gives_way_and_one_in_use_does_not() {
    let records = plain(1000);
    let dir = Arc::new(MemoryDir::default());
    // Room for one and a half.
    let ctx = context(&dir, 400 << 10, 10, false);
    let [first, second] =
        [1, 2].map(|number| Table::new(build(&dir, number, PLAIN, &records, &[]), ctx.clone()));
    let resident = |table: &Arc<Table>| Openable::is_resident(&**table);
    assert!(has_all(&first, &records) && has_all(&second, &records));
    first.make_resident();
    assert!(resident(&first));
    second.make_resident();
    assert!(resident(&first) && !resident(&second), "the first was in use");
    second.make_resident();
    assert!(!resident(&first) && resident(&second), "nobody used the first since");
    assert_eq!(ctx.tables().open_tables(), 1);
    assert!(has_all(&first, &records) && has_all(&second, &records));
    assert_eq!(ctx.tables().open_tables(), 2);
    first.make_resident();
    assert!(!resident(&first) && resident(&second));
    drop((first, second));
    assert_eq!((pinned(&ctx), ctx.tables().open_tables()), (0, 0));
}

#[test]
fn after_the_cache_closed_nothing_is_loaded() {
    let records = plain(1000);
    let (dir, ctx, _, table) = opened(&records, 4 << 20);
    let (before, read) = (pinned(&ctx), reads(&dir));
    ctx.blocks().close();
    table.make_resident();
    assert!(!Openable::is_resident(&*table));
    assert_eq!((pinned(&ctx), reads(&dir)), (before, read));
    assert!(has_all(&table, &records));
}

#[test]
fn a_damaged_block_is_left_to_the_read_that_meets_it() {
    let records = plain(1000);
    let (dir, ctx, _, table) = opened(&records, 4 << 20);
    let (bad, ..) = &records[500];
    let offset = table.approximate_offset(bad).unwrap() as usize;
    dir.file(NUMBER).bytes.lock().unwrap()[offset + 8] ^= 1;
    let before = pinned(&ctx);
    table.make_resident();
    assert!(!Openable::is_resident(&*table));
    assert_eq!(pinned(&ctx), before);
    let found = table.get(bad, hash(bad), key::MAX_SEQNO, HOW, |_, _| ());
    assert_eq!(found.unwrap_err(), ErrorKind::Corruption);
    assert!(has_all(&table, &records[..400]) && has_all(&table, &records[600..]));
    dir.file(NUMBER).bytes.lock().unwrap()[offset + 8] ^= 1;
    table.make_resident();
    assert!(Openable::is_resident(&*table) && has_all(&table, &records));
}

#[test]
fn a_cursor_from_before_goes_on() {
    let records = varied();
    for sequential in [false, true] {
        for start in [0, records.len() / 3, records.len() - 1] {
            let (_, _, _, table) = opened(&records, 64 << 20);
            let mut cursor = table.cursor(ReadHow { sequential, ..HOW }).unwrap();
            let (key, trailer, _) = &records[start];
            cursor.seek(key, *trailer).unwrap();
            table.make_resident();
            assert!(Openable::is_resident(&*table));
            for record in &records[start..] {
                assert_eq!(here(&cursor).as_ref(), Some(record));
                cursor.next().unwrap();
            }
            cursor.seek(key, *trailer).unwrap();
            assert!(Openable::close(&*table));
            for record in records[..=start].iter().rev() {
                assert_eq!(here(&cursor).as_ref(), Some(record));
                cursor.prev().unwrap();
            }
            assert!(!cursor.valid());
        }
    }
}

#[test]
fn a_reader_outlives_the_close() {
    let records = plain(1000);
    let (_, ctx, _, table) = opened(&records, 4 << 20);
    let early = table.reader(HOW).unwrap();
    table.make_resident();
    let late = table.reader(HOW).unwrap();
    assert!(Openable::close(&*table));
    assert!(pinned(&ctx) > 0);
    for reader in [&early, &late] {
        for (key, trailer, value) in &records {
            reader.touch(hash(key));
            let spot = reader.probe(key, hash(key), key::MAX_SEQNO, HOW).unwrap().unwrap();
            assert_eq!(spot.get(key, hash(key), key::MAX_SEQNO), Some((*trailer, &value[..])));
            assert_eq!(spot.get(key, hash(key), 0), None);
        }
    }
    drop((early, late));
    assert_eq!(pinned(&ctx), 0);
}

#[test]
fn readers_loads_and_closes_get_along() {
    let records = plain(600);
    let (_, ctx, _, table) = opened(&records, 4 << 20);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..3usize {
            let (table, records, stop) = (&table, &records, &stop);
            scope.spawn(move || {
                let mut at = thread * 97;
                while !stop.load(Ordering::Relaxed) {
                    at = (at * 31 + 17) % records.len();
                    assert!(has_all(table, &records[at..=at]));
                }
            });
        }
        for _ in 0..100 {
            table.make_resident();
            Openable::close(&*table);
        }
        stop.store(true, Ordering::Relaxed);
    });
    drop(table);
    assert_eq!((pinned(&ctx), ctx.blocks().stats().block_bytes), (0, 0));
}
