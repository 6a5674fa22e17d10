//! Manifests on a disk that loses power, and behind failing operations.

use std::path::Path;

use super::*;
use crate::fs::Fs;
use crate::fs::fault::{Failure, Fault, FaultFs, FaultPlan};
use crate::fs::sim::{SimFs, Style};

fn open(disk: &dyn Fs) -> Arc<dyn Dir> {
    disk.open_dir(Path::new("/db"), true).unwrap()
}

/// The newest edit that must survive, and the newest that may.
#[derive(Debug, Default, Clone, Copy)]
struct Progress {
    acknowledged: u64,
    issued: u64,
}

/// Three manifests, one after the other, with three edits behind each full state. Edit `n` adds table `100 + n`.
fn workload(dir: &Arc<dyn Dir>, progress: &mut Progress) -> Result<()> {
    let mut full = start();
    for number in [3, 20, 30] {
        let mut manifest = Manifest::create(dir, number, &full)?;
        for _ in 0..3 {
            progress.issued += 1;
            let edit = add(100 + progress.issued);
            manifest.append(&edit)?;
            progress.acknowledged = progress.issued;
            full.added.extend(edit.added);
        }
    }
    Ok(())
}

/// The newest edit that is loaded; `None` when there is no database.
fn loaded(disk: &SimFs) -> Result<Option<u64>> {
    let Some(Loaded { state, .. }) = Manifest::load(open(disk).as_ref())? else { return Ok(None) };
    let found = tables(&state);
    assert_eq!(found, (101..101 + found.len() as u64).collect::<Vec<_>>());
    Ok(Some(found.len() as u64))
}

fn check(disk: &SimFs, progress: Progress, created: bool, place: &str) {
    match loaded(disk) {
        Ok(Some(found)) => {
            let allowed = progress.acknowledged..=progress.issued;
            assert!(allowed.contains(&found), "{place}: edit {found}, {progress:?}");
        }
        Ok(None) => assert!(!created, "{place}: the database is gone"),
        Err(error) => panic!("{place}: {error}"),
    }
}

#[test]
fn rocksdb_10573_leveldb_195_the_newest_manifest_is_found_after_power_loss_at_any_operation() {
    let full = SimFs::new();
    workload(&open(&full), &mut Progress::default()).unwrap();
    for operation in 2..=full.operations() {
        let disk = SimFs::new();
        let dir = open(&disk);
        disk.crash_at(operation);
        let mut progress = Progress::default();
        let finished = workload(&dir, &mut progress);
        // The last mark may fail unnoticed.
        assert!(
            disk.crashed() && (finished.is_err() || operation + 1 >= full.operations()) || finished.is_ok()
        );
        for style in Style::ALL {
            for seed in 0..4 {
                let place = format!("operation {operation} ({}), {style:?}, {seed}", disk.last_operation());
                check(&disk.crash_image(seed, style), progress, progress.issued > 0, &place);
            }
        }
        check(&disk.kill_image(), progress, progress.issued > 0, "after a kill");
    }
}

#[test]
fn rocksdb_6316_after_any_failed_operation_the_acknowledged_edits_are_there() {
    let plan = FaultPlan::new();
    let dir = open(&FaultFs::new(Arc::new(SimFs::new()), plan.clone()));
    let opened = plan.operations();
    workload(&dir, &mut Progress::default()).unwrap();
    for failure in Failure::ALL {
        for at in 0..plan.operations() - opened {
            let disk = SimFs::new();
            let plan = FaultPlan::new();
            let dir = open(&FaultFs::new(Arc::new(disk.clone()), plan.clone()));
            plan.arm(Fault::new(failure, at));
            let mut progress = Progress::default();
            let _ = workload(&dir, &mut progress);
            assert_eq!(plan.fired(), 1, "operation {at}");
            for (seed, style) in (0..).zip(Style::ALL) {
                let place = format!("failed operation {at}, {style:?}");
                check(&disk.crash_image(seed, style), progress, progress.issued > 0, &place);
            }
            check(&disk.kill_image(), progress, progress.issued > 0, "after a kill");
        }
    }
}
