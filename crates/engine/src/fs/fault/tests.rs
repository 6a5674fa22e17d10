use super::*;
use crate::fs::sim::{SimFs, Style};

fn disk() -> (SimFs, FaultPlan, Arc<dyn Dir>) {
    let (sim, plan) = (SimFs::new(), FaultPlan::new());
    let dir = FaultFs::new(Arc::new(sim.clone()), plan.clone()).open_dir(Path::new("/db"), true).unwrap();
    (sim, plan, dir)
}

fn errno<T>(result: io::Result<T>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

/// One of each operation, each tried whatever became of the others; the errors by operation.
fn everything(fs: &FaultFs, sim: &SimFs) -> Vec<(Operation, Option<i32>)> {
    let path = Path::new("/db");
    let mut seen = vec![(Operation::OpenDir, errno(fs.open_dir(path, true)))];
    let dir = FaultDir { inner: sim.open_dir(path, true).unwrap(), plan: fs.plan.clone() };
    let write = |bytes: &[u8]| dir.inner.open("a", OpenMode::ReadWrite)?.write_all_at(bytes, 0);
    seen.push((Operation::Create, errno(dir.open("a", OpenMode::CreateNew))));
    let _ = dir.inner.open("a", OpenMode::CreateNew);
    write(b"data").unwrap();
    seen.push((Operation::Open, errno(dir.open("a", OpenMode::ReadWrite))));
    let inner = dir.inner.open("a", OpenMode::ReadWrite).unwrap();
    let file = FaultFile { inner, name: "a".to_owned(), plan: fs.plan.clone() };
    seen.push((Operation::Read, errno(file.read_at(&mut [0; 2], 0))));
    seen.push((Operation::Read, errno(file.read_at_nowait(&mut [0; 2], 0))));
    seen.push((Operation::Len, errno(file.len())));
    seen.push((Operation::Write, errno(file.write_all_at(b"DATA", 0))));
    seen.push((Operation::SetLen, errno(file.set_len(9))));
    seen.push((Operation::Sync, errno(file.sync_data())));
    seen.push((Operation::Sync, errno(file.sync_all())));
    seen.push((Operation::List, errno(dir.list())));
    seen.push((Operation::FreeSpace, errno(dir.free_space())));
    seen.push((Operation::SyncDir, errno(dir.sync())));
    seen.push((Operation::Lock, errno(dir.lock("LOCK"))));
    let inner = dir.inner.lock("LOCK").unwrap();
    let lock = FaultLock { inner, name: "LOCK".to_owned(), plan: fs.plan.clone() };
    seen.push((Operation::Write, errno(lock.write_owner("me"))));
    seen.push((Operation::Rename, errno(dir.rename("LOCK", "b"))));
    let _ = dir.inner.rename("LOCK", "b");
    seen.push((Operation::Remove, errno(dir.remove("b"))));
    let _ = (dir.inner.remove("b"), dir.inner.remove("a"));
    seen.push((Operation::RemoveDir, errno(fs.remove_dir(path))));
    seen
}

fn expected(failure: Failure, operation: Operation) -> i32 {
    match (failure, operation) {
        (Failure::NoSpace, _) | (Failure::ShortWrite, Operation::Write) => code::NO_SPACE,
        (Failure::TooManyFiles, _) => code::TOO_MANY_FILES,
        (Failure::Interrupted, _) => code::INTERRUPTED,
        _ => code::IO,
    }
}

#[test]
fn every_operation_fails_in_every_way_at_its_index_and_no_other() {
    let calls = 18;
    for (failure, sticky) in Failure::ALL.into_iter().flat_map(|failure| [(failure, false), (failure, true)])
    {
        for at in 0..=calls {
            let (sim, plan) = (SimFs::new(), FaultPlan::new());
            let fs = FaultFs::new(Arc::new(sim.clone()), plan.clone());
            let fault = Fault::new(failure, at as u64);
            plan.arm(if sticky { fault.sticky() } else { fault });
            let seen = everything(&fs, &sim);
            assert_eq!(seen.len(), calls);
            for (i, (operation, error)) in seen.iter().enumerate() {
                let fails = i == at || (sticky && i > at);
                let wanted = fails.then(|| expected(failure, *operation));
                assert_eq!(*error, wanted, "{operation:?} {failure:?} at {at} of {i}");
            }
            let fired = if sticky { calls - at } else { usize::from(at < calls) };
            assert_eq!((plan.fired(), plan.operations()), (fired as u64, calls as u64));
            assert!(Operation::ALL.iter().all(|operation| plan.count(*operation) > 0));
        }
    }
}

#[test]
fn a_fault_counts_from_when_it_is_armed_and_only_what_it_concerns() {
    let (_, plan, dir) = disk();
    let (log, table) =
        (dir.open("1.wal", OpenMode::CreateNew).unwrap(), dir.open("2.mst", OpenMode::CreateNew).unwrap());
    log.write_all_at(b"x", 0).unwrap();
    plan.arm(Fault::new(Failure::Io, 1).only(Operation::Write).on(".wal"));
    table.write_all_at(b"x", 0).unwrap();
    table.write_all_at(b"x", 0).unwrap();
    log.write_all_at(b"x", 0).unwrap();
    log.sync_data().unwrap();
    dir.sync().unwrap();
    assert_eq!(errno(log.write_all_at(b"x", 0)), Some(code::IO));
    log.write_all_at(b"x", 0).unwrap();
    plan.arm(Fault::new(Failure::Io, 0).on(".wal").sticky());
    assert!(
        log.len().is_err()
            && dir.rename("2.mst", "3.wal").is_err()
            && dir.open("1.wal", OpenMode::Read).is_err()
    );
    dir.list().unwrap();
    plan.disarm();
    log.len().unwrap();
    assert_eq!(plan.fired(), 4);
}

#[test]
fn a_short_write_leaves_its_first_half() {
    let (sim, plan, dir) = disk();
    let file = dir.open("a", OpenMode::CreateNew).unwrap();
    file.write_all_at(b"......", 0).unwrap();
    plan.arm(Fault::new(Failure::ShortWrite, 0).only(Operation::Write));
    assert_eq!(errno(file.write_all_at(b"abcdef", 0)), Some(code::NO_SPACE));
    let mut found = [0; 6];
    file.read_at(&mut found, 0).unwrap();
    assert_eq!(&found, b"abc...");
    assert_eq!(sim.used(), 6);
}

/// Of a file synced with a failure and then written and synced again: what is readable, and what is durable.
fn after_failed_sync(failure: Failure) -> (Vec<u8>, Vec<u8>) {
    let (sim, plan, dir) = disk();
    let file = dir.open("a", OpenMode::CreateNew).unwrap();
    dir.sync().unwrap();
    file.write_all_at(b"one", 0).unwrap();
    plan.arm(Fault::new(failure, 0).only(Operation::Sync));
    assert_eq!(errno(file.sync_data()), Some(expected(failure, Operation::Sync)));
    let all = |file: &dyn File| {
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.read_at(&mut bytes, 0).unwrap();
        bytes
    };
    let image = sim.crash_image(0, Style::OnlySynced).open_dir(Path::new("/db"), false).unwrap();
    let durable = all(&*image.open("a", OpenMode::Read).unwrap());
    assert_eq!(durable, if failure == Failure::Late { &b"one"[..] } else { b"" });
    file.sync_data().unwrap();
    let image = sim.crash_image(0, Style::EverythingKept).open_dir(Path::new("/db"), false).unwrap();
    (all(&*file), all(&*image.open("a", OpenMode::Read).unwrap()))
}

#[test]
fn a_failed_sync_makes_nothing_durable() {
    assert_eq!(after_failed_sync(Failure::Io), (b"one".to_vec(), b"one".to_vec()));
    assert_eq!(after_failed_sync(Failure::NoSpace), (b"one".to_vec(), b"one".to_vec()));
    assert_eq!(after_failed_sync(Failure::LostSync), (b"one".to_vec(), b"".to_vec()));
    assert_eq!(after_failed_sync(Failure::Late), (b"one".to_vec(), b"one".to_vec()));
}

#[test]
fn a_late_failure_has_done_its_work() {
    let (_, plan, dir) = disk();
    plan.arm(Fault::new(Failure::Late, 0));
    assert_eq!(errno(dir.open("a", OpenMode::CreateNew)), Some(code::IO));
    assert_eq!(dir.list().unwrap(), ["a"]);
    plan.arm(Fault::new(Failure::Late, 0));
    assert_eq!(errno(dir.rename("a", "b")), Some(code::IO));
    assert_eq!(dir.list().unwrap(), ["b"]);
    plan.arm(Fault::new(Failure::Io, 0));
    assert_eq!(errno(dir.remove("b")), Some(code::IO));
    assert_eq!(dir.list().unwrap(), ["b"]);
}

#[test]
fn engine_errors_tell_full_disks_and_descriptors_apart() {
    use crate::error::{Error, ErrorKind};
    let kind = |failure: Failure| Error::io("write", "a", failure.error(Operation::Write)).kind();
    assert_eq!(kind(Failure::NoSpace), ErrorKind::DiskFull);
    assert_eq!(kind(Failure::ShortWrite), ErrorKind::DiskFull);
    assert_eq!(kind(Failure::TooManyFiles), ErrorKind::TooManyFiles);
    assert_eq!(kind(Failure::Io), ErrorKind::Io);
}
