//! User iterators: a frozen view, the sources merged, and what a snapshot sees of them.

use std::ops::Bound;
use std::sync::Arc;

use super::{Engine, Parts};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Clock;
use crate::expiry::Now;
use crate::iter::{Bounds, Cursor, LevelCursor, MergeCursor, UserCursor};
use crate::key::SeqNo;
use crate::memtable::MemtableCursor;
use crate::snapshot::Snapshot;
use crate::table::{ReadHow, Table, TableCursor};
use crate::version::TableRef;
use crate::view::ReadView;

/// What to iterate over.
#[derive(Clone)]
pub struct IterOptions {
    /// Where keys start.
    pub lower: Bound<Vec<u8>>,
    /// Where keys end.
    pub upper: Bound<Vec<u8>>,
    /// Iterate over this state instead of the present.
    pub snapshot: Option<Snapshot>,
    /// Keep blocks that had to be read in the cache. Default: true.
    pub fill_cache: bool,
    /// Wait for the disk; otherwise moves that need it fail with `WouldBlock`. Default: true.
    pub may_block: bool,
}

impl Default for IterOptions {
    fn default() -> Self {
        Self {
            lower: Bound::Unbounded,
            upper: Bound::Unbounded,
            snapshot: None,
            fill_cache: true,
            may_block: true,
        }
    }
}

/// One of the things an iterator merges.
pub(crate) enum Source {
    Memtable(MemtableCursor),
    Level(LevelCursor<Arc<Table>, TableCursor, OpenTable>),
}

/// Opens the cursor of a table when the run's cursor gets there.
type OpenTable = Box<dyn FnMut(&Arc<Table>) -> Result<TableCursor> + Send>;

macro_rules! each {
    ($self:ident, $cursor:ident => $call:expr) => {
        match $self {
            Source::Memtable($cursor) => $call,
            Source::Level($cursor) => $call,
        }
    };
}

impl Cursor for Source {
    fn valid(&self) -> bool {
        each!(self, cursor => cursor.valid())
    }
    fn seek_to_first(&mut self) -> Result<()> {
        each!(self, cursor => cursor.seek_to_first())
    }
    fn seek_to_last(&mut self) -> Result<()> {
        each!(self, cursor => cursor.seek_to_last())
    }
    fn seek(&mut self, user_key: &[u8], trailer: u64) -> Result<()> {
        each!(self, cursor => cursor.seek(user_key, trailer))
    }
    fn seek_before(&mut self, user_key: &[u8]) -> Result<()> {
        each!(self, cursor => cursor.seek_before(user_key))
    }
    fn next(&mut self) -> Result<()> {
        each!(self, cursor => cursor.next())
    }
    fn prev(&mut self) -> Result<()> {
        each!(self, cursor => cursor.prev())
    }
    fn user_key(&self) -> &[u8] {
        each!(self, cursor => cursor.user_key())
    }
    fn trailer(&self) -> u64 {
        each!(self, cursor => cursor.trailer())
    }
    fn value(&self) -> &[u8] {
        each!(self, cursor => cursor.value())
    }
}

/// An iterator over the entries of one state of the database, in key order, both ways.
///
/// It starts unpositioned. It owns what it needs: writes, flushes and compactions do not disturb it, and tables it may
/// still read stay on disk until it is dropped. Values expire as of one moment: when it first met one that can. After an
/// error it is not valid, and every move returns the error again.
pub struct Iter {
    parts: Arc<Parts>,
    view: Arc<ReadView>,
    seqno: SeqNo,
    bounds: Bounds,
    how: ReadHow,
    /// Kept open.
    _snapshot: Option<Snapshot>,
    /// What the next cursor begins with.
    now: Now<Clock>,
    /// Opened by the first seek: until then nothing was read, and nothing can fail.
    cursor: Option<UserCursor<Source>>,
}

impl Engine {
    /// An iterator over a range of keys of the present state, or of a snapshot. Reads nothing yet.
    ///
    /// # Errors
    /// `Closed`, `InvalidArgument` (a snapshot of another database).
    pub fn iter(&self, options: &IterOptions) -> Result<Iter> {
        let store = &self.database.parts.store;
        store.check_open()?;
        let view = store.view.load_full();
        let seqno = match &options.snapshot {
            None => store.visible(),
            Some(snapshot) => store.checked_seqno(snapshot)?,
        };
        let IterOptions { lower, upper, snapshot, fill_cache, may_block } = options;
        Ok(Iter {
            parts: self.database.parts.clone(),
            view,
            seqno,
            bounds: Bounds::new(lower.as_ref().map(Vec::as_slice), upper.as_ref().map(Vec::as_slice)),
            how: ReadHow { may_block: *may_block, fill_cache: *fill_cache, sequential: false },
            _snapshot: snapshot.clone(),
            now: Now::new(store.clock.clone()),
            cursor: None,
        })
    }
}

