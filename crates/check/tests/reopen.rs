//! An open after a clean close writes nothing; the first write begins a log, the first edit a manifest.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mosskv::fs::fault::{FaultFs, FaultPlan, Operation};
use mosskv::fs::sim::{SimFs, Style};
use mosskv::fs::{Fs, OpenMode};
use mosskv::worker::Executor;
use mosskv::{Durability, Engine, Environment, WriteBatch};
use mosskv_check::workload;

/// Everything in the directory but the lock.
fn files(disk: &SimFs) -> Vec<(String, Vec<u8>)> {
    let dir = disk.open_dir("db".as_ref(), false).unwrap();
    let names = dir.list().unwrap().into_iter().filter(|name| name != "LOCK");
    let mut files: Vec<_> = names
        .map(|name| {
            let file = dir.open(&name, OpenMode::Read).unwrap();
            let mut bytes = vec![0; file.len().unwrap() as usize];
            file.read_at(&mut bytes, 0).unwrap();
            (name, bytes)
        })
        .collect();
    files.sort();
    files
}

fn open(disk: &SimFs) -> Engine {
    workload::open(Arc::new(disk.clone()), 1).unwrap()
}

/// A database that was closed cleanly: with something to flush, or after a flush.
fn closed(flush: bool) -> SimFs {
    let disk = SimFs::new();
    let engine = open(&disk);
    engine.put("a", "1").unwrap();
    if flush {
        engine.flush().unwrap();
    }
    engine.close().unwrap();
    disk
}

#[test]
fn an_open_without_a_write_changes_and_syncs_nothing() {
    for flush in [false, true] {
        let disk = closed(flush);
        let before = files(&disk);
        for _ in 0..3 {
            let plan = FaultPlan::new();
            let fs = FaultFs::new(Arc::new(disk.clone()), plan.clone());
            let engine = workload::open(Arc::new(fs), 2).unwrap();
            assert_eq!(engine.get("a").unwrap().as_deref(), Some(&b"1"[..]));
            engine.flush().unwrap();
            engine.close().unwrap();
            let changing = [
                Operation::Create,
                Operation::Rename,
                Operation::Remove,
                Operation::Sync,
                Operation::SyncDir,
            ];
            assert_eq!(changing.map(|operation| plan.count(operation)), [0; 5]);
            assert_eq!(files(&disk), before);
        }
    }
}

#[test]
fn the_first_write_is_durable_although_the_manifest_is_the_one_of_the_last_session() {
    let disk = closed(true);
    let manifests = |disk: &SimFs| -> Vec<String> {
        files(disk).into_iter().map(|(name, _)| name).filter(|name| name.starts_with("MANIFEST")).collect()
    };
    let before = manifests(&disk);
    let mut disk = disk;
    for round in 0..4 {
        let engine = open(&disk);
        if round == 0 {
            let mut batch = WriteBatch::new();
            batch.put(b"b", b"2").unwrap();
            engine.write(batch, Some(Durability::Disk)).unwrap();
            assert_eq!(manifests(&disk), before);
        }
        assert_eq!(engine.get("b").unwrap().as_deref(), Some(&b"2"[..]), "round {round}");
        disk = disk.crash_image(round, Style::OnlySynced);
    }
    assert_ne!(manifests(&disk), before, "the log was not replayed into a new manifest");
}

#[test]
fn what_a_crash_left_is_cleared_away_by_the_open() {
    for name in ["000900.mst", "MANIFEST-000901", "CURRENT.tmp", "000001.wal"] {
        let disk = closed(true);
        let dir = disk.open_dir("db".as_ref(), false).unwrap();
        dir.open(name, OpenMode::CreateNew).unwrap();
        open(&disk).close().unwrap();
        assert!(files(&disk).iter().all(|(other, _)| other != name), "{name} is still there");
    }
}

#[test]
fn a_callers_thread_that_must_not_wait_does_not_begin_the_log() {
    let disk = closed(true);
    let executor = Executor::stepped(3);
    let environment = Environment { fs: Arc::new(disk.clone()), executor: executor.clone(), listener: None };
    let engine = Engine::open_with("db", workload::options(), environment).unwrap();
    while executor.step() {}
    let write = |key: &[u8]| {
        let done = Arc::new(AtomicBool::new(false));
        let told = done.clone();
        let mut batch = WriteBatch::new();
        batch.put(key, b"x").unwrap();
        engine.write_then(batch, Some(Durability::Os), move |result| {
            result.unwrap();
            told.store(true, Ordering::SeqCst);
        });
        done
    };
    let before = disk.operations();
    let first = write(b"first");
    assert_eq!((first.load(Ordering::SeqCst), disk.operations()), (false, before));
    while executor.step() {}
    assert!(first.load(Ordering::SeqCst));
    assert!(write(b"second").load(Ordering::SeqCst), "the log is begun, and the engine idle");
}
