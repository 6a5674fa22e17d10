//! Once anything has failed, no file is deleted: what is on the disk may still need it. The next open cleans up.

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

/// The numbers of the tables in the directory.
fn tables(disk: &SimFs) -> Vec<u64> {
    let names = disk.open_dir(Path::new("db"), false).unwrap().list().unwrap();
    let mut tables: Vec<u64> = names
        .iter()
        .filter_map(|name| match FileName::parse(name) {
            Some(FileName::Table(number)) => Some(number),
            _ => None,
        })
        .collect();
    tables.sort_unstable();
    tables
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
    [before.len(), after.len(), tables(&image).len()]
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
