//! Power cut and process kill at every file operation of a workload, and again inside recovery.

use mosskv_check::crash::{Effort, sweep};

#[test]
fn every_crash_leaves_a_prefix_with_everything_acknowledged() {
    let swept = sweep(Effort { stride: 1, seeds: 2, second_every: 97 }).unwrap_or_else(|e| panic!("{e}"));
    println!("{swept:?}");
    assert!(swept.points > 200, "the workload is too small to mean anything: {swept:?}");
    assert!(swept.second_crashes > 0);
}
