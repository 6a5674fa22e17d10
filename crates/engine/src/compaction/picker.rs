//! Chooses the next compaction. A pure function: no clock, no I/O, no state of its own.
//!
//! 1. Levels over their target (L0: over its number of tables), the most urgent first.
//! 2. Otherwise tables made of tombstones, of expired values, or of versions kept for snapshots that are gone, which go
//!    down until nothing lies below them and they vanish.
//!
//! From L0 a task takes a group of tables that hang together by overlap among themselves and in the base level, so
//! that every older table under an input is an input. From other levels it takes the table with the fewest
//! bytes under it for its size (RocksDB's `kMinOverlappingRatio`), dense tombstones first, and more of its
//! neighbours when they are free of charge. No user key is in two tables of a level, so no input can split one.

use super::levels::{BOTTOM, Shape};
use super::{Below, Grandparent, InFlight, Reason, Task};
use crate::options::Options;
use crate::version::{Bounds, LEVELS, TableMeta, TableRef, Version, hull};

/// How many times the target table size one output may overlap in the next level, and an expanded task hold.
const MAX_OVERLAP_TABLES: u64 = 25;
/// An L0 table smaller than this part of a full one is merged before it goes down, not moved.
const SMALL_PART: u64 = 8;
/// L0 is merged within itself when the base level holds this many times as many bytes under it.
const INTRA_L0_RATIO: u64 = 8;
/// The fewest tables worth merging within L0.
const INTRA_L0_TABLES: usize = 4;
/// The most bytes to merge within L0, where one table comes out.
const INTRA_L0_BYTES: u64 = 1 << 30;
/// How many point tombstones a range tombstone counts for.
const RANGE_DELETE_WEIGHT: u64 = 1024;

/// The next task, or `None` when nothing is due or all that is due waits for running tasks. `O(n log n)` in the tables.
pub fn pick<T: TableRef>(version: &Version<T>, options: &Options, busy: &InFlight) -> Option<Task> {
    let picker = Picker::new(version, options, busy);
    let due = picker.due();
    due.into_iter()
        .find_map(|(level, reason)| picker.level_task(level, reason))
        .or_else(|| picker.tombstones())
}

/// A group of L0 tables that must go down together, with the base level's tables under them.
struct Group<'a> {
    upper: Vec<&'a TableMeta>,
    lower: Vec<&'a TableMeta>,
}

pub(super) struct Picker<'a, T> {
    pub(super) version: &'a Version<T>,
    pub(super) options: &'a Options,
    pub(super) busy: &'a InFlight,
    pub(super) shape: Shape,
}

impl<'a, T: TableRef> Picker<'a, T> {
    pub(super) fn new(version: &'a Version<T>, options: &'a Options, busy: &'a InFlight) -> Self {
        Self { version, options, busy, shape: Shape::of(version, options) }
    }

    /// The levels with work to do, the most urgent first. What running tasks take away no longer counts.
    fn due(&self) -> Vec<(usize, Reason)> {
        let mut due = Vec::new();
        let l0 = self.free(0).count() as f64 / self.options.max_tables as f64;
        if l0 >= 1.0 {
            due.push((l0, 0, Reason::L0Tables));
        }
        for level in 1..BOTTOM {
            let bytes: u64 = self.free(level).map(|t| t.size).sum();
            let target = self.shape.targets[level];
            if bytes > target {
                match target {
                    0 => due.push((1.0, level, Reason::Drain)),
                    _ => due.push((bytes as f64 / target as f64, level, Reason::LevelSize)),
                }
            }
        }
        due.sort_by(|a, b| b.0.total_cmp(&a.0));
        due.into_iter().map(|(_, level, reason)| (level, reason)).collect()
    }

    fn level_task(&self, level: usize, reason: Reason) -> Option<Task> {
        if level == 0 {
            return self.l0_task(reason, |_| true);
        }
        let mut candidates: Vec<_> = self.free(level).map(|t| (self.priority(level, t), t)).collect();
        candidates.sort_by_key(|candidate| candidate.0);
        candidates.into_iter().find_map(|(_, table)| self.down(level, table, reason))
    }

