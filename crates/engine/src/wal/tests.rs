//! Logs and manifests on a disk that loses power, and behind failing operations.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::error::{ErrorKind, Result};
use crate::fs::fault::{Failure, Fault, FaultFs, FaultPlan, Operation};
use crate::fs::sim::{SimFs, Style};
use crate::fs::{Dir, Fs};

fn open(disk: &dyn Fs) -> Arc<dyn Dir> {
    disk.open_dir(Path::new("/db"), true).unwrap()
}

/// What is known to survive: groups 0 to `synced`; `issued` were handed to a writer.
#[derive(Debug, Default)]
struct Progress {
    issued: u64,
    synced: u64,
}

/// Writes three logs of 12 groups each and syncs now and then, until something fails. Room is made before some syncs.
fn workload(dir: &Arc<dyn Dir>, progress: &mut Progress) -> Result<()> {
    let mut before = None;
    for number in [3, 4, 5] {
        let mut wal = WalWriter::create(dir, number, before)?;
        for round in 0..12 {
            progress.issued += 1;
            let end = wal.append(progress.issued, 1, &[&payload(progress.issued)])?;
            if round % 3 == 0 {
                wal.make_room(5_000);
            }
            if round % 5 == 3 || round == 11 {
                wal.log_sync().up_to(end)?;
                progress.synced = progress.issued;
            }
        }
        before = Some((number, wal.size()));
    }
    Ok(())
}

fn payload(group: u64) -> Vec<u8> {
    vec![group as u8; (group as usize * 397) % 1500]
}

/// The number of groups that come back; each must be what was written, in order.
fn groups(disk: &SimFs) -> Result<u64> {
    let mut found = 0;
    replay_all(open(disk).as_ref(), 3, |_, first, count, bytes| {
        found += 1;
        assert_eq!((first, count, bytes), (found, 1, &payload(found)[..]));
        Ok(())
    })?;
    Ok(found)
}

#[test]
fn after_power_loss_at_any_operation_the_logs_hold_a_prefix_with_all_that_was_synced() {
    let full = SimFs::new();
    workload(&open(&full), &mut Progress::default()).unwrap();
    let (mut torn, mut whole) = (0, 0);
    for operation in 2..=full.operations() {
        let disk = SimFs::new();
        let dir = open(&disk);
        disk.crash_at(operation);
        let mut progress = Progress::default();
        let finished = workload(&dir, &mut progress);
        assert_eq!(finished.is_err(), disk.crashed());
        for style in Style::ALL {
            for seed in 0..3 {
                let found = groups(&disk.crash_image(seed, style));
                let place =
                    format!("operation {operation} ({}), {style:?}, seed {seed}", disk.last_operation());
                let found = found.unwrap_or_else(|error| panic!("{place}: {error}"));
                assert!(
                    (progress.synced..=progress.issued).contains(&found),
                    "{place}: {found} of {progress:?}"
                );
                if found < progress.issued { torn += 1 } else { whole += 1 }
            }
        }
        assert!(groups(&disk.kill_image()).unwrap() + 1 >= progress.issued, "after a kill");
    }
    assert!(torn > 100 && whole > 100, "{torn} torn, {whole} whole");
}

#[test]
fn leveldb_1180_after_any_failed_write_nothing_more_is_written() {
    for failure in Failure::ALL {
        for at in 0..10 {
            let disk = SimFs::new();
            let plan = FaultPlan::new();
            let dir = open(&FaultFs::new(Arc::new(disk.clone()), plan.clone()));
            let mut wal = WalWriter::create(&dir, 3, None).unwrap();
            plan.arm(Fault::new(failure, at).only(Operation::Write));
            let mut acknowledged = 0;
            for group in 1..=20 {
                match wal.append(group, 1, &[&payload(group)]) {
                    Ok(_) => {
                        assert_eq!(acknowledged + 1, group, "appended after a failure");
                        acknowledged = group;
                    }
                    Err(error) => assert_ne!(error.kind(), ErrorKind::Corruption),
                }
            }
            assert_eq!((acknowledged, plan.fired()), (at, 1));
            let late = u64::from(failure == Failure::Late);
            assert_eq!(groups(&disk.kill_image()).unwrap(), acknowledged + late);
        }
    }
}

/// A group of several pieces: parts that are smaller than one, whole ones, and parts across their ends.
fn large_group() -> Vec<Vec<u8>> {
    [10, 100_000, 0, 3, 60_000, 200_000, 1, 65_536, 70_000].map(|length| vec![length as u8; length]).to_vec()
}

#[test]
fn a_large_group_is_no_frame_before_all_of_it_is_written() {
    let parts = large_group();
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let writes = (parts.concat().len() / (64 << 10)) as u64 + 2;
    for failure in Failure::ALL {
        for at in 0..=writes {
            let disk = SimFs::new();
            let plan = FaultPlan::new();
            let dir = open(&FaultFs::new(Arc::new(disk.clone()), plan.clone()));
            let mut wal = WalWriter::create(&dir, 3, None).unwrap();
            wal.append(1, 1, &[&payload(1)]).unwrap();
            plan.arm(Fault::new(failure, at).only(Operation::Write));
            let appended = wal.append(2, 1, &parts);
            assert_eq!(appended.is_ok(), at == writes, "{failure:?} at write {at}");
            let mut found = Vec::new();
            let read = |_, first, _, bytes: &[u8]| {
                found.push((first, bytes.to_vec()));
                Ok(())
            };
            replay_all(open(&disk.kill_image()).as_ref(), 3, read).unwrap();
            let whole = at == writes || (at + 1 == writes && failure == Failure::Late);
            assert_eq!(found.len(), 1 + usize::from(whole), "{failure:?} at write {at}");
            assert!(!whole || found[1] == (2, parts.concat()));
        }
    }
}

#[test]
fn the_example_of_the_format_document_is_what_is_written() {
    let disk = SimFs::new();
    let mut batch = crate::batch::WriteBatch::new();
    batch.put(b"k", b"vv").unwrap();
    let dir = open(&disk);
    let mut wal = WalWriter::create(&dir, 3, None).unwrap();
    wal.append(7, batch.len(), &[batch.bytes()]).unwrap();
    let mut bytes = vec![0; wal.size() as usize];
    let file = dir.open("000003.wal", crate::fs::OpenMode::Read).unwrap();
    crate::fs::read_exact_at(file.as_ref(), &mut bytes, 0).unwrap();
    let lines: Vec<String> = bytes
        .chunks(16)
        .map(|line| line.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" "))
        .collect();
    let documented = [
        "4d 6f 73 73 57 41 4c 0a 01 00 00 00 00 00 00 00",
        "03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        "00 00 00 00 00 00 00 00 25 df 29 11 af 62 5f 8c",
        "06 00 00 00 01 00 00 00 03 00 00 00 00 00 00 00",
        "07 00 00 00 00 00 00 00 40 00 00 00 00 00 00 00",
        "e5 67 48 b3 c0 6f ab d2 8b 66 86 62 99 ab 05 48",
        "01 01 6b 02 76 76",
    ];
    assert_eq!(lines, documented);
}
