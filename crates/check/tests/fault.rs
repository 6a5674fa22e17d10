//! Every operating-system call of a workload fails, in several ways, once and for good.

use mosskv::fs::fault::Failure;
use mosskv_check::fault::sweep;

#[test]
fn every_io_error_is_reported_and_loses_nothing() {
    let failures = [Failure::Io, Failure::NoSpace, Failure::ShortWrite, Failure::LostSync];
    let swept = sweep(1, &failures).unwrap_or_else(|e| panic!("{e}"));
    println!("{swept:?}");
    assert!(swept.resumed > 0, "no run went through resume: {swept:?}");
}
