//! Everything at once for some seconds: four writers with every durability, batches and range deletes; four readers; flushes,
//! compactions, iterators and snapshots; memtables of 64 KiB. Then every file is verified, and the database reopened and
//! compared with what each writer knows it wrote last. `MOSSKV_STRESS_SECONDS` makes it longer.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests may panic, start threads of their own, and look at the clock"
)]

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mosskv::{Durability, Engine, IterOptions, Options, ReadOptions, WriteBatch};
use mosskv_check::random::Random;
use mosskv_check::stamped::{Stamps, key, number_of, stamp_of, value};
use mosskv_check::walk::both_ways;

const WRITERS: u64 = 4;
const READERS: u64 = 4;
/// Keys of each writer: numbers `writer * OWNED` and up.
const OWNED: u64 = 3_000;

fn options() -> Options {
    Options {
        memtable_bytes: 64 << 10,
        table_bytes: 64 << 10,
        max_tables: 3,
        block_bytes: 1 << 10,
        cache_bytes: 128 << 10,
        max_open_files: Some(16),
        compaction_threads: Some(3),
        ..Options::default()
    }
}

/// Writes to its own keys only, and reads its own writes. Few keys get most of the writes.
fn writer(engine: &Engine, number: u64, done: &AtomicBool) -> Stamps {
    let (mut random, mut mine, first) = (Random::new(number), Stamps::new(), number * OWNED);
    let mut stamp = 0;
    while !done.load(Ordering::Relaxed) {
        stamp += 1;
        let mut batch = WriteBatch::new();
        for _ in 0..1 + random.below(20) {
            let i = first + if random.one_in(3) { random.below(OWNED) } else { random.below(20) };
            match random.below(40) {
                0 => {
                    let end = (i + 1 + random.below(100)).min(first + OWNED);
                    batch.delete_range(&key(i), &key(end)).unwrap();
                    mine.retain(|j, _| *j < i || *j >= end);
                }
                1..5 => {
                    batch.delete(&key(i)).unwrap();
                    mine.remove(&i);
                }
                _ => {
                    batch.put(&key(i), &value(i, stamp)).unwrap();
                    mine.insert(i, stamp);
                }
            }
        }
        let durability = match random.below(40) {
            0 => Durability::Disk,
            1..10 => Durability::Memory,
            _ => Durability::Os,
        };
        engine.write(batch, Some(durability)).unwrap();
        let i = first + random.below(20);
        let found = engine.get_with(key(i), &ReadOptions::default(), |bytes| stamp_of(i, bytes)).unwrap();
        assert_eq!(found, mine.get(&i).map(|stamp| Some(*stamp)), "writer {number} reads key {i}");
    }
    mine
}

/// Reads whatever there is: no key may go back in time, and point reads and scans of one snapshot must agree.
fn reader(engine: &Engine, number: u64, done: &AtomicBool) -> u64 {
    let (mut random, mut seen, mut reads) = (Random::new(100 + number), Stamps::new(), 0);
    while !done.load(Ordering::Relaxed) {
        for _ in 0..200 {
            let i = random.below(WRITERS * OWNED);
            let found = engine.get_with(key(i), &ReadOptions::default(), |bytes| stamp_of(i, bytes)).unwrap();
            if let Some(stamp) = found {
                let stamp = stamp.unwrap_or_else(|| panic!("key {i} has a torn value"));
                let newest = seen.entry(i).or_insert(0);
                assert!(stamp >= *newest, "key {i} went back from {newest} to {stamp}");
                *newest = stamp;
            }
            reads += 1;
        }
        let start = random.below(WRITERS * OWNED);
        let snapshot = engine.snapshot();
        let options = IterOptions {
            lower: Bound::Included(key(start)),
            upper: Bound::Excluded(key(start + 300)),
            snapshot: Some(snapshot.clone()),
            ..IterOptions::default()
        };
        let mut iter = engine.iter(&options).unwrap();
        let mut scanned = Stamps::new();
        iter.seek_to_first().unwrap();
        while iter.valid() {
            let i = number_of(iter.key()).unwrap();
            scanned.insert(i, stamp_of(i, iter.value()).unwrap());
            iter.next().unwrap();
        }
        let read = ReadOptions { snapshot: Some(&snapshot), ..ReadOptions::default() };
        for i in (start..start + 300).step_by(7) {
            let found = engine.get_with(key(i), &read, |bytes| stamp_of(i, bytes)).unwrap();
            assert_eq!(found, scanned.get(&i).map(|stamp| Some(*stamp)), "get and scan of key {i}");
        }
        both_ways(&mut iter, &scanned).unwrap();
    }
    reads
}

fn maintenance(engine: &Engine, done: &AtomicBool) {
    let mut random = Random::new(1_000);
    while !done.load(Ordering::Relaxed) {
        let start = random.below(WRITERS * OWNED);
        match random.below(8) {
            0..4 => engine.flush().unwrap(),
            4..7 => engine.compact(Some((&key(start), &key(start + 2_000)))).unwrap(),
            _ => engine.compact(None).unwrap(),
        }
    }
}

/// Whether enough was synced, flushed and compacted to mean something.
fn is_busy(engine: &Engine) -> bool {
    let counters = engine.stats().counters;
    counters.flushes > 10 && counters.compactions > 10 && counters.syncs > 10
}

/// Lets the others run for a while; ends them also when one of them panicked.
fn run(engine: &Engine, time: Duration) -> Stamps {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (engine, done) = (&engine, &done);
        let started = Instant::now();
        let writers: Vec<_> = (0..WRITERS).map(|n| scope.spawn(move || writer(engine, n, done))).collect();
        let readers: Vec<_> = (0..READERS).map(|n| scope.spawn(move || reader(engine, n, done))).collect();
        let maintenance = scope.spawn(|| maintenance(engine, done));
        let alive = || !writers.iter().any(|w| w.is_finished()) && !readers.iter().any(|r| r.is_finished());
        while (started.elapsed() < time || !is_busy(engine)) && alive() && !maintenance.is_finished() {
            thread::sleep(Duration::from_millis(20));
        }
        done.store(true, Ordering::Relaxed);
        let written = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() > 0));
        maintenance.join().unwrap();
        written
    })
}

#[test]
fn four_writers_and_four_readers_under_constant_flushes_and_compactions() {
    let seconds = std::env::var("MOSSKV_STRESS_SECONDS").ok().and_then(|text| text.parse().ok());
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path(), options()).unwrap();
    let model = run(&engine, Duration::from_secs(seconds.unwrap_or(5)));
    println!("{:?}", engine.stats().counters);
    assert!(is_busy(&engine));
    both_ways(&mut engine.iter(&IterOptions::default()).unwrap(), &model).unwrap();
    engine.close().unwrap();
    drop(engine);
    let report = Engine::verify(dir.path()).unwrap();
    assert!(report.problems.is_empty() && report.tables > 0, "{report:?}");
    let engine = Engine::open(dir.path(), options()).unwrap();
    both_ways(&mut engine.iter(&IterOptions::default()).unwrap(), &model).unwrap();
    engine.compact(None).unwrap();
    both_ways(&mut engine.iter(&IterOptions::default()).unwrap(), &model).unwrap();
    let entries = engine.stats().levels.iter().map(|level| level.entries).sum::<u64>();
    assert_eq!(entries, model.len() as u64, "a compaction of everything leaves one record a key");
}
