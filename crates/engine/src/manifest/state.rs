//! What a manifest's edits add up to, and which edits make sense. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::key::{MAX_KEY_BYTES, MAX_SEQNO, SeqNo};
use crate::version::{LEVELS, TableMeta, VersionEdit};

/// The database as its manifest records it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// The tables: L0 newest first (by largest sequence number), the other levels by key, without overlap.
    pub levels: [Vec<TableMeta>; LEVELS],
    /// Logs with a smaller number are no longer needed.
    pub log_number: u64,
    /// Larger than the number of every table, of the manifest, and of what the edits say was used.
    pub next_file: u64,
    /// At least as large as any sequence number in the tables.
    pub last_seqno: SeqNo,
}

impl State {
    /// The edit that makes this state from nothing: how a manifest starts.
    pub fn full_edit(&self) -> VersionEdit {
        let levels = self.levels.iter().enumerate();
        VersionEdit {
            added: levels.flat_map(|(l, tables)| tables.iter().map(move |t| (l, t.clone()))).collect(),
            removed: Vec::new(),
            log_number: Some(self.log_number),
            next_file: Some(self.next_file),
            last_seqno: Some(self.last_seqno),
        }
    }
}

/// Which tables are alive, and in which level: enough to refuse an edit that makes no sense.
#[derive(Debug, Default)]
pub(super) struct Alive(BTreeMap<u64, usize>);

impl Alive {
    /// What is wrong with `edit` at this point.
    pub(super) fn check(&self, edit: &VersionEdit) -> Result<(), String> {
        if edit.last_seqno.is_some_and(|seqno| seqno > MAX_SEQNO) {
            return Err("the last sequence number is beyond 56 bits".to_owned());
        }
        let mut gone = BTreeMap::new();
        for (level, number) in &edit.removed {
            if self.0.get(number) != Some(level) || gone.insert(*number, ()).is_some() {
                return Err(format!("table {number} is removed from level {level}, where it is not"));
            }
        }
        let mut come = BTreeMap::new();
        for (level, table) in &edit.added {
            let number = table.number;
            check_table(*level, table).map_err(|what| format!("table {number} {what}"))?;
            let stays = self.0.contains_key(&number) && !gone.contains_key(&number);
            if stays || come.insert(number, ()).is_some() {
                return Err(format!("table {number} is added twice"));
            }
        }
        Ok(())
    }

    /// Does what `edit` says; it was checked before.
    pub(super) fn apply(&mut self, edit: &VersionEdit) {
        for (_, number) in &edit.removed {
            self.0.remove(number);
        }
        for (level, table) in &edit.added {
            self.0.insert(table.number, *level);
        }
    }
}

fn check_table(level: usize, table: &TableMeta) -> Result<(), &'static str> {
    let longest = table.smallest.len().max(table.largest.len());
    let bounds = table.smallest.cmp(&table.largest);
    if level >= LEVELS {
        Err("is in a level that does not exist")
    } else if table.number == 0 || table.number == u64::MAX {
        Err("has a number no file can have")
    } else if longest > MAX_KEY_BYTES || bounds.is_gt() || (table.largest_exclusive && bounds.is_eq()) {
        Err("has impossible key bounds")
    } else if table.min_seqno > table.max_seqno || table.max_seqno > MAX_SEQNO {
        Err("has impossible sequence numbers")
    } else {
        Ok(())
    }
}

/// Adds edits up to a [`State`].
#[derive(Debug, Default)]
pub(super) struct Builder {
    alive: Alive,
    tables: BTreeMap<u64, TableMeta>,
    log_number: u64,
    next_file: u64,
    last_seqno: SeqNo,
}

impl Builder {
    /// Applies an edit, or says what is wrong with it.
    ///
    /// Numbers only grow: edits of threads that ran side by side may arrive in another order than their numbers
    /// were taken.
    pub(super) fn apply(&mut self, edit: VersionEdit) -> Result<(), String> {
        self.alive.check(&edit)?;
        self.alive.apply(&edit);
        self.log_number = self.log_number.max(edit.log_number.unwrap_or(0));
        self.next_file = self.next_file.max(edit.next_file.unwrap_or(0));
        self.last_seqno = self.last_seqno.max(edit.last_seqno.unwrap_or(0));
        for (_, number) in &edit.removed {
            self.tables.remove(number);
        }
        for (_, table) in edit.added {
            self.next_file = self.next_file.max(table.number + 1);
            self.last_seqno = self.last_seqno.max(table.max_seqno);
            self.tables.insert(table.number, table);
        }
        Ok(())
    }

    /// The state after all edits of manifest `number`, or what is wrong with it.
    pub(super) fn finish(self, number: u64) -> Result<State, String> {
        let mut state = State {
            log_number: self.log_number,
            next_file: self.next_file.max(number.saturating_add(1)).max(self.log_number),
            last_seqno: self.last_seqno,
            ..State::default()
        };
        for (number, table) in self.tables {
            let level = self.alive.0.get(&number).and_then(|level| state.levels.get_mut(*level));
            if let Some(level) = level {
                level.push(table);
            }
        }
        let [newest, sorted @ ..] = &mut state.levels;
        newest.sort_by_key(|table| Reverse((table.max_seqno, table.number)));
        for (level, tables) in (1..).zip(sorted) {
            tables.sort_by(|a, b| a.smallest.cmp(&b.smallest));
            for (left, right) in tables.iter().zip(tables.iter().skip(1)) {
                let apart = left.largest < right.smallest
                    || (left.largest_exclusive && left.largest == right.smallest);
                if !apart {
                    let (a, b) = (left.number, right.number);
                    return Err(format!("tables {a} and {b} of level {level} overlap"));
                }
            }
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests;
