//! MossKV: an embedded, ordered, persistent key-value store. A log-structured merge tree driven by real
//! OS threads, with no async runtime.
//!
//! Data goes through the rooms in one direction: [`Engine`] -> commit -> WAL -> memtable -> flush -> table
//! -> version. `docs/design.md` tells the whole story; each module header tells its own.

#![deny(unsafe_code)]

pub mod admission;
pub mod batch;
pub mod cache;
pub mod checksum;
pub mod codec;
mod commit;
pub mod compaction;
pub mod compress;
mod engine;
pub mod error;
pub mod event;
pub mod expiry;
mod flush;
pub mod fs;
pub mod health;
pub mod iter;
pub mod key;
pub mod manifest;
pub mod memtable;
pub mod options;
pub mod range_del;
mod recovery;
mod remover;
pub mod snapshot;
mod store;
mod sync;
pub mod table;
mod verify;
pub mod version;
mod view;
pub mod wal;
pub mod worker;

pub use batch::WriteBatch;
pub use engine::{
    Engine, Entry, Environment, Iter, IterOptions, LevelStats, ReadOptions, SharedEngine, Stats,
};
pub use error::{Error, ErrorKind, Result};
pub use options::{Compression, Durability, Options};
pub use snapshot::Snapshot;
pub use verify::VerifyReport;
