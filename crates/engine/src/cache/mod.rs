//! What is kept in memory of tables: blocks (under a byte budget) and open files (under a count).
//!
//! Reads of what is there take no lock, write no memory that other cores read, and allocate nothing: each open table
//! has a slot for each of its blocks (`BlockSlots`), and a slot is read through `arc-swap`'s thread-local
//! debts. Only misses and evictions take locks. Everything here may be called from any thread.

#![deny(clippy::indexing_slicing)]

mod block;
mod counters;
mod queue;
mod table;

pub use block::{BlockCache, CacheStats};
pub(crate) use block::{BlockSlots, CachedBlock, Reservation};
pub(crate) use table::Openable;
pub use table::TableCache;

#[cfg(test)]
mod tests;
