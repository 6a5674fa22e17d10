//! Live snapshots: which old versions of keys somebody may still read.
//!
//! A snapshot is a sequence number that is registered for as long as it lives. Compaction keeps, for each
//! registered number and for the newest visible one, the newest version of a key at or below it.
//!
//! The order that makes this safe: a snapshot reads `visible` **inside** the registry's lock, and compaction reads
//! `visible` and the list under the same lock ([`Snapshots::watermarks`]). So a snapshot is either in
//! compaction's list, or was taken later and is not older than the `visible` that compaction saw.
//!
//! Any thread may take, clone, send and drop snapshots. The lock is held for a map operation only. A plain get
//! takes no snapshot: it reads `visible` once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::key::SeqNo;
use crate::sync::{AtomicU64, Mutex, Ordering};

/// The live snapshots of one engine. Clones share one registry.
#[derive(Clone, Default)]
pub struct Snapshots(Arc<Registry>);

#[derive(Default)]
struct Registry {
    /// How many snapshots hold each sequence number.
    live: Mutex<BTreeMap<SeqNo, usize>>,
}

impl Snapshots {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a snapshot of what is `visible` now. One allocation, one short lock.
    pub fn take(&self, visible: &AtomicU64) -> Snapshot {
        let mut live = self.0.live.lock();
        let seqno = visible.load(Ordering::Acquire);
        *live.entry(seqno).or_insert(0) += 1;
        drop(live);
        Snapshot(Arc::new(Registration { seqno, registry: Arc::clone(&self.0) }))
    }

    /// The sequence numbers of the live snapshots, ascending, each once.
    pub fn live(&self) -> Vec<SeqNo> {
        self.0.live.lock().keys().copied().collect()
    }

    /// What compaction must keep: the live snapshots ascending, and last the number `visible` now. Every snapshot
    /// that is taken later is at or above the last one.
    pub fn watermarks(&self, visible: &AtomicU64) -> Vec<SeqNo> {
        let live = self.0.live.lock();
        let newest = visible.load(Ordering::Acquire);
        let mut all: Vec<SeqNo> = live.keys().copied().collect();
        if all.last() != Some(&newest) {
            all.push(newest);
        }
        all
    }

    /// The oldest live snapshot.
    pub fn oldest(&self) -> Option<SeqNo> {
        self.0.live.lock().keys().next().copied()
    }

    /// How many snapshots are live. Clones of one snapshot count once.
    pub fn count(&self) -> usize {
        self.0.live.lock().values().sum()
    }
}

impl fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.live()).finish()
    }
}

/// A moment of the database, kept readable. It is released when the last clone is dropped, on any thread.
///
/// It does not keep the engine open: after a close it can still be dropped, but no longer be read from. A
/// snapshot that lives long keeps old versions of keys on disk.
#[derive(Clone)]
pub struct Snapshot(Arc<Registration>);

struct Registration {
    seqno: SeqNo,
    registry: Arc<Registry>,
}

impl Snapshot {
    /// The sequence number of the newest write that the snapshot shows; 0 shows an empty database.
    pub fn seqno(&self) -> SeqNo {
        self.0.seqno
    }

    /// Whether it was taken from the engine that owns this registry. Reading another engine with it would show an
    /// arbitrary moment, so the engine refuses.
    pub fn belongs_to(&self, snapshots: &Snapshots) -> bool {
        Arc::ptr_eq(&self.0.registry, &snapshots.0)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({})", self.seqno())
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut live = self.registry.live.lock();
        if let Some(count) = live.get_mut(&self.seqno) {
            *count -= 1;
            if *count == 0 {
                live.remove(&self.seqno);
            }
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;

#[cfg(all(test, shuttle))]
mod schedules;
