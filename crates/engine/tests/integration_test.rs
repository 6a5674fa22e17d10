//! The engine's parts, by name, through the public API on a real disk with real threads.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests may panic, and start threads of their own"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use mosskv::{Durability, Engine, ErrorKind, IterOptions, Options, Stats, WriteBatch};

fn small(memtable_bytes: usize) -> Options {
    Options { memtable_bytes, max_tables: 4, table_bytes: 128 << 10, ..Options::default() }
}

fn key(i: u64) -> String {
    format!("key{:08}", i.wrapping_mul(2_654_435_761) % 100_000_000)
}

fn tables(stats: &Stats) -> u64 {
    stats.levels.iter().map(|level| level.tables).sum()
}

fn all(engine: &Engine) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut entries = BTreeMap::new();
    let mut iter = engine.iter(&IterOptions::default()).unwrap();
    iter.seek_to_first().unwrap();
    while iter.valid() {
        entries.insert(iter.key().to_vec(), iter.value().to_vec());
        iter.next().unwrap();
    }
    entries
}

#[test]
fn memtable() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::new(dir.path(), 64 << 20, 10).unwrap();
    engine.put("1", "1").unwrap();
    assert_eq!(engine.get("1").unwrap().as_deref(), Some(&b"1"[..]));
    engine.put("1", "2").unwrap();
    assert_eq!(engine.get("1").unwrap().as_deref(), Some(&b"2"[..]));
    engine.del("1").unwrap();
    assert_eq!(engine.get("1").unwrap(), None);
    assert!(engine.require("1").is_err_and(|error| error == ErrorKind::KeyNotFound));
    let stats = engine.stats();
    assert_eq!(
        (stats.memtable_entries, tables(&stats)),
        (3, 0),
        "all three records are still in the memtable"
    );
}

#[test]
fn sstable() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::new(dir.path(), 64 << 20, 10).unwrap();
    for i in 0..20_000 {
        engine.put(key(i), format!("value {i}")).unwrap();
    }
    engine.flush().unwrap();
    let stats = engine.stats();
    assert_eq!((stats.memtable_entries, tables(&stats), stats.levels[0].entries), (0, 1, 20_000));
    for i in (0..20_000).step_by(7) {
        assert_eq!(engine.require(key(i)).unwrap(), format!("value {i}").as_bytes());
    }
    assert_eq!(engine.get("key").unwrap(), None);
    assert_eq!(all(&engine).len(), 20_000);
    engine.close().unwrap();
    let report = Engine::verify(dir.path()).unwrap();
    assert!(report.problems.is_empty() && report.tables == 1, "{report:?}");
}

#[test]
fn multi_threaded_read_and_write() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path(), small(256 << 10)).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4u64)
        .map(|writer| {
            let engine = engine.clone();
            thread::spawn(move || {
                for i in 0..5_000u64 {
                    let mut batch = WriteBatch::new();
                    batch.put(format!("a{writer}:{i:05}").as_bytes(), &i.to_le_bytes()).unwrap();
                    batch.put(format!("b{writer}:{i:05}").as_bytes(), &i.to_le_bytes()).unwrap();
                    engine.write(batch, None).unwrap();
                }
            })
        })
        .collect();
    let readers: Vec<_> = (0..4u64)
        .map(|reader| {
            let (engine, done) = (engine.clone(), done.clone());
            thread::spawn(move || {
                let mut reads = 0u64;
                while !done.load(Ordering::Relaxed) || reads == 0 {
                    let snapshot = engine.snapshot();
                    let options = mosskv::ReadOptions { snapshot: Some(&snapshot), ..Default::default() };
                    for i in (0..5_000u64).step_by(97) {
                        let (a, b) = (format!("a{reader}:{i:05}"), format!("b{reader}:{i:05}"));
                        let a = engine.get_with(a, &options, <[u8]>::to_vec).unwrap();
                        let b = engine.get_with(b, &options, <[u8]>::to_vec).unwrap();
                        assert_eq!(a, b, "a batch is seen whole or not at all");
                        assert!(a.is_none_or(|value| value == i.to_le_bytes()));
                        reads += 1;
                    }
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    done.store(true, Ordering::Relaxed);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    assert_eq!(all(&engine).len(), 4 * 2 * 5_000);
}

#[test]
fn flush_thread() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path(), Options { max_tables: 1_000, ..small(64 << 10) }).unwrap();
    for i in 0..10_000 {
        engine.put(key(i), vec![b'v'; 100]).unwrap();
    }
    assert!(engine.stats().counters.flushes >= 5, "full memtables are flushed in the background");
    engine.flush().unwrap();
    let stats = engine.stats();
    assert_eq!((stats.memtable_entries, stats.immutable_memtables), (0, 0));
    assert_eq!(all(&engine).len(), 10_000);
    // They are deleted in the background; a close waits for that.
    engine.close().unwrap();
    let logs = std::fs::read_dir(dir.path()).unwrap().filter(|entry| {
        entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "wal")
    });
    assert!(logs.count() <= 2, "the logs of flushed memtables are deleted");
}

#[test]
fn compaction_thread() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path(), small(64 << 10)).unwrap();
    let mut model = BTreeMap::new();
    for i in 0..40_000u64 {
        let (key, value) = (key(i % 7_000), format!("value {i} {}", "x".repeat(50)));
        if i % 11 == 0 {
            engine.del(&key).unwrap();
            model.remove(key.as_bytes());
        } else {
            engine.put(&key, &value).unwrap();
            model.insert(key.into_bytes(), value.into_bytes());
        }
    }
    assert!(engine.stats().counters.compactions > 0, "{:?}", engine.stats());
    engine.compact(None).unwrap();
    let stats = engine.stats();
    assert_eq!(stats.levels.iter().map(|level| level.entries).sum::<u64>(), model.len() as u64, "{stats:?}");
    assert_eq!(stats.levels[0].tables, 0);
    assert_eq!(all(&engine), model);
}

#[test]
fn write_ahead_log() {
    let dir = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let engine = Engine::new(dir.path(), 64 << 20, 10).unwrap();
    for i in 0..1_000 {
        engine.put(key(i), format!("value {i}")).unwrap();
    }
    let mut batch = WriteBatch::new();
    batch.delete_range(b"key0", b"key2").unwrap();
    batch.put(b"last", b"durable").unwrap();
    engine.write(batch, Some(Durability::Disk)).unwrap();
    let before = all(&engine);
    // What a crash leaves: the files as they are now, without the clean close.
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let recovered = Engine::new(copy.path(), 64 << 20, 10).unwrap();
    assert_eq!(all(&recovered), before);
    assert_eq!(recovered.require("last").unwrap(), b"durable");
    recovered.put("more", "after recovery").unwrap();
    assert!(recovered.stats().last_seqno > engine.stats().last_seqno);
}
