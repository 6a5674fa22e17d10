//! Figures about an open database.

use super::Engine;
use crate::event::CounterValues;
use crate::key::SeqNo;
use crate::version::LEVELS;

/// One level of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LevelStats {
    /// Tables in it.
    pub tables: u64,
    /// Their bytes on disk.
    pub bytes: u64,
    /// Their records, tombstones and older versions included.
    pub entries: u64,
    /// Sorted runs a read may have to look at: the sublevels of L0, one for any other level that is not empty.
    pub runs: u64,
}

/// A view of what the database holds and has done since it was opened. Reading it costs microseconds and no disk.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stats {
    /// L0 first.
    pub levels: Vec<LevelStats>,
    /// Bytes of the memtable that takes writes.
    pub memtable_bytes: u64,
    /// Records in it.
    pub memtable_entries: u64,
    /// Full memtables that wait to be flushed.
    pub immutable_memtables: u64,
    /// Bytes of the current log.
    pub wal_bytes: u64,
    /// Blocks found in the cache.
    pub cache_hits: u64,
    /// Blocks that had to be read.
    pub cache_misses: u64,
    /// Bytes the cache holds.
    pub cache_bytes: u64,
    /// Live snapshots.
    pub snapshots: u64,
    /// The sequence number of the oldest one.
    pub oldest_snapshot: Option<SeqNo>,
    /// The newest sequence number.
    pub last_seqno: SeqNo,
    /// Bytes on disk that compaction is behind.
    pub pending_compaction_bytes: u64,
    /// What has been counted since the open.
    pub counters: CounterValues,
}

impl Engine {
    /// The figures as they are now.
    pub fn stats(&self) -> Stats {
        let parts = &self.database.parts;
        let store = &parts.store;
        let view = store.view.load_full();
        let levels = (0..LEVELS).map(|level| {
            let tables = view.version.level(level);
            LevelStats {
                tables: tables.len() as u64,
                bytes: tables.iter().map(|table| table.meta().size).sum(),
                entries: tables.iter().map(|table| table.meta().entries).sum(),
                runs: match level {
                    0 => view.version.sublevels().len() as u64,
                    _ => u64::from(!tables.is_empty()),
                },
            }
        });
        let cache = store.blocks.stats();
        Stats {
            levels: levels.collect(),
            memtable_bytes: view.memtable.bytes() as u64,
            memtable_entries: view.memtable.len() as u64,
            immutable_memtables: view.immutables.len() as u64,
            wal_bytes: parts.commit.wal_bytes(),
            cache_hits: cache.hits,
            cache_misses: cache.misses,
            cache_bytes: (cache.block_bytes + cache.pinned_bytes) as u64,
            snapshots: store.snapshots.count() as u64,
            oldest_snapshot: store.snapshots.oldest(),
            last_seqno: store.visible(),
            pending_compaction_bytes: store.pending_compaction.load(crate::sync::Ordering::Relaxed),
            counters: store.counters.values(),
        }
    }
}
