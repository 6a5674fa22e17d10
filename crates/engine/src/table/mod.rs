//! Tables: immutable sorted files of internal entries.
//!
//! [`TableBuilder`] writes one, [`Table`] reads it. The parts: `block` (entries), `index` (which block), `filter` (surely not
//! here), `properties`, and `format` (how they lie in the file). `docs/format.md` has the bytes.
//!
//! A [`Table`] is shared by all Versions that contain it and may be used from any thread. It opens its file when first
//! read and may be closed again by the table cache. Invariants: all versions of a user key are in one block; a
//! table marked obsolete reports itself exactly once, when the last reference to it goes.

pub mod block;
mod builder;
mod cursor;
mod filter;
mod format;
mod index;
mod open;
mod points;
mod properties;
mod resident;
mod verify;

use std::sync::{Arc, Weak};

use arc_swap::{ArcSwapOption, Guard};

pub use builder::{BuildOptions, TableBuilder};
pub use cursor::TableCursor;

use crate::cache::{BlockCache, Openable, TableCache};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::Dir;
use crate::fs::names::FileName;
use crate::key::SeqNo;
use crate::range_del::RangeDels;
use crate::sync::{AtomicBool, Mutex, Ordering};
use crate::version::TableMeta;
use open::OpenTable;
pub(crate) use open::Spot;
use resident::Resident;

#[cfg(test)]
mod tests;

/// How a read may get at its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadHow {
    /// Whether the disk may be waited for. If not: memory, then what the operating system has in memory, then an
    /// error of kind `WouldBlock`.
    pub may_block: bool,
    /// Whether blocks that had to be read go into the cache.
    pub fill_cache: bool,
    /// For cursors that read a table from end to end: large reads into a private buffer, past the cache.
    pub sequential: bool,
}

impl Default for ReadHow {
    fn default() -> Self {
        Self { may_block: true, fill_cache: true, sequential: false }
    }
}

/// Called with a table's number when an obsolete table's last reference goes.
pub type OnUnused = Box<dyn Fn(u64) + Send + Sync>;

/// Called with a table of which so much is read that all of it should be in memory.
pub(crate) type OnHot = Box<dyn Fn(Weak<Table>) + Send + Sync>;

/// What all tables of a database share.
pub struct TableContext {
    dir: Arc<dyn Dir>,
    blocks: Arc<BlockCache>,
    tables: Arc<TableCache>,
    paranoid: bool,
    on_unused: OnUnused,
    on_hot: OnHot,
}

impl TableContext {
    /// A context over the files of `dir`. `paranoid`: check the order in each block that is read, and its
    /// bytes at each use. `on_unused` runs in whatever thread drops a table, `on_hot` in one that reads: they must be quick,
    /// and must not panic; the latter has [`Table::make_resident`] called on another thread.
    pub(crate) fn new(
        dir: Arc<dyn Dir>,
        blocks: Arc<BlockCache>,
        tables: Arc<TableCache>,
        paranoid: bool,
        on_unused: OnUnused,
        on_hot: OnHot,
    ) -> Arc<Self> {
        Arc::new(Self { dir, blocks, tables, paranoid, on_unused, on_hot })
    }

    /// The block cache.
    pub fn blocks(&self) -> &Arc<BlockCache> {
        &self.blocks
    }

    /// The table cache.
    pub fn tables(&self) -> &Arc<TableCache> {
        &self.tables
    }
}

/// A table on disk.
pub struct Table {
    meta: TableMeta,
    ctx: Arc<TableContext>,
    myself: Weak<Self>,
    open: ArcSwapOption<OpenTable>,
    /// Held while opening, so that it happens once however many ask.
    opening: Mutex<()>,
    obsolete: AtomicBool,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("meta", &self.meta).finish_non_exhaustive()
    }
}

impl AsRef<TableMeta> for Table {
    fn as_ref(&self) -> &TableMeta {
        &self.meta
    }
}

impl Table {
    /// A handle to the table the manifest calls `meta`. Does no I/O: the file is opened by the first read.
    pub fn new(meta: TableMeta, ctx: Arc<TableContext>) -> Arc<Self> {
        Arc::new_cyclic(|myself| Self {
            meta,
            ctx,
            myself: myself.clone(),
            open: ArcSwapOption::empty(),
            opening: Mutex::new(()),
            obsolete: AtomicBool::new(false),
        })
    }

    /// What the manifest knows about it.
    pub fn meta(&self) -> &TableMeta {
        &self.meta
    }

    /// Looks up the newest point record of `user_key` with a seqno of at most `snapshot`, and hands its trailer and value
    /// to `f`, in place. `hash` is [`crate::key::hash`] of the key. Asks the filter, then the index, then one block;
    /// takes no lock and allocates nothing when that block is cached. Range tombstones are not looked at.
    pub fn get<R>(
        &self,
        user_key: &[u8],
        hash: u64,
        snapshot: SeqNo,
        how: ReadHow,
        f: impl FnOnce(u64, &[u8]) -> R,
    ) -> Result<Option<R>> {
        let reader = self.reader(how)?;
        let spot = reader.probe(user_key, hash, snapshot, how)?;
        Ok(spot
            .as_ref()
            .and_then(|spot| spot.get(user_key, hash, snapshot))
            .map(|(trailer, value)| f(trailer, value)))
    }

    /// The table, open, for lookups one after the other.
    #[inline]
    pub(crate) fn reader(&self, how: ReadHow) -> Result<Reader> {
        Ok(Reader { open: self.open(how)?, min_seqno: self.meta.min_seqno })
    }

