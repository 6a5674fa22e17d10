//! Versions: which tables make up the database, level by level. Immutable; flush and compaction make new ones.
//!
//! `Version` is generic over how it holds a table, so that the compaction picker and its simulator run on
//! bare [`TableMeta`]s, and the engine on shared open tables. Any thread may read a Version without a lock;
//! [`Version::apply`] makes a new one beside it and fails, rather than asserting, when an input is gone.
//!
//! Invariants: L0 is newest first (by largest seqno, then number); every other level is sorted and its tables
//! do not overlap, so no user key is in two tables of a level; a table's number appears once.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};

mod bounds;
pub mod edit;
mod expiring;
pub(crate) mod install;
mod sublevel;
#[cfg(test)]
mod tests;

pub use bounds::{Bounds, KeyRange, hull};
pub use edit::VersionEdit;
pub use expiring::Expiring;

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
    /// Point records inside that follow a newer one of their key: some snapshot needed them when the table was written.
    pub superseded: u64,
    /// Point records inside that expire.
    pub expiring: Expiring,
}

impl AsRef<TableMeta> for TableMeta {
    fn as_ref(&self) -> &TableMeta {
        self
    }
}

/// A cheap handle to a table: what a [`Version`] is made of.
pub trait TableRef: Clone {
    /// What the manifest knows about the table.
    fn meta(&self) -> &TableMeta;
}

impl TableRef for TableMeta {
    fn meta(&self) -> &TableMeta {
        self
    }
}

impl<T: AsRef<TableMeta>> TableRef for Arc<T> {
    fn meta(&self) -> &TableMeta {
        (**self).as_ref()
    }
}

/// The tables of the database at one moment.
#[derive(Debug, Clone)]
pub struct Version<T> {
    levels: [Arc<[T]>; LEVELS],
    sublevels: Arc<[Arc<[T]>]>,
}

impl<T: TableRef> Version<T> {
    /// No tables at all.
    pub fn empty() -> Self {
        Self { levels: std::array::from_fn(|_| Arc::from([])), sublevels: Arc::from([]) }
    }

    /// The Version after `edit`. `make` opens a handle for each table that comes; a table that only changes
    /// its level keeps the handle it has. Levels the edit does not name are shared with `self`.
    ///
    /// # Errors
    /// `Internal` when a table to be removed is not there (another job took it), when an added one is there
    /// already, is empty, or overlaps its level. `self` is unchanged in any case, and every `make` before the
    /// error has happened.
    pub fn apply(&self, edit: &VersionEdit, mut make: impl FnMut(&TableMeta) -> T) -> Result<Self> {
        let mut levels: [Option<Vec<T>>; LEVELS] = std::array::from_fn(|_| None);
        let mut gone: Vec<T> = Vec::with_capacity(edit.removed.len());
        for &(level, number) in &edit.removed {
            let tables = self.writable(&mut levels, level)?;
            let Some(at) = tables.iter().position(|t| t.meta().number == number) else {
                return Err(broken(format!("table {number} to be removed is not in level {level}")));
            };
            gone.push(tables.remove(at));
        }
        let mut numbers: HashSet<u64> = self.tables().map(|t| t.meta().number).collect();
        for table in &gone {
            numbers.remove(&table.meta().number);
        }
        for (level, meta) in &edit.added {
            if meta.bounds().is_empty() {
                return Err(broken(format!("table {} to be added holds no key", meta.number)));
            }
            if !numbers.insert(meta.number) {
                return Err(broken(format!("table {} to be added is there already", meta.number)));
            }
            let tables = self.writable(&mut levels, *level)?;
            let moved = gone.iter().find(|t| t.meta().number == meta.number);
            tables.push(moved.cloned().unwrap_or_else(|| make(meta)));
        }

        let mut next = self.clone();
        for (level, tables) in levels.into_iter().enumerate() {
            let Some(mut tables) = tables else { continue };
            sort(level, &mut tables)?;
            if level == 0 {
                next.sublevels = sublevel::stack(&tables).into_iter().map(Arc::from).collect();
            }
            next.levels[level] = tables.into();
        }
        Ok(next)
    }

