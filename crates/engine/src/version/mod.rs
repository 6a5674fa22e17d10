//! Versions: which tables make up the database, level by level. Immutable; flush and compaction make new ones.
//!
//! `Version` is generic over how it holds a table, so that the compaction picker and its simulator run on
//! bare [`TableMeta`]s, and the engine on shared open tables.

pub mod edit;

pub use edit::VersionEdit;

/// How many levels there are; L0 holds flushed tables newest first, the others hold tables that do not overlap.
pub const LEVELS: usize = 7;

/// What the manifest knows about a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableMeta {
    /// The file number; the name derives from it.
    pub number: u64,
    /// Bytes of the file.
    pub size: u64,
    /// Checksum of the whole file ([`crate::checksum::Running`]).
    pub checksum: u64,
    /// The smallest user key, or start of a range tombstone.
    pub smallest: Box<[u8]>,
    /// The largest user key, or end of a range tombstone.
    pub largest: Box<[u8]>,
    /// Whether `largest` itself is outside the table (it is the end of a range tombstone).
    pub largest_exclusive: bool,
    /// The smallest sequence number inside.
    pub min_seqno: u64,
    /// The largest sequence number inside.
    pub max_seqno: u64,
    /// Point records inside, tombstones included.
    pub entries: u64,
    /// Point tombstones inside.
    pub tombstones: u64,
    /// Range tombstones inside.
    pub range_deletes: u64,
    /// Bytes of keys and values before blocks and compression.
    pub raw_bytes: u64,
}