    /// Sorts before others what should go down first.
    fn priority(&self, level: usize, table: &TableMeta) -> (bool, u64) {
        let under: u64 = self.under(level + 1, &table.bounds()).map(|t| t.size).sum();
        (!self.is_dense(table), under.saturating_mul(1024) / table.size.max(1))
    }

    /// The task that takes `table` one level down.
    pub(super) fn down(&self, level: usize, table: &'a TableMeta, reason: Reason) -> Option<Task> {
        let output = level + 1;
        let mut upper = vec![table];
        let lower: Vec<_> = self.under(output, &table.bounds()).collect();
        let range = hull(upper.iter().chain(&lower).copied())?;
        let wider: Vec<_> = self.under(level, &range).collect();
        if let Some(wide) = hull(wider.iter().copied()).filter(|_| wider.len() > 1) {
            let bytes: u64 = wider.iter().chain(&lower).map(|t| t.size).sum();
            let free = wider.iter().all(|t| !self.busy.has(t.number));
            let same = self.under(output, &wide).count() == lower.len();
            if free && same && bytes <= self.max_overlap() {
                upper = wider;
            }
        }
        self.task(level, upper, output, lower, reason)
    }

    /// The task that takes L0 tables to the base level, or within L0 when that must wait. Only groups with a
    /// `wanted` table count.
    pub(super) fn l0_task(&self, reason: Reason, wanted: impl Fn(&TableMeta) -> bool) -> Option<Task> {
        let output = self.l0_output();
        let mut groups = self.l0_groups(output);
        groups.retain(|group| group.upper.iter().any(|t| wanted(t)));
        groups.sort_by_key(|group| std::cmp::Reverse(group.upper.len()));
        let full = (self.options.memtable_bytes as u64).min(self.options.table_bytes as u64);
        let moves = |small: bool| {
            let singles = groups.iter().filter(|g| g.lower.is_empty() && g.upper.len() == 1);
            let tables = singles.filter_map(|g| g.upper.first().copied());
            let tables = tables.filter(|t| small || t.size >= full / SMALL_PART);
            let tasks = tables.filter_map(|t| self.task(0, vec![t], output, Vec::new(), reason));
            let tasks: Vec<Task> = tasks.filter(|task| task.is_trivial_move).collect();
            tasks.into_iter().reduce(join_moves)
        };
        if let Some(task) = moves(false) {
            return Some(task);
        }
        for group in &groups {
            let bytes = |tables: &[&TableMeta]| tables.iter().map(|t| t.size).sum::<u64>();
            let (above, under) = (bytes(&group.upper), bytes(&group.lower));
            let alone = group.upper.len() == 1 && under == 0;
            if reason == Reason::L0Tables
                && (alone || above.saturating_mul(INTRA_L0_RATIO) < under)
                && let Some(task) = self.within_l0()
            {
                return Some(task);
            }
            let task = self.task(0, group.upper.clone(), output, group.lower.clone(), reason);
            if let Some(task) = task.filter(|task| !(alone && task.is_trivial_move)) {
                return Some(task);
            }
        }
        moves(true).or_else(|| self.within_l0().filter(|_| reason == Reason::L0Tables))
    }

    /// Where L0's tables go: never past a level that holds data.
    pub(super) fn l0_output(&self) -> usize {
        (1..self.shape.base).find(|&level| !self.version.level(level).is_empty()).unwrap_or(self.shape.base)
    }