    /// The level's tables in `levels`, copied from this Version the first time.
    fn writable<'a>(&self, levels: &'a mut [Option<Vec<T>>; LEVELS], level: usize) -> Result<&'a mut Vec<T>> {
        match (levels.get_mut(level), self.levels.get(level)) {
            (Some(slot), Some(tables)) => Ok(slot.get_or_insert_with(|| tables.to_vec())),
            _ => Err(broken(format!("there is no level {level}"))),
        }
    }

    /// The tables of `level`: L0 newest first, the others by key. Empty for a level that does not exist.
    pub fn level(&self, level: usize) -> &[T] {
        self.levels.get(level).map_or(&[], |tables| tables)
    }

    /// The levels from L0 down.
    pub fn levels(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.levels.iter().map(|tables| &**tables)
    }

    /// All tables, level by level.
    pub fn tables(&self) -> impl Iterator<Item = &T> {
        self.levels.iter().flat_map(|tables| tables.iter())
    }

    /// L0 as sorted runs, newest run first.
    pub fn sublevels(&self) -> &[Arc<[T]>] {
        &self.sublevels
    }

    /// Every sorted run that is not empty, newest to oldest: L0's sublevels, then the levels. A key's newest
    /// record is in the first run that has one.
    pub fn runs(&self) -> impl Iterator<Item = &Arc<[T]>> {
        let levels = self.levels.iter().skip(1);
        self.sublevels.iter().chain(levels.filter(|run| !run.is_empty()))
    }

    /// The tables of `level` that may hold a key of `bounds`, in the level's order. A binary search, in L0 a walk.
    pub fn overlapping<'a>(&'a self, level: usize, bounds: Bounds<'a>) -> impl Iterator<Item = &'a T> {
        let tables = self.level(level);
        let tables = if level == 0 { tables } else { overlap(tables, &bounds) };
        tables.iter().filter(move |t| t.meta().bounds().overlaps(&bounds))
    }

    /// Bytes of the tables of `level`.
    pub fn level_bytes(&self, level: usize) -> u64 {
        self.level(level).iter().map(|t| t.meta().size).sum()
    }
}

/// The one table of a sorted run that may hold `user_key`. A binary search.
#[inline]
pub fn find_in_run<'a, T: TableRef>(run: &'a [T], user_key: &[u8]) -> Option<&'a T> {
    let after = run.partition_point(|t| *t.meta().smallest <= *user_key);
    let table = run.get(after.checked_sub(1)?)?;
    (!table.meta().bounds().ends_before(user_key)).then_some(table)
}

/// The tables of a sorted run that may hold a key of `bounds`. Two binary searches.
pub fn overlap<'a, T: TableRef>(run: &'a [T], bounds: &Bounds<'_>) -> &'a [T] {
    let first = run.partition_point(|t| t.meta().bounds().ends_before(bounds.start));
    let last = run.partition_point(|t| !bounds.ends_before(&t.meta().smallest));
    run.get(first..last).unwrap_or(&[])
}

/// Puts a level in its order and checks that it may stand so.
fn sort<T: TableRef>(level: usize, tables: &mut [T]) -> Result<()> {
    if level == 0 {
        tables.sort_by_key(|t| std::cmp::Reverse((t.meta().max_seqno, t.meta().number)));
        return Ok(());
    }
    tables.sort_by(|a, b| a.meta().smallest.cmp(&b.meta().smallest));
    for pair in tables.windows(2) {
        if let [a, b] = pair
            && !a.meta().bounds().ends_before(&b.meta().smallest)
        {
            let (a, b) = (a.meta().number, b.meta().number);
            return Err(broken(format!("tables {a} and {b} overlap in level {level}")));
        }
    }
    Ok(())
}

fn broken(what: String) -> Error {
    Error::new(ErrorKind::Internal, format!("version edit refused: {what}"))
}
