//! Once anything has failed, no file is deleted: what is on the disk may still need it. The next open cleans up. And
//! a log that is not needed any more becomes the next one.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::path::Path;
use std::sync::Arc;

use mosskv::fs::fault::{Failure, Fault, FaultFs, FaultPlan, Operation};
use mosskv::fs::sim::{SimFs, Style};
use mosskv::fs::{FileName, Fs};
use mosskv::worker::Executor;
use mosskv::{Engine, Environment, IterOptions, Options};

fn open(fs: Arc<dyn Fs>, executor: Executor) -> Engine {
    Engine::open_with("db", Options::default(), Environment { fs, executor, listener: None }).unwrap()
}

/// How many files that are `wanted` there are in the directory.
fn count(disk: &SimFs, wanted: impl Fn(FileName) -> bool) -> usize {
    let names = disk.open_dir(Path::new("db"), false).unwrap().list().unwrap();
    names.iter().filter_map(|name| FileName::parse(name)).filter(|name| wanted(*name)).count()
}

fn tables(disk: &SimFs) -> usize {
    count(disk, |name| matches!(name, FileName::Table(_)))
}

fn logs(disk: &SimFs) -> usize {
    count(disk, |name| matches!(name, FileName::Wal(_)))
}

/// An engine whose compaction gave up two tables that an open iterator still reads; then `fault`, if there is one, and then
/// the iterator is dropped. Returns the tables before and after that, and after a reopen.
fn give_up_two_tables(fault: Option<Fault>) -> [usize; 3] {
    let (disk, plan, executor) = (SimFs::new(), FaultPlan::new(), Executor::stepped(1));
    let engine = open(Arc::new(FaultFs::new(Arc::new(disk.clone()), plan.clone())), executor.clone());
    for value in ["old", "new"] {
        engine.put("key", value).unwrap();
        engine.flush().unwrap();
    }
    let reading = engine.iter(&IterOptions::default()).unwrap();
    engine.compact(None).unwrap();
    while executor.step() {}
    if let Some(fault) = fault {
        plan.arm(fault);
        engine.put("key", "refused").unwrap_err();
        plan.disarm();
    }
    let before = tables(&disk);
    drop(reading);
    while executor.step() {}
    let after = tables(&disk);
    let image = disk.crash_image(1, Style::EverythingKept);
    let reopened = open(Arc::new(image.clone()), Executor::stepped(2));
    assert_eq!(reopened.get("key").unwrap().as_deref(), Some(&b"new"[..]));
    reopened.close().unwrap();
    [before, after, tables(&image)]
}

#[test]
fn tables_that_nobody_reads_any_more_are_deleted() {
    assert_eq!(give_up_two_tables(None), [3, 1, 1]);
}

#[test]
fn nothing_is_deleted_after_a_failure() {
    let fault = Fault::new(Failure::Io, 0).only(Operation::Write).on(".wal");
    assert_eq!(give_up_two_tables(Some(fault)), [3, 3, 1]);
}

#[test]
fn a_log_that_is_not_needed_any_more_becomes_the_next_one() {
    let (disk, executor) = (SimFs::new(), Executor::stepped(1));
    let engine = open(Arc::new(disk.clone()), executor.clone());
    engine.put("key", vec![1; 100_000]).unwrap();
    engine.flush().unwrap();
    while executor.step() {}
    assert_eq!(logs(&disk), 2, "the log in use, and the spare");
    let spare = disk.used();
    for value in 2..10 {
        engine.put("key", vec![value; 100_000]).unwrap();
        engine.flush().unwrap();
        while executor.step() {}
        assert_eq!(logs(&disk), 2);
    }
    engine.compact(None).unwrap();
    while executor.step() {}
    // One table, and two logs of 100,000 bytes each.
    assert!(disk.used() < spare + 110_000, "{} bytes, and {spare} after the first flush", disk.used());
    engine.close().unwrap();
    assert_eq!(logs(&disk), 0, "a closed database has none");
}

#[test]
fn a_large_log_is_not_kept() {
    let (disk, executor) = (SimFs::new(), Executor::stepped(1));
    let options = Options { memtable_bytes: 1 << 20, ..Options::default() };
    let environment = Environment { fs: Arc::new(disk.clone()), executor: executor.clone(), listener: None };
    let engine = Engine::open_with("db", options, environment).unwrap();
    engine.put("key", vec![1; 3 << 20]).unwrap();
    engine.flush().unwrap();
    while executor.step() {}
    assert_eq!(logs(&disk), 1);
}

#[test]
fn no_log_is_written_over_after_a_failure() {
    let (disk, plan, executor) = (SimFs::new(), FaultPlan::new(), Executor::stepped(1));
    let engine = open(Arc::new(FaultFs::new(Arc::new(disk.clone()), plan.clone())), executor.clone());
    engine.put("key", "spare").unwrap();
    engine.flush().unwrap();
    while executor.step() {}
    assert_eq!(logs(&disk), 2, "the log in use, and the spare");
    plan.arm(Fault::new(Failure::Io, 0).only(Operation::Write).on(".wal"));
    engine.put("key", "refused").unwrap_err();
    plan.disarm();
    engine.resume().unwrap();
    for value in ["first", "second"] {
        engine.put("key", value).unwrap();
        engine.flush().unwrap();
        while executor.step() {}
    }
    assert_eq!(logs(&disk), 2, "the log in use, and what the failure left until the next open");
}
