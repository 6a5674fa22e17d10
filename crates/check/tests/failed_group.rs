//! A group of writes that fails, fails for all of its members: the leader's error is the followers' too.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::{Arc, Mutex};

use mosskv::fs::fault::{Failure, Fault, FaultFs, FaultPlan, Operation};
use mosskv::fs::sim::{SimFs, Style};
use mosskv::worker::Executor;
use mosskv::{Durability, Engine, Environment, ErrorKind, Options, ReadOptions, WriteBatch};

const KEYS: [&str; 3] = ["leader", "follower", "last"];

fn open(fs: Arc<dyn mosskv::fs::Fs>, executor: Executor) -> Engine {
    Engine::open_with("db", Options::default(), Environment { fs, executor, listener: None }).unwrap()
}

/// Commits three writes as one group while `fault` is armed, and returns what each was told, in the order of [`KEYS`], and
/// which of them are there after power loss.
fn one_group(durability: Durability, fault: Option<Fault>) -> ([Option<ErrorKind>; 3], [bool; 3]) {
    let (disk, plan, executor) = (SimFs::new(), FaultPlan::new(), Executor::stepped(1));
    let engine = open(Arc::new(FaultFs::new(Arc::new(disk.clone()), plan.clone())), executor.clone());
    let outcomes = Arc::new(Mutex::new([None; 3]));
    // The first is too large to be committed on this thread: it waits for the commit lane, and the others behind it.
    for (index, bytes) in [300 << 10, 1, 1].into_iter().enumerate() {
        let mut batch = WriteBatch::new();
        batch.put(KEYS[index].as_bytes(), &vec![7; bytes]).unwrap();
        let outcomes = outcomes.clone();
        engine.write_then(batch, Some(durability), move |result| {
            let told = outcomes.lock().unwrap()[index].replace(result.err().map(|error| error.kind()));
            assert_eq!(told, None, "told twice");
        });
    }
    if let Some(fault) = fault {
        plan.arm(fault);
    }
    while executor.step() {}
    assert_eq!(plan.fired(), u64::from(fault.is_some()));
    let reopened = open(Arc::new(disk.crash_image(1, Style::OnlySynced)), Executor::stepped(2));
    let there = KEYS.map(|key| reopened.contains(key.as_bytes(), &ReadOptions::default()).unwrap());
    let told = outcomes.lock().unwrap().map(|outcome| outcome.unwrap());
    (told, there)
}

#[test]
fn all_are_told_that_it_went_well() {
    for durability in [Durability::Os, Durability::Disk] {
        let survives = durability == Durability::Disk;
        assert_eq!(one_group(durability, None), ([None; 3], [survives; 3]));
    }
}

// `CommitUnknown` from all of them: a group behind the one that failed would be refused as `ReadOnly`.

#[test]
fn all_are_told_that_the_log_could_not_be_written() {
    for durability in [Durability::Os, Durability::Disk] {
        for failure in [Failure::Io, Failure::ShortWrite] {
            let fault = Fault::new(failure, 0).only(Operation::Write).on(".wal");
            let unknown = Some(ErrorKind::CommitUnknown);
            assert_eq!(one_group(durability, Some(fault)), ([unknown; 3], [false; 3]));
        }
    }
}

#[test]
fn all_are_told_that_the_log_could_not_be_synced() {
    let fault = Fault::new(Failure::LostSync, 0).only(Operation::Sync).on(".wal");
    let unknown = Some(ErrorKind::CommitUnknown);
    assert_eq!(one_group(Durability::Disk, Some(fault)), ([unknown; 3], [false; 3]));
}
