//! Compaction: which tables to merge next, where to cut what comes out, and which records may go.
//!
//! Everything here is pure: [`pick`] and [`pick_range`] turn a Version into a [`Task`], [`Cutter`] says where an output
//! table ends, [`Retention`] which records are dropped. The job that runs a task does the reading and writing.
//! Any thread may call any of it; the caller guards its [`InFlight`] with its own lock.
//!
//! Why parallel tasks are safe: a task's inputs are tables no other task has ([`InFlight`] holds their numbers), and
//! its outputs lie in a key range that no other task writes in any of the levels it passes. Data only moves
//! down, so what [`Task::below`] says stays true while the task runs: a key it rules out has no older
//! record outside the inputs.
//!
//! Sources: RocksDB (dynamic level sizes, intra-L0, cutting at the next level's borders), Pebble (L0 sublevels), LevelDB
//! (grandparent limit, trivial moves).

mod cut;
pub(crate) mod job;
mod levels;
mod manual;
mod outputs;
mod picker;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;

use crate::key::SeqNo;
use crate::version::{Bounds, KeyRange};

pub use cut::Cutter;
pub use levels::{Shape, pending_bytes};
pub use manual::{RangePick, pick_range};
pub use picker::pick;
pub use rules::{Below, Retention};

/// Why a task is worth running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// L0 has too many tables; they go to the base level.
    L0Tables,
    /// L0 has too many tables and the base level is busy, or too large for so few bytes; they become one.
    IntraL0,
    /// The level holds more bytes than its target.
    LevelSize,
    /// The tree has shrunk and does without this level.
    Drain,
    /// Tables made of tombstones: space and scan time wait behind them.
    Tombstones,
    /// Someone asked for it.
    Manual,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L0Tables => "too many tables in L0",
            Self::IntraL0 => "too many tables in L0, base level busy",
            Self::LevelSize => "level over its target",
            Self::Drain => "level no longer needed",
            Self::Tombstones => "many tombstones",
            Self::Manual => "manual",
        })
    }
}

/// A table of the level below the output, as far as cutting needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grandparent {
    /// The last key of the table, or the first after it when `end_exclusive`.
    pub end: Box<[u8]>,
    /// Whether `end` is outside the table.
    pub end_exclusive: bool,
    /// Bytes of the table.
    pub size: u64,
}

/// One compaction: which tables become which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Why.
    pub reason: Reason,
    /// The inputs by level, upper levels first: table numbers, in the level's order. Within L0 they are newest
    /// first, and every older table that overlaps one of them is among them too (unless the output stays in L0).
    pub inputs: Vec<(usize, Vec<u64>)>,
    /// The level the outputs go to.
    pub output_level: usize,
    /// The tables only change their level; nothing is read or written.
    pub is_trivial_move: bool,
    /// All keys of the inputs lie in here.
    pub range: KeyRange,
    /// Bytes of the input tables.
    pub input_bytes: u64,
    /// What lies deeper than the outputs. Empty means bottommost.
    pub below: Below,
    /// About how large an output table should be, in bytes; see [`Cutter`]. `u64::MAX`: one output only.
    pub target_bytes: u64,
    /// The tables of the next level inside `range`, ascending, for [`Cutter`].
    pub grandparents: Vec<Grandparent>,
    /// The bytes of grandparents one output may overlap.
    pub max_grandparent_bytes: u64,
    /// The levels whose key range this task writes, first to last; none when it stays in L0.
    pub writes: Option<(usize, usize)>,
}

impl Task {
    /// Whether no older record of any of its keys lies below the outputs.
    pub fn is_bottommost(&self) -> bool {
        self.below.is_empty()
    }

    /// The input table numbers.
    pub fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.inputs.iter().flat_map(|(_, numbers)| numbers.iter().copied())
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (level, numbers) in &self.inputs {
            write!(f, "{} tables of L{level}, ", numbers.len())?;
        }
        let how = if self.is_trivial_move { "moved" } else { "merged" };
        write!(f, "{} bytes, {how} to L{} ({})", self.input_bytes, self.output_level, self.reason)
    }
}

/// What the running tasks have taken, so that the next one keeps clear of them.
#[derive(Debug, Clone, Default)]
pub struct InFlight {
    numbers: HashSet<u64>,
    claims: Vec<Claim>,
    oldest_snapshot: Option<SeqNo>,
    now: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    first: usize,
    last: usize,
    range: KeyRange,
}

impl InFlight {
    /// Nothing is running and no snapshot is held.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what `task` needs. Call it before the task starts, under the lock that guarded the pick.
    pub fn begin(&mut self, task: &Task) {
        self.numbers.extend(task.numbers());
        if let Some((first, last)) = task.writes {
            self.claims.push(Claim { first, last, range: task.range.clone() });
        }
    }

    /// Gives back what `task` took, after its edit is installed or given up.
    pub fn end(&mut self, task: &Task) {
        for number in task.numbers() {
            self.numbers.remove(&number);
        }
        let Some((first, last)) = task.writes else { return };
        let claim = Claim { first, last, range: task.range.clone() };
        if let Some(at) = self.claims.iter().position(|c| *c == claim) {
            self.claims.swap_remove(at);
        }
    }

    /// Tells the picker the oldest snapshot held, `None` for none: tombstones newer than it cannot go yet, so
    /// they alone are no reason to compact.
    pub fn set_oldest_snapshot(&mut self, oldest: Option<SeqNo>) {
        self.oldest_snapshot = oldest;
    }

    /// Tells the picker the time, in milliseconds of the Unix epoch: values that have expired are as good as tombstones.
    pub fn set_now(&mut self, now: u64) {
        self.now = now;
    }

    /// What [`set_now`](Self::set_now) was told last; 0 before.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// The oldest snapshot held.
    pub fn oldest_snapshot(&self) -> Option<SeqNo> {
        self.oldest_snapshot
    }

    /// Whether a running task has the table.
    pub fn has(&self, number: u64) -> bool {
        self.numbers.contains(&number)
    }

    /// Whether a running task writes to keys of `bounds` in one of the levels `first..=last`.
    pub fn writes(&self, first: usize, last: usize, bounds: &Bounds<'_>) -> bool {
        self.claims.iter().any(|c| c.first <= last && first <= c.last && c.range.bounds().overlaps(bounds))
    }

    /// How many input tables the running tasks have.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether nothing is running.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}