    /// The L0 tables that may go down, in groups that hang together. A table may go when it is free and so is every
    /// older one that overlaps it.
    fn l0_groups(&self, output: usize) -> Vec<Group<'a>> {
        let mut stay: Vec<&TableMeta> = Vec::new();
        let mut left: Vec<&'a TableMeta> = Vec::new();
        for table in self.version.level(0).iter().rev().map(T::meta) {
            if self.busy.has(table.number) || stay.iter().any(|t| t.bounds().overlaps(&table.bounds())) {
                stay.push(table);
            } else {
                left.push(table);
            }
        }
        left.reverse();
        let mut groups = Vec::new();
        while let Some(seed) = left.last() {
            let mut range = seed.bounds();
            let (mut upper, mut lower) = (Vec::new(), Vec::new());
            loop {
                let size = upper.len() + lower.len();
                upper = left.iter().copied().filter(|t| t.bounds().overlaps(&range)).collect();
                lower = self.under(output, &range).collect();
                range = upper.iter().chain(&lower).fold(range, |range, t| range.join(&t.bounds()));
                if upper.len() + lower.len() == size {
                    break;
                }
            }
            left.retain(|t| !t.bounds().overlaps(&range));
            groups.push(Group { upper, lower });
        }
        groups
    }

    /// Merges the newest L0 tables into one: as many, in one stretch of age, as make the bytes rewritten for
    /// each table saved fewest (RocksDB's `FindIntraL0Compaction`).
    fn within_l0(&self) -> Option<Task> {
        let free = self.version.level(0).iter().map(T::meta).take_while(|t| !self.busy.has(t.number));
        let mut upper: Vec<&TableMeta> = Vec::new();
        let (mut bytes, mut best) = (0u64, u64::MAX);
        for table in free {
            let total = bytes + table.size;
            let each = total / upper.len().max(1) as u64;
            if (upper.len() >= 2 && each > best) || total > INTRA_L0_BYTES {
                break;
            }
            if !upper.is_empty() {
                best = each;
            }
            bytes = total;
            upper.push(table);
        }
        if upper.len() < INTRA_L0_TABLES.min(self.options.max_tables) || upper.len() < 2 {
            return None;
        }
        self.task(0, upper, 0, Vec::new(), Reason::IntraL0)
    }

    /// Takes a table made of tombstones down, or, where nothing lies below it, writes it again without them.
    fn tombstones(&self) -> Option<Task> {
        for level in 0..LEVELS {
            let dense = self.free(level).filter(|t| self.is_dense(t) && self.may_vanish(t));
            let task = match level {
                0 => {
                    let numbers: Vec<u64> = dense.map(|t| t.number).collect();
                    if numbers.is_empty() {
                        continue;
                    }
                    self.l0_task(Reason::Tombstones, |t| numbers.contains(&t.number))
                }
                _ => {
                    dense.into_iter().find_map(|table| match self.below(level, &table.bounds()).is_empty() {
                        true => self.again(level, table, Reason::Tombstones),
                        false => self.down(level, table, Reason::Tombstones),
                    })
                }
            };
            if task.is_some() {
                return task;
            }
        }
        None
    }

    /// The task that writes `table` again in its own level.
    pub(super) fn again(&self, level: usize, table: &'a TableMeta, reason: Reason) -> Option<Task> {
        self.task(level, vec![table], level, Vec::new(), reason)
    }

    /// Whether half of the table's records are dead.
    fn is_dense(&self, table: &TableMeta) -> bool {
        let weight = self.dead(table);
        weight > 0 && weight.saturating_mul(2) >= table.entries
    }

    /// How many records of the table are tombstones, expired values (about), or versions that were kept for snapshots;
    /// range tombstones count more.
    pub(super) fn dead(&self, table: &TableMeta) -> u64 {
        let ranges = table.range_deletes.saturating_mul(RANGE_DELETE_WEIGHT);
        let expired = table.expiring.gone(self.busy.now());
        [table.tombstones, table.superseded, expired].into_iter().fold(ranges, u64::saturating_add)
    }

    /// Whether every tombstone and every version but the newest in the table is old enough for every snapshot to do
    /// without it.
    pub(super) fn may_vanish(&self, table: &TableMeta) -> bool {
        self.busy.oldest_snapshot().is_none_or(|oldest| table.max_seqno <= oldest)
    }

    /// The task over these inputs; `None` when a running task is in the way.
    fn task(
        &self,
        level: usize,
        upper: Vec<&'a TableMeta>,
        output: usize,
        lower: Vec<&'a TableMeta>,
        reason: Reason,
    ) -> Option<Task> {
        let range = hull(upper.iter().chain(&lower).copied())?;
        let writes = match (level, output) {
            (0, 0) => None,
            _ if level == output => Some((output, output)),
            _ => Some((level + 1, output)),
        };
        let taken = upper.iter().chain(&lower).any(|t| self.busy.has(t.number));
        if taken || writes.is_some_and(|(first, last)| self.busy.writes(first, last, &range)) {
            return None;
        }
        let grandparents: Vec<_> =
            if output == 0 { Vec::new() } else { self.under(output + 1, &range).collect() };
        let below = match output {
            0 => self.below_l0(&upper, &range),
            _ => self.below(output, &range),
        };
        let vanishing = |t: &TableMeta| self.is_dense(t) && self.may_vanish(t);
        let compressed_alike = self.options.compression_of(level) == self.options.compression_of(output);
        let is_trivial_move = level != output
            && (compressed_alike || reason != Reason::Manual)
            && lower.is_empty()
            && upper.len() == 1
            && grandparents.iter().map(|t| t.size).sum::<u64>() <= self.max_overlap()
            && !(below.is_empty() && upper.iter().any(|t| vanishing(t)));
        let input_bytes = upper.iter().chain(&lower).map(|t| t.size).sum();
        let numbers = |tables: Vec<&TableMeta>| tables.iter().map(|t| t.number).collect::<Vec<_>>();
        let mut inputs = vec![(level, numbers(upper))];
        if !lower.is_empty() {
            inputs.push((output, numbers(lower)));
        }
        let grandparents = grandparents.into_iter().map(|t| Grandparent {
            end: t.largest.clone(),
            end_exclusive: t.largest_exclusive,
            size: t.size,
        });
        Some(Task {
            reason,
            inputs,
            output_level: output,
            is_trivial_move,
            range: range.to_range(),
            input_bytes,
            below,
            target_bytes: if output == 0 { u64::MAX } else { self.options.table_bytes as u64 },
            grandparents: grandparents.collect(),
            max_grandparent_bytes: self.max_overlap(),
            writes,
        })
    }

    fn max_overlap(&self) -> u64 {
        self.options.table_bytes as u64 * MAX_OVERLAP_TABLES
    }

    /// The tables of `level` that no running task has.
    pub(super) fn free(&self, level: usize) -> impl Iterator<Item = &'a TableMeta> + '_ {
        self.version.level(level).iter().map(T::meta).filter(|t| !self.busy.has(t.number))
    }

    /// The tables of `level` that overlap `bounds`.
    fn under<'b>(
        &'b self,
        level: usize,
        bounds: &Bounds<'b>,
    ) -> impl Iterator<Item = &'a TableMeta> + use<'a, 'b, T> {
        let version: &'a Version<T> = self.version;
        let tables = if level == 0 { &[] } else { crate::version::overlap(version.level(level), bounds) };
        tables.iter().map(T::meta)
    }

    /// What lies deeper than `level` within `bounds`.
    pub(super) fn below(&self, level: usize, bounds: &Bounds<'_>) -> Below {
        let deeper = (level + 1..LEVELS).flat_map(|level| self.under(level, bounds));
        Below::new(deeper.map(TableMeta::bounds))
    }

    /// What lies below an output in L0 made of `upper`: the levels, and the L0 tables older than its inputs.
    fn below_l0(&self, upper: &[&TableMeta], bounds: &Bounds<'_>) -> Below {
        let oldest = upper.last().map(|t| t.number);
        let older =
            self.version.level(0).iter().map(T::meta).skip_while(|t| Some(t.number) != oldest).skip(1);
        let older = older.filter(|t| t.bounds().overlaps(bounds));
        let deeper = (1..LEVELS).flat_map(|level| self.under(level, bounds));
        Below::new(older.chain(deeper).map(TableMeta::bounds))
    }
}

/// Two moves from one level to another as one.
fn join_moves(mut a: Task, b: Task) -> Task {
    if let (Some((_, into)), Some((_, from))) = (a.inputs.first_mut(), b.inputs.first()) {
        into.extend(from);
    }
    a.range = a.range.bounds().join(&b.range.bounds()).to_range();
    a.input_bytes += b.input_bytes;
    a.below = Below::new(a.below.ranges().chain(b.below.ranges()));
    a.grandparents.clear();
    a
}
