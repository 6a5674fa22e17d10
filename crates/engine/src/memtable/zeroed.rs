//! Slices of zeroed atomics, straight from the allocator: a large one is mapped memory that is only touched
//! where it is used, so that making a table of many megabytes takes no time.

#![allow(unsafe_code)]

use crate::sync::{AtomicU32, AtomicU64};

/// `length` zeros.
pub(super) fn u32s(length: usize) -> Box<[AtomicU32]> {
    // SAFETY: an atomic integer has the representation of the integer, and zero is one.
    unsafe { Box::new_zeroed_slice(length).assume_init() }
}

/// `length` zeros.
pub(super) fn u64s(length: usize) -> Box<[AtomicU64]> {
    // SAFETY: an atomic integer has the representation of the integer, and zero is one.
    unsafe { Box::new_zeroed_slice(length).assume_init() }
}