impl Iter {
    /// Whether the iterator stands on an entry.
    pub fn valid(&self) -> bool {
        self.cursor.as_ref().is_some_and(UserCursor::valid)
    }

    /// The key here; empty when not valid.
    pub fn key(&self) -> &[u8] {
        self.cursor.as_ref().map_or(&[], UserCursor::key)
    }

    /// The value here; empty when not valid.
    pub fn value(&self) -> &[u8] {
        self.cursor.as_ref().map_or(&[], UserCursor::value)
    }

    /// To the first entry of the range.
    pub fn seek_to_first(&mut self) -> Result<()> {
        self.opened()?.seek_to_first()
    }

    /// To the last entry of the range.
    pub fn seek_to_last(&mut self) -> Result<()> {
        self.opened()?.seek_to_last()
    }

    /// To the first entry of the range at or after `key`.
    pub fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.opened()?.seek(key)
    }

    /// To the last entry of the range at or before `key`.
    pub fn seek_for_prev(&mut self, key: &[u8]) -> Result<()> {
        self.opened()?.seek_for_prev(key)
    }

    /// One entry forward; does nothing when not valid.
    #[expect(clippy::should_implement_trait, reason = "it lends its entries and fails; an Iterator cannot")]
    pub fn next(&mut self) -> Result<()> {
        self.opened()?.next()
    }

    /// One entry back; does nothing when not valid.
    pub fn prev(&mut self) -> Result<()> {
        self.opened()?.prev()
    }

    /// Lets later moves wait for the disk, or not. Over the same state of the database, but unpositioned: seek again.
    /// Also the way on after `WouldBlock`.
    pub fn set_may_block(&mut self, may_block: bool) {
        self.how.may_block = may_block;
        if let Some(cursor) = self.cursor.take() {
            self.now = cursor.into_now();
        }
    }

    fn opened(&mut self) -> Result<&mut UserCursor<Source>> {
        self.parts.store.check_open()?;
        // Not moved out and in: it is large, and this is done for each entry.
        if self.cursor.is_none() {
            self.cursor = Some(open_cursor(&self.view, self.seqno, &self.bounds, self.how, &self.now)?);
        }
        self.cursor.as_mut().ok_or_else(|| Error::new(ErrorKind::Internal, "an iterator lost its cursor"))
    }
}

/// The merged sources of a view, newest first, as `seqno` sees them.
fn open_cursor(
    view: &ReadView,
    seqno: SeqNo,
    bounds: &Bounds,
    how: ReadHow,
    now: &Now<Clock>,
) -> Result<UserCursor<Source>> {
    let (lower, upper) = (bounds.lower.as_deref(), bounds.upper.as_deref());
    let mut merge = MergeCursor::with_capacity(1 + view.immutables.len() + view.version.runs().count());
    let mut range_dels = Vec::new();
    // What the iterator sees was there when it was made: an empty memtable has none of it, whatever comes.
    for memtable in view.memtables().filter(|memtable| !memtable.is_empty()) {
        let tombstones = memtable.range_dels();
        if !tombstones.is_empty() {
            range_dels.push((merge.ranks(), tombstones));
        }
        merge.push(Source::Memtable(memtable.cursor()));
    }
    for run in view.version.runs() {
        for table in run.iter().filter(|table| table.meta().range_deletes > 0) {
            range_dels.push((merge.ranks(), table.range_dels(how)?));
        }
        let open: OpenTable = Box::new(move |table| table.cursor(how));
        merge.push(Source::Level(LevelCursor::new(run.clone(), open).limited(lower, upper)));
    }
    Ok(UserCursor::new(merge, seqno, bounds.clone(), range_dels, now.clone()))
}

impl crate::store::Store {
    /// The sequence number of a snapshot, if it is one of this database.
    pub(crate) fn checked_seqno(&self, snapshot: &Snapshot) -> Result<SeqNo> {
        if !snapshot.belongs_to(&self.snapshots) {
            return Err(Error::invalid("the snapshot belongs to another database"));
        }
        Ok(snapshot.seqno())
    }
}
