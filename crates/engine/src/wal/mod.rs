//! The write-ahead log: what was promised before it is in a table. One file a memtable.
//!
//! A log is written by one thread at a time ([`WalWriter`], the commit leader) and read by the thread that opens
//! the database ([`replay`], [`replay_all`]). A recovered log is never appended to and never cut.
//!
//! ```text
//! file  = file header (64 bytes) | frame | frame | ...
//! frame = frame header (48 bytes) | operations of one group of batches
//! ```
//!
//! [`frame`] draws the bytes. Logs form a chain: each file header names the log before it and how many of its
//! bytes count. [`replay_all`] follows that chain, so that a missing or shortened older log is an error (pebble
//! #864, rocksdb #6288).
//!
//! **Torn or damaged.** A crash may lose, in any pattern, whatever was written after the last sync. So the newest
//! log may end in bytes that are no frame; from there on it is dropped, and what remains is a prefix of what was
//! written. But bytes that were synced must be there. Every frame carries how far the log was known synced when
//! the frame was written; a bad frame below the mark of any later frame is damage, an error. The idea of the mark
//! is Pebble's (its WAL sync-offset chunks).
//!
//! The manifest is a log of the same frames and uses `Appender` and `Frames` too.

pub(crate) mod append;
pub mod frame;
mod reader;
pub(crate) mod scan;
mod spare;
mod sync;
#[cfg(test)]
pub(crate) mod test_dir;
mod writer;

pub use reader::{Recovered, Replayed, Tail, replay, replay_all, seal};
pub use spare::SpareLog;
pub use sync::LogSync;
pub use writer::WalWriter;

#[cfg(test)]
mod tests;
