//! ReadView: everything a read looks at, frozen: the memtable, the immutable memtables and the Version
//! (RocksDB calls it a SuperVersion).
//!
//! Readers load the current view without a lock and without touching a shared reference count. They load the view
//! **before** the visible sequence number: a view that is older than the number lacks only whole later memtables,
//! so what is read is still a prefix of the history; the other way round a flush between the two loads could have
//! dropped the very version that the number asks for.

mod many;

use std::sync::Arc;

use crate::error::Result;
use crate::event::Clock;
use crate::expiry::{Now, Said};
use crate::key::{self, SeqNo};
use crate::memtable::Memtable;
use crate::table::{ReadHow, Table};
use crate::version::{Version, find_in_run};

/// The Version the engine runs on.
pub(crate) type Tables = Version<Arc<Table>>;

/// One frozen state of the database.
#[derive(Clone)]
pub(crate) struct ReadView {
    /// The memtable that takes writes.
    pub memtable: Arc<Memtable>,
    /// Full memtables waiting to be flushed, newest first.
    pub immutables: Vec<Arc<Memtable>>,
    /// The tables on disk.
    pub version: Arc<Tables>,
}

impl ReadView {
    /// All memtables, newest first.
    pub fn memtables(&self) -> impl Iterator<Item = &Arc<Memtable>> {
        std::iter::once(&self.memtable).chain(&self.immutables)
    }

    /// The same memtables over another Version.
    pub fn with(&self, version: Arc<Tables>) -> Self {
        Self { version, ..self.clone() }
    }

    /// The smallest log number that still holds data no table has.
    pub fn oldest_log(&self) -> u64 {
        self.immutables.last().unwrap_or(&self.memtable).log_number()
    }

    /// The newest version of `user_key` at `snapshot`, handed to `found` with the moment it expires. Looks newest first
    /// and stops at the first source that knows the key: whatever lies in an older source is older.
    pub fn get<R>(
        &self,
        user_key: &[u8],
        snapshot: SeqNo,
        how: ReadHow,
        now: &mut Now<&Clock>,
        found: impl FnOnce(&[u8], Option<u64>) -> R,
    ) -> Result<Option<R>> {
        let hash = key::hash(user_key);
        let mut found = Some(found);
        let mut answer = |trailer: u64, stored: &[u8], covered: SeqNo| {
            let said = Said::by(trailer, || stored, now)?;
            let live = said != Said::Gone && covered < key::seqno_of(trailer);
            Ok(found.take().filter(|_| live).map(|found| found(said.value(stored), said.expires_at())))
        };
        let mut covered = 0;
        for memtable in self.memtables() {
            covered = covered.max(memtable.covering(user_key, snapshot));
            let hit =
                memtable.get(user_key, hash, snapshot, |trailer, value| answer(trailer, value, covered));
            match hit {
                Some(result) => return result,
                None if covered > 0 => return Ok(None),
                None => {}
            }
        }
        for run in self.version.runs() {
            let Some(table) = find_in_run(run, user_key) else { continue };
            covered = covered.max(table.covering(user_key, snapshot, how)?);
            let hit =
                table.get(user_key, hash, snapshot, how, |trailer, value| answer(trailer, value, covered))?;
            match hit {
                Some(result) => return result,
                None if covered > 0 => return Ok(None),
                None => {}
            }
        }
        Ok(None)
    }
}
