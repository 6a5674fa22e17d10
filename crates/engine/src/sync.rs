//! The only door to locks and atomics: `parking_lot` and `std` in real life, `shuttle` under `--cfg shuttle`.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