    /// Has all blocks in memory from now on, if the cache's budget has room or can be given some by tables that nobody reads.
    /// Takes as long as reading the whole table.
    pub(crate) fn make_resident(&self) {
        let Some(open) = self.open.load_full().filter(|open| !open.is_resident()) else { return };
        let load = || Resident::load(&open, &self.meta);
        let loaded = load().and_then(|loaded| match loaded {
            Some(_) => Ok(loaded),
            None => {
                self.ctx.tables.shed();
                load()
            }
        });
        match loaded {
            Ok(Some(resident)) => open.settle(resident),
            // Damage is for the read to report that meets it.
            Ok(None) | Err(_) => open.be_patient(),
        }
    }

    /// A cursor over the point records, not positioned yet. It keeps table and file alive.
    pub fn cursor(self: &Arc<Self>, how: ReadHow) -> Result<TableCursor> {
        let open = Guard::into_inner(self.open(how)?).ok_or_else(|| self.closed())?;
        Ok(TableCursor::new(self.clone(), open, how))
    }

    /// The range tombstones. No I/O when the manifest says there are none.
    pub fn range_dels(&self, how: ReadHow) -> Result<Arc<RangeDels>> {
        if self.meta.range_deletes == 0 {
            return Ok(Arc::default());
        }
        let guard = self.open(how)?;
        Ok(guard.as_deref().map(|open| open.range_dels.clone()).unwrap_or_default())
    }

    /// The seqno of the newest range tombstone over `user_key` that is at most `snapshot`; 0 when there is none. No I/O
    /// when the manifest says there are none.
    pub fn covering(&self, user_key: &[u8], snapshot: SeqNo, how: ReadHow) -> Result<SeqNo> {
        if self.meta.range_deletes == 0 {
            return Ok(0);
        }
        let guard = self.open(how)?;
        Ok(guard.as_deref().map_or(0, |open| open.range_dels.covering(user_key, snapshot)))
    }

    /// About how many bytes of the file come before `user_key`; exact to a block.
    pub fn approximate_offset(&self, user_key: &[u8]) -> Result<u64> {
        if *user_key < *self.meta.smallest {
            return Ok(0);
        }
        if *user_key > *self.meta.largest {
            return Ok(self.meta.size);
        }
        let guard = self.open(ReadHow::default())?;
        let offset = guard.as_deref().and_then(|open| open.index.block(open.index.find(user_key)?));
        Ok(offset.map_or(0, |(offset, _)| offset))
    }

    /// Reads the whole file afresh and checks every byte against its checksum, the order of the keys, the filter, and
    /// that everything agrees with what the manifest says. Returns the number of blocks and sections checked.
    pub fn verify(&self) -> Result<u64> {
        verify::verify(&self.meta, &*self.ctx.dir)
    }

    /// Makes the last reference to this table report its number to `on_unused` when it goes.
    pub fn mark_obsolete(&self) {
        self.obsolete.store(true, Ordering::Release);
    }

    /// The open table, opened if need be.
    #[inline]
    fn open(&self, how: ReadHow) -> Result<Guard<Option<Arc<OpenTable>>>> {
        let guard = self.open.load();
        match guard.as_deref() {
            Some(open) => {
                open.mark_used();
                Ok(guard)
            }
            None => self.open_now(how),
        }
    }

    #[cold]
    fn open_now(&self, how: ReadHow) -> Result<Guard<Option<Arc<OpenTable>>>> {
        if !how.may_block {
            let message = format!("{} is not open yet", FileName::Table(self.meta.number));
            return Err(Error::new(ErrorKind::WouldBlock, message));
        }
        let _opening = self.opening.lock();
        let guard = self.open.load();
        if guard.is_some() {
            return Ok(guard);
        }
        let opened = Arc::new(OpenTable::open(&self.meta, &self.ctx, self.myself.clone())?);
        self.open.store(Some(opened.clone()));
        let myself: Weak<dyn Openable> = self.myself.clone();
        self.ctx.tables.opened(myself);
        Ok(Guard::from_inner(Some(opened)))
    }

    fn closed(&self) -> Error {
        Error::new(ErrorKind::Internal, format!("{} closed itself", FileName::Table(self.meta.number)))
    }
}

/// An open table being read.
pub(crate) struct Reader {
    open: Guard<Option<Arc<OpenTable>>>,
    min_seqno: SeqNo,
}

impl Reader {
    /// Has the processor fetch what [`Reader::probe`] looks at first; nothing waits for it.
    #[inline]
    pub(crate) fn touch(&self, hash: u64) {
        if let Some(open) = self.open.as_deref() {
            open.touch(hash);
        }
    }

    /// Where [`Table::get`] looks for the record; `None` when the table surely has none.
    #[inline]
    pub(crate) fn probe(
        &self,
        user_key: &[u8],
        hash: u64,
        snapshot: SeqNo,
        how: ReadHow,
    ) -> Result<Option<Spot<'_>>> {
        match self.open.as_deref() {
            Some(open) if snapshot >= self.min_seqno => open.probe(user_key, hash, how),
            _ => Ok(None),
        }
    }
}

impl Openable for Table {
    fn take_used(&self) -> bool {
        self.open.load().as_deref().is_some_and(OpenTable::take_used)
    }

    fn is_resident(&self) -> bool {
        self.open.load().as_deref().is_some_and(OpenTable::is_resident)
    }

    fn close(&self) -> bool {
        self.open.swap(None).is_some()
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if self.open.swap(None).is_some() {
            self.ctx.tables.gone();
        }
        if self.obsolete.load(Ordering::Acquire) {
            (self.ctx.on_unused)(self.meta.number);
        }
    }
}
