//! The crash sweep: the workload again and again, with the power cut after each of its file operations; many disks
//! that may be found afterwards; and for some of them a second crash at every operation of the recovery, the first write after
//! it and its flush.

use std::sync::Arc;

use mosskv::Durability;
use mosskv::fs::sim::{SimFs, Style};

use crate::history::{History, Write, contents};
use crate::workload;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Swept {
    /// File operations of the workload; the power was cut at each.
    pub points: u64,
    /// Disks opened after the first crash.
    pub images: u64,
    /// Disks opened after a second crash, inside recovery or what follows it.
    pub second_crashes: u64,
}

/// How thorough to be.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Cut the power at every `stride`-th operation.
    pub stride: u64,
    /// Seeds of the styles that have any.
    pub seeds: u64,
    /// Crash again inside the recovery of every n-th image; 0: never.
    pub second_every: u64,
}

/// Sweeps. The error names the operation, the image and what was wrong.
pub fn sweep(effort: Effort) -> Result<Swept, String> {
    let whole = SimFs::new();
    let mut history = History::default();
    workload::run(Arc::new(whole.clone()), &mut history)
        .map_err(|e| format!("without a crash: {:?}", e.error))?;
    let mut swept = Swept { points: whole.operations(), ..Swept::default() };
    for point in (0..swept.points).step_by(effort.stride as usize) {
        let disk = SimFs::new();
        disk.crash_at(point);
        let mut history = History::default();
        // Fails almost always; a crash in the clean-up after the last write may go unnoticed.
        drop(workload::run(Arc::new(disk.clone()), &mut history));
        let place =
            |what: &str| format!("power cut at operation {point} ({}), {what}", disk.last_operation());
        check(&disk.kill_image(), &history, true).map_err(|e| format!("{}: {e}", place("process killed")))?;
        swept.images += 1;
        for style in Style::ALL {
            let seeds = if always_the_same(style) { 1 } else { effort.seeds };
            for seed in 0..seeds {
                let image = || disk.crash_image(seed, style);
                let place = || place(&format!("{style:?} seed {seed}"));
                check(&image(), &history, false).map_err(|e| format!("{}: {e}", place()))?;
                swept.images += 1;
                if effort.second_every > 0 && swept.images.is_multiple_of(effort.second_every) {
                    swept.second_crashes +=
                        crash_recovery(image, &history).map_err(|e| format!("{}, {e}", place()))?;
                }
            }
        }
    }
    Ok(swept)
}

fn always_the_same(style: Style) -> bool {
    matches!(style, Style::OnlySynced | Style::EverythingKept | Style::OnlyNames | Style::OnlyContent)
}

/// Opens the disk and compares what is in it with the history; then again, because an open must not change what it found.
fn check(disk: &SimFs, history: &History, killed_only: bool) -> Result<usize, String> {
    let mut seen = None;
    for _ in 0..2 {
        let engine = workload::open(Arc::new(disk.clone()), 3).map_err(|e| format!("cannot open: {e:?}"))?;
        let now = history.check(&contents(&engine)?, killed_only)?;
        if seen.is_some_and(|before| before != now) {
            return Err(format!("state {now} after a second open, {seen:?} after the first"));
        }
        seen = Some(now);
        // Not closed: the second open finds what a kill leaves.
        let next = disk.kill_image();
        drop(engine);
        if history.check(&reopen(&next)?, killed_only)? != now {
            return Err("the state after a kill of the recovered database is another one".to_owned());
        }
    }
    seen.ok_or_else(|| "nothing was opened".to_owned())
}

fn reopen(disk: &SimFs) -> Result<crate::history::Contents, String> {
    let engine =
        workload::open(Arc::new(disk.clone()), 4).map_err(|e| format!("cannot open again: {e:?}"))?;
    contents(&engine)
}

/// Cuts the power at every operation of the recovery of `image` and of the first write after it, and recovers from each of
/// those.
fn crash_recovery(image: impl Fn() -> SimFs, history: &History) -> Result<u64, String> {
    let whole = image();
    go_on(&whole, &mut history.clone())?;
    let points = whole.operations();
    for point in 0..points {
        let (disk, mut history) = (image(), history.clone());
        disk.crash_at(point);
        drop(go_on(&disk, &mut history));
        for style in [Style::OnlySynced, Style::EverythingKept] {
            let again = disk.crash_image(point, style);
            let place = format!("second power cut at operation {point} of the recovery, {style:?}");
            history
                .check(&reopen(&again).map_err(|e| format!("{place}: {e}"))?, false)
                .map_err(|e| format!("{place}: {e}"))?;
        }
    }
    Ok(points * 2)
}

/// Recovers, writes and flushes; not closed.
fn go_on(disk: &SimFs, history: &mut History) -> Result<(), String> {
    let failed = |e| format!("cannot go on: {e:?}");
    let engine = workload::open(Arc::new(disk.clone()), 5).map_err(failed)?;
    history.go_on_from(contents(&engine)?);
    history
        .write(&engine, &[Write::Put(b"gone on".to_vec(), b"yes".to_vec())], Durability::Disk)
        .and_then(|()| engine.flush())
        .map_err(failed)
}
