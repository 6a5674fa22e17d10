//! Everything one Node environment holds: the area, the ring, and the handles JavaScript knows by number.
//!
//! Only the environment's own thread has it; jobs on other threads get their own clone of the engine and a
//! [`Reply`]. Handles are never reused, so a stale one can only be refused.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use mosskv::{SharedEngine, Snapshot, WriteBatch};

use crate::area::Area;
use crate::block::{Blocks, Lent};
use crate::failure::{Failure, Result};
use crate::page::Page;
use crate::registry;
use crate::ring::{Delivery, Reply, Ring};
use crate::scan::Scan;

/// An open engine as this environment has it.
pub struct Database {
    /// This environment's share of the engine.
    pub share: Arc<SharedEngine>,
    /// Operations of the running turn that JavaScript has handed over but not committed.
    pub staged: RefCell<Staged>,
}

/// Operations that are not committed.
pub enum Staged {
    /// Copied.
    Bytes(Vec<u8>),
    /// Where JavaScript encoded them, all of them.
    Block(Lent),
}

impl Default for Staged {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl Staged {
    /// Adds a copy of `operations`.
    pub fn add(&mut self, operations: &[u8]) {
        match self {
            Self::Bytes(bytes) => bytes.extend_from_slice(operations),
            Self::Block(block) => *self = Self::Bytes([(*block).as_ref(), operations].concat()),
        }
    }

    /// Adds the operations in `block`, a copy if there are others.
    pub fn lend(&mut self, block: Lent) {
        match self {
            Self::Bytes(bytes) if bytes.is_empty() => *self = Self::Block(block),
            _ => self.add(block.as_ref()),
        }
    }

    /// The batch of all of them; none is left.
    pub fn batch(&mut self) -> mosskv::Result<WriteBatch> {
        match std::mem::take(self) {
            Self::Bytes(bytes) => WriteBatch::from_bytes(bytes),
            Self::Block(block) => WriteBatch::from_lent(Arc::new(block)),
        }
    }
}

/// One environment.
pub struct State {
    /// The shared memory.
    pub area: Area,
    /// Where background threads answer.
    pub ring: Arc<Ring>,
    /// The environment's end of the ring; set once, right after construction.
    pub delivery: OnceCell<Delivery>,
    databases: RefCell<Vec<Option<Rc<Database>>>>,
    snapshots: RefCell<HashMap<usize, (usize, Snapshot)>>,
    scans: RefCell<HashMap<usize, (usize, Arc<Scan>)>>,
    /// Where JavaScript encodes large batches.
    pub blocks: Blocks,
    /// A page under construction, kept for its memory.
    pub page: Cell<Page>,
    next: Cell<usize>,
}

impl State {
    /// An environment that has nothing open.
    pub fn new(area: Area) -> Self {
        Self {
            area,
            ring: Arc::new(Ring::new()),
            delivery: OnceCell::new(),
            databases: RefCell::default(),
            snapshots: RefCell::default(),
            scans: RefCell::default(),
            blocks: Blocks::default(),
            page: Cell::default(),
            next: Cell::new(1),
        }
    }

    /// A reply for a call that is answered later.
    pub fn reply(&self) -> Result<Reply> {
        let delivery =
            self.delivery.get().ok_or_else(|| Failure::internal("the environment is not connected"))?;
        Ok(Reply::new(Arc::clone(&self.ring), delivery.begin()))
    }

    /// The reply's ticket was answered on the spot.
    pub fn settled(&self) {
        if let Some(delivery) = self.delivery.get() {
            delivery.end();
        }
    }

    /// Gives a share of an engine a handle.
    pub fn adopt(&self, share: SharedEngine) -> u32 {
        let mut databases = self.databases.borrow_mut();
        databases.push(Some(Rc::new(Database { share: Arc::new(share), staged: RefCell::default() })));
        (databases.len() - 1) as u32
    }

    /// The database with this handle.
    #[inline]
    pub fn database(&self, handle: usize) -> Result<Rc<Database>> {
        match self.databases.borrow().get(handle) {
            Some(Some(database)) => Ok(Rc::clone(database)),
            _ => Err(Failure::closed("database")),
        }
    }

    /// Forgets the database and all that was opened on it. The caller closes the share.
    pub fn release(&self, handle: usize) -> Option<Rc<Database>> {
        self.scans.borrow_mut().retain(|_, (owner, _)| *owner != handle);
        self.snapshots.borrow_mut().retain(|_, (owner, _)| *owner != handle);
        self.databases.borrow_mut().get_mut(handle)?.take()
    }

    fn number(&self) -> usize {
        self.next.replace(self.next.get() + 1)
    }

    /// Takes a snapshot and gives it a number, never 0.
    pub fn add_snapshot(&self, handle: usize, snapshot: Snapshot) -> usize {
        let number = self.number();
        self.snapshots.borrow_mut().insert(number, (handle, snapshot));
        number
    }

    /// The snapshot with this number; `None` for 0, which means the newest state.
    pub fn snapshot(&self, number: usize) -> Result<Option<Snapshot>> {
        if number == 0 {
            return Ok(None);
        }
        match self.snapshots.borrow().get(&number) {
            Some((_, snapshot)) => Ok(Some(snapshot.clone())),
            None => Err(Failure::closed("snapshot")),
        }
    }

    /// Releases a snapshot; nothing happens when it is gone.
    pub fn drop_snapshot(&self, number: usize) {
        let gone = self.snapshots.borrow_mut().remove(&number);
        drop(gone);
    }

    /// Keeps a scan of this database under a number that JavaScript never gave before.
    pub fn add_scan(&self, number: usize, handle: usize, scan: Scan) {
        self.scans.borrow_mut().insert(number, (handle, Arc::new(scan)));
    }

    /// The scan with this number.
    pub fn scan(&self, number: usize) -> Result<Arc<Scan>> {
        match self.scans.borrow().get(&number) {
            Some((_, scan)) => Ok(Arc::clone(scan)),
            None => Err(Failure::closed("iterator")),
        }
    }

    /// Closes a scan; nothing happens when it is gone.
    pub fn drop_scan(&self, number: usize) {
        let gone = self.scans.borrow_mut().remove(&number);
        drop(gone);
    }

    /// The environment ends: nobody is told any more, and its shares are given up. Engines that other environments have
    /// open as well go on.
    pub fn end(&self) {
        self.ring.detach();
        self.blocks.clear();
        self.scans.borrow_mut().clear();
        self.snapshots.borrow_mut().clear();
        let databases = std::mem::take(&mut *self.databases.borrow_mut());
        for database in databases.into_iter().flatten() {
            let _ = registry::close(&database.share);
        }
    }
}
