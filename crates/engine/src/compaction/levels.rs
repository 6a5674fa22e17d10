//! How large each level should be.
//!
//! Sizes are dynamic: the deepest level is as large as its data, each one above it a tenth of that, up to the base
//! level, whose target is about one L0 full of tables. Levels above the base stay empty, so nine tenths of
//! the data lie at the bottom whatever the total (RocksDB's `level_compaction_dynamic_level_bytes`).
//!
//! ```text
//!   L0 ──────────────┐
//!   L1 .. L3 (empty) │
//!   L4 base    1 GB <┘      L5   10 GB      L6  100 GB, no target
//! ```

use crate::options::Options;
use crate::version::{LEVELS, TableRef, Version};

/// Each level is this many times as large as the one above.
const RATIO: u64 = 10;
/// The deepest level.
pub(super) const BOTTOM: usize = LEVELS - 1;

/// The base level and the target of each level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Where L0's tables go, unless a level above it still holds data.
    pub base: usize,
    /// The bytes each level may hold; 0 above the base, `u64::MAX` for L0 and the deepest level.
    pub targets: [u64; LEVELS],
}

impl Shape {
    /// The shape for the data of `version`.
    pub fn of<T: TableRef>(version: &Version<T>, options: &Options) -> Self {
        let base_bytes = base_bytes(options);
        let largest = (1..LEVELS).map(|level| version.level_bytes(level)).max().unwrap_or(0);
        let ideal = |level: usize| (level..BOTTOM).fold(largest, |bytes, _| bytes / RATIO);
        let mut base = BOTTOM;
        while base > 1 && ideal(base) > base_bytes {
            base -= 1;
        }
        // A level once there goes only when its target has halved since it came, not at the first deletion.
        let above = base - 1;
        if above >= 1 && !version.level(above).is_empty() && ideal(above) >= base_bytes / RATIO / 2 {
            base = above;
        }
        let mut targets = [0; LEVELS];
        for (level, target) in targets.iter_mut().enumerate() {
            *target = match level {
                0 | BOTTOM => u64::MAX,
                _ if level < base => 0,
                _ => ideal(level).max(base_bytes),
            };
        }
        Self { base, targets }
    }
}

/// The most bytes the base level's ideal size may have: what L0 holds when its compaction is due.
fn base_bytes(options: &Options) -> u64 {
    options.memtable_bytes as u64 * options.max_tables as u64
}

/// Bytes that stand above their level's target: what compaction is behind, L0 not counted.
pub fn pending_bytes<T: TableRef>(version: &Version<T>, options: &Options) -> u64 {
    let targets = Shape::of(version, options).targets;
    let excess = |(level, target): (usize, &u64)| version.level_bytes(level).saturating_sub(*target);
    targets.iter().enumerate().skip(1).map(excess).sum()
}
