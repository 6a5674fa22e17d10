//! A VersionEdit: the difference between two Versions, as the manifest records it.

use super::TableMeta;
use crate::key::SeqNo;

/// What one flush, compaction or open changes. Fields that are `None` stay as they were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionEdit {
    /// Tables that come, with their level.
    pub added: Vec<(usize, TableMeta)>,
    /// Tables that go: level and number.
    pub removed: Vec<(usize, u64)>,
    /// Logs with a smaller number are no longer needed.
    pub log_number: Option<u64>,
    /// The next file number that was never used.
    pub next_file: Option<u64>,
    /// A sequence number at least as large as any in the tables.
    pub last_seqno: Option<SeqNo>,
}
