//! The only door to locks, atomics and threads: `parking_lot` and `std` in real life, the same names over
//! `shuttle` under `--cfg shuttle`, where a test decides which thread runs next.
//!
//! Locks do not poison: a panic under a lock is caught at the thread's root and makes the database
//! read-only (`health`), which says more than a poisoned lock would.

#[cfg(not(shuttle))]
mod real {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use std::{thread, thread_local};

    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
}

#[cfg(shuttle)]
mod checked;

#[cfg(shuttle)]
pub(crate) use checked::*;
#[cfg(not(shuttle))]
pub(crate) use real::*;
