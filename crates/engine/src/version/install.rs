//! Installing a Version: check the inputs again, record the edit, publish the view.
//!
//! One lock, held by whoever installs; readers never take it. Order, always: the tables are synced (by whoever built
//! them), the edit is synced, the view is swapped, and only then are files given up. After a failed append nothing is
//! published and no file is ever given up again (rocksdb #4990).

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::error::{Error, ErrorKind, Result};
use crate::fs::{Dir, FileName};
use crate::key::SeqNo;
use crate::manifest::Manifest;
use crate::remover::Remover;
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::table::{Table, TableContext};
use crate::version::{LEVELS, TableRef, VersionEdit};
use crate::view::{ReadView, Tables};

/// A manifest is rolled when it has grown past this and past four times a fresh one.
const ROLL_BYTES: u64 = 1 << 20;

/// The one door through which a new Version becomes the current one.
pub(crate) struct Installer {
    dir: Arc<dyn Dir>,
    tables: Arc<TableContext>,
    remover: Arc<Remover>,
    next_file: Arc<AtomicU64>,
    state: Mutex<Recorded>,
}

/// What the newest manifest says beyond the tables.
struct Recorded {
    /// `None` as long as none was begun, and after a failure.
    manifest: Option<Manifest>,
    begun: bool,
    /// Files that the manifest found at the open needed, and a new one does not.
    garbage: Vec<FileName>,
    fresh_bytes: u64,
    log_number: u64,
    last_seqno: u64,
}

impl Installer {
    /// An installer without a manifest yet: [`Self::begin`], or else the first edit, gives it one, which says that logs
    /// before `log_number` are not needed, and gives up `garbage`. A database opened read-only never has one.
    pub fn new(
        dir: Arc<dyn Dir>,
        tables: Arc<TableContext>,
        remover: Arc<Remover>,
        next_file: Arc<AtomicU64>,
        log_number: u64,
        last_seqno: SeqNo,
        garbage: Vec<FileName>,
    ) -> Self {
        let state =
            Recorded { manifest: None, begun: false, garbage, fresh_bytes: 0, log_number, last_seqno };
        Self { dir, tables, remover, next_file, state: Mutex::new(state) }
    }

    /// Starts a manifest that says what `version` holds.
    pub fn begin(&self, version: &Tables) -> Result<()> {
        self.roll(&mut self.state.lock(), version)
    }

    /// Makes `edit` durable and `publish`es the view that follows from it. `publish` may run several times: it must
    /// take everything but the Version from the view it is given. An edit whose inputs are gone changes nothing and is
    /// an `Internal` error; after an error of the manifest nothing more can be installed until [`Self::renew`].
    pub fn install(
        &self,
        view: &ArcSwap<ReadView>,
        mut edit: VersionEdit,
        publish: impl Fn(&ReadView, Arc<Tables>) -> ReadView,
    ) -> Result<()> {
        let mut state = self.state.lock();
        let current = view.load().version.clone();
        if !state.begun || manifest_is_long(&state) {
            self.roll(&mut state, &current)?;
        }
        edit.next_file = Some(self.next_file.load(Ordering::Relaxed));
        let next = Arc::new(current.apply(&edit, |meta| Table::new(meta.clone(), self.tables.clone()))?);
        let Some(manifest) = state.manifest.as_mut() else {
            return Err(Error::new(ErrorKind::ReadOnly, "the manifest cannot be written: call resume()"));
        };
        if let Err(error) = manifest.append(&edit) {
            state.manifest = None;
            return Err(error);
        }
        state.log_number = edit.log_number.unwrap_or(state.log_number);
        state.last_seqno = edit.last_seqno.unwrap_or(state.last_seqno).max(state.last_seqno);
        view.rcu(|view| publish(view, next.clone()));
        give_up(&current, &edit);
        Ok(())
    }

    /// Starts a new manifest that says what `view` holds; part of resuming after a failure.
    pub fn renew(&self, view: &ArcSwap<ReadView>) -> Result<()> {
        let mut state = self.state.lock();
        let version = view.load().version.clone();
        self.roll(&mut state, &version)
    }

    /// Replaces the manifest by a fresh one. The old one stays valid until CURRENT names the new one.
    fn roll(&self, state: &mut Recorded, version: &Tables) -> Result<()> {
        state.begun = true;
        let number = self.next_file.fetch_add(1, Ordering::Relaxed);
        let old = state.manifest.take().map(|manifest| manifest.number());
        let edit = full_edit(version, &self.next_file, state.log_number, state.last_seqno);
        let manifest = Manifest::create(&self.dir, number, &edit)?;
        state.fresh_bytes = manifest.size();
        state.manifest = Some(manifest);
        let old = old.map(FileName::Manifest);
        state.garbage.drain(..).chain(old).for_each(|name| self.remover.discard(name));
        Ok(())
    }
}

fn manifest_is_long(state: &Recorded) -> bool {
    state.manifest.as_ref().is_some_and(|manifest| manifest.size() > ROLL_BYTES.max(4 * state.fresh_bytes))
}

/// The edit that makes `version` out of nothing.
pub(crate) fn full_edit(
    version: &Tables,
    next_file: &AtomicU64,
    log_number: u64,
    last_seqno: u64,
) -> VersionEdit {
    let added = (0..LEVELS)
        .flat_map(|level| version.level(level).iter().map(move |table| (level, table.meta().clone())))
        .collect();
    VersionEdit {
        added,
        removed: Vec::new(),
        log_number: Some(log_number),
        next_file: Some(next_file.load(Ordering::Relaxed)),
        last_seqno: Some(last_seqno),
    }
}

/// Marks the tables that `edit` removes and does not add again on another level.
fn give_up(before: &Tables, edit: &VersionEdit) {
    for (level, number) in &edit.removed {
        let moved = edit.added.iter().any(|(_, meta)| meta.number == *number);
        let table = before.level(*level).iter().find(|table| table.meta().number == *number);
        if let Some(table) = table.filter(|_| !moved) {
            table.mark_obsolete();
        }
    }
}
