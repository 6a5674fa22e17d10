use std::path::Path;
use std::sync::Arc;

use super::super::test_dir::TestDir;
use super::super::{Tail, WalWriter, replay, replay_all};
use super::*;
use crate::error::{ErrorKind, Result};
use crate::fs::Fs;
use crate::fs::sim::{SimFs, Style};

/// Writes a log of 20 groups, synced.
fn old_log(dir: &Arc<dyn Dir>, number: u64) {
    let mut wal = WalWriter::create(dir, number, None).unwrap();
    for group in 1..=20 {
        wal.append(group, 1, &[&[0xaa; 300]]).unwrap();
    }
    wal.log_sync().up_to(wal.size()).unwrap();
}

fn groups(dir: &dyn Dir, from: u64) -> Result<Vec<(u64, Vec<u8>)>> {
    let mut found = Vec::new();
    replay_all(dir, from, |_, first, _, bytes| {
        found.push((first, bytes.to_vec()));
        Ok(())
    })?;
    Ok(found)
}

#[test]
fn one_log_is_kept_and_not_a_huge_one() {
    let dir = TestDir::new();
    dir.set("000003.wal", &[0; 1000]);
    dir.set("000004.wal", &[0; 1001]);
    let spare = SpareLog::new(1000);
    assert_eq!(spare.take(), None);
    assert!(!spare.keep(&dir, 4), "too large");
    assert!(!spare.keep(&dir, 5), "missing");
    assert!(spare.keep(&dir, 3));
    assert!(!spare.keep(&dir, 3), "there is one");
    assert_eq!((spare.take(), spare.take()), (Some(3), None));
    assert!(spare.keep(&dir, 3));
    assert_eq!(spare.close(), Some(3));
    assert!(!spare.keep(&dir, 3), "closed");
    assert_eq!((spare.take(), spare.close()), (None, None));
}

#[test]
fn the_header_is_durable_before_the_name_and_the_name_before_the_first_append() {
    let dir = TestDir::new();
    old_log(&dir.as_dir(), 3);
    let length = dir.bytes("000003.wal").len();
    dir.trace();
    let mut wal = WalWriter::create_over(&dir.as_dir(), 3, 9, Some((7, 100))).unwrap();
    assert_eq!(
        dir.trace(),
        ["write 000003.wal", "sync 000003.wal", "rename 000003.wal 000009.wal", "sync directory"]
    );
    assert_eq!((wal.number(), wal.size(), wal.log_sync().synced()), (9, 64, 64));
    assert_eq!(dir.bytes("000009.wal").len(), length, "nothing is cut off");
    assert_eq!(wal.make_room(1000), 0, "there is room");
    wal.append(21, 1, &[b"new"]).unwrap();
    let mut found = Vec::new();
    let replayed = replay(&dir, 9, Tail::MayBeTorn, |first, _, bytes| {
        found.push((first, bytes.to_vec()));
        Ok(())
    });
    assert_eq!(replayed.unwrap().predecessor, Some((7, 100)));
    assert_eq!(found, [(21, b"new".to_vec())], "frames of the old log are none");
}

#[test]
fn a_failure_at_any_step_is_an_error_and_leaves_the_old_name_or_a_whole_header() {
    for step in ["write 000003.wal", "sync 000003.wal", "rename 000003.wal 000009.wal", "sync directory"] {
        let dir = TestDir::new();
        old_log(&dir.as_dir(), 3);
        dir.fail(step);
        let error = WalWriter::create_over(&dir.as_dir(), 3, 9, None).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::DiskFull, "{step}");
        dir.heal();
        assert_eq!(groups(&dir, 4).unwrap(), [], "{step}");
    }
    let dir = TestDir::new();
    assert_eq!(WalWriter::create_over(&dir.as_dir(), 3, 9, None).err().unwrap(), ErrorKind::Io, "no spare");
}

/// Log 4 holds what counts; log 3 is given up, and log 5 written over it.
fn workload(dir: &Arc<dyn Dir>, synced: &mut u64) -> Result<()> {
    let mut wal = WalWriter::create(dir, 4, None)?;
    let mut group = 0;
    let mut write = |wal: &mut WalWriter, groups: u64, synced: &mut u64| {
        for _ in 0..groups {
            group += 1;
            wal.append(group, 1, &[&group.to_le_bytes().repeat(20)])?;
            if group.is_multiple_of(4) {
                wal.log_sync().up_to(wal.size())?;
                *synced = group;
            }
        }
        Ok(())
    };
    write(&mut wal, 8, synced)?;
    let mut wal = WalWriter::create_over(dir, 3, 5, Some((4, wal.size())))?;
    write(&mut wal, 10, synced)
}

#[test]
fn after_power_loss_at_any_operation_there_is_a_prefix_with_all_that_was_synced() {
    let start = || {
        let disk = SimFs::new();
        let dir = disk.open_dir(Path::new("/db"), true).unwrap();
        old_log(&dir, 3);
        (disk, dir)
    };
    let (first, last) = {
        let (disk, dir) = start();
        let first = disk.operations();
        workload(&dir, &mut 0).unwrap();
        (first, disk.operations())
    };
    for operation in first..=last {
        let (disk, dir) = start();
        disk.crash_at(operation);
        let mut synced = 0;
        let finished = workload(&dir, &mut synced);
        assert_eq!(finished.is_err(), disk.crashed());
        for (style, seed) in Style::ALL.into_iter().flat_map(|style| (0..5).map(move |seed| (style, seed))) {
            let place = format!("operation {operation} ({}), {style:?}, seed {seed}", disk.last_operation());
            let image = disk.crash_image(seed, style);
            let found = groups(image.open_dir(Path::new("/db"), false).unwrap().as_ref(), 4);
            let found = found.unwrap_or_else(|error| panic!("{place}: {error}"));
            assert!(found.len() as u64 >= synced, "{place}: {} of {synced}", found.len());
            let wanted = (1..).map(|group: u64| (group, group.to_le_bytes().repeat(20)));
            assert_eq!(found, wanted.take(found.len()).collect::<Vec<_>>(), "{place}");
        }
    }
}
