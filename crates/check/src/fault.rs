//! The fault sweep: the workload again and again, with each of its operating-system calls failing in each way, once or for
//! good. Whatever fails: an error or nothing, never a panic; nothing acknowledged is lost, live, after `resume`, after a reopen
//! or after power loss.

use std::sync::Arc;

use mosskv::Durability;
use mosskv::fs::fault::{Failure, Fault, FaultFs, FaultPlan};
use mosskv::fs::sim::{SimFs, Style};

use crate::history::{History, Write, contents};
use crate::workload::{self, Failed};

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Swept {
    /// Operations of the workload; each was made to fail.
    pub points: u64,
    /// Runs of the workload.
    pub runs: u64,
    /// Runs in which the failure was survived without an error.
    pub unnoticed: u64,
    /// Runs that ended read-only and took writes again.
    pub resumed: u64,
}

/// Sweeps every `stride`-th operation with every one of `failures`. The error names the operation, the failure and what was
/// wrong.
///
/// # Errors
/// The first broken promise.
pub fn sweep(stride: usize, failures: &[Failure]) -> Result<Swept, String> {
    let plan = FaultPlan::new();
    let fs = FaultFs::new(Arc::new(SimFs::new()), plan.clone());
    workload::run(Arc::new(fs), &mut History::default())
        .map_err(|e| format!("without a fault: {:?}", e.error))?;
    let mut swept = Swept { points: plan.operations(), ..Swept::default() };
    for at in (0..swept.points).step_by(stride) {
        for &failure in failures {
            for sticky in [false, true] {
                let fault = Fault::new(failure, at);
                let fault = if sticky { fault.sticky() } else { fault };
                run(fault, &mut swept).map_err(|e| format!("{fault:?}: {e}"))?;
            }
        }
    }
    Ok(swept)
}

fn run(fault: Fault, swept: &mut Swept) -> Result<(), String> {
    let (disk, plan, mut history) = (SimFs::new(), FaultPlan::new(), History::default());
    plan.arm(fault);
    let failed = workload::run(Arc::new(FaultFs::new(Arc::new(disk.clone()), plan.clone())), &mut history);
    swept.runs += 1;
    plan.disarm();
    power_loss(&disk, &history, "after the failure")?;
    match failed {
        Ok(()) => swept.unnoticed += 1,
        Err(Failed { engine: None, .. }) => {}
        Err(Failed { engine: Some(engine), error }) => {
            if error == mosskv::ErrorKind::CommitUnknown && !engine.is_read_only() {
                return Err(format!("writes go on after one of unknown outcome: {error:?}"));
            }
            if engine.is_read_only()
                && engine.last_error().is_some_and(|latched| latched.kind() != mosskv::ErrorKind::Closed)
            {
                swept.resumed +=
                    u64::from(go_on(&engine, &mut history).map_err(|e| format!("{error:?}; then {e}"))?);
            }
            drop(engine);
            power_loss(&disk, &history, "after going on")?;
        }
    }
    let engine = workload::open(Arc::new(disk.clone()), 6).map_err(|e| format!("cannot reopen: {e:?}"))?;
    history.check(&contents(&engine)?, true)?;
    Ok(())
}

/// Reads on, resumes, writes on. False when the engine had been closed.
fn go_on(engine: &mosskv::Engine, history: &mut History) -> Result<bool, String> {
    match contents(engine) {
        Err(message) if message.contains("DATABASE_CLOSED") => return Ok(false),
        found => history.check(&found?, true).map_err(|e| format!("live reads: {e}"))?,
    };
    if engine.put("refused", "").is_ok() {
        return Err("a write is taken before the resume".to_owned());
    }
    engine.resume().map_err(|e| format!("resume: {e:?}"))?;
    let live = contents(engine)?;
    history.check(&live, true).map_err(|e| format!("resumed reads: {e}"))?;
    history.go_on_from(live);
    let write = Write::Put(b"resumed".to_vec(), b"yes".to_vec());
    history.write(engine, &[write], Durability::Disk).map_err(|e| format!("a write after resume: {e:?}"))?;
    Ok(true)
}

fn power_loss(disk: &SimFs, history: &History, when: &str) -> Result<(), String> {
    for style in [Style::OnlySynced, Style::EverythingKept, Style::RandomSectors] {
        let image = disk.crash_image(7, style);
        let engine = workload::open(Arc::new(image), 8).map_err(|e| format!("{when}, {style:?}: {e:?}"))?;
        history.check(&contents(&engine)?, false).map_err(|e| format!("{when}, {style:?}: {e}"))?;
    }
    Ok(())
}
