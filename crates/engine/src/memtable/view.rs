//! The sorted view: a few sorted runs over the records so far, caught up when somebody wants order.
//!
//! Writers do not know of it. Who opens a cursor sorts the records that came since the last time into a new run,
//! merges runs of similar length, and publishes the result; whoever comes while another does that sorts the
//! missing records for itself instead of waiting. Runs get at least [`RATIO`] times shorter from one to the
//! next, so there are few, and a record is merged a logarithmic number of times (as in a log-structured merge
//! tree).

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::sync::{AtomicUsize, Mutex, Ordering};

use super::records::Records;
use super::run::Run;

/// A run is more than so many times longer than the next one.
const RATIO: usize = 4;

/// The first `sorted` records, in runs from the longest to the shortest.
#[derive(Clone, Default)]
pub(super) struct View {
    pub(super) runs: Vec<Arc<Run>>,
    sorted: usize,
}

/// The newest published view of a memtable.
pub(super) struct Views {
    newest: ArcSwap<View>,
    catching_up: Mutex<()>,
    /// The bytes of all runs that live.
    held: Arc<AtomicUsize>,
}

impl Views {
    pub(super) fn new() -> Self {
        Self {
            newest: ArcSwap::from_pointee(View::default()),
            catching_up: Mutex::new(()),
            held: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// The bytes of all runs, those that only cursors still hold included.
    pub(super) fn bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// How many records the newest view covers.
    pub(super) fn sorted(&self) -> usize {
        self.newest.load().sorted
    }

    /// A view of at least all `records` inserted before this call. Never waits for another thread.
    pub(super) fn caught_up(&self, records: &Arc<Records>) -> Arc<View> {
        let newest = self.newest.load_full();
        let len = records.len();
        if newest.sorted >= len {
            return newest;
        }
        let Some(_catching_up) = self.catching_up.try_lock() else {
            let mut private = View::clone(&newest);
            private.add(records, len, &self.held);
            return Arc::new(private);
        };
        let mut next = View::clone(&self.newest.load());
        next.add(records, len, &self.held);
        next.merge(|longer, shorter| longer <= RATIO * shorter);
        self.publish(next)
    }

    /// The same in a single run. Waits for a thread that is catching up.
    pub(super) fn settled(&self, records: &Arc<Records>) -> Arc<View> {
        let _catching_up = self.catching_up.lock();
        let mut next = View::clone(&self.newest.load());
        next.add(records, records.len(), &self.held);
        next.merge(|_, _| true);
        self.publish(next)
    }

    fn publish(&self, view: View) -> Arc<View> {
        let view = Arc::new(view);
        self.newest.store(view.clone());
        view
    }
}

impl View {
    /// Sorts what is missing up to record number `to`.
    fn add(&mut self, records: &Arc<Records>, to: usize, held: &Arc<AtomicUsize>) {
        if self.sorted < to {
            self.runs.push(Arc::new(Run::sorted(records, self.sorted, to, held)));
            self.sorted = to;
        }
    }

    /// Merges the last two runs while `due(their lengths)`.
    fn merge(&mut self, due: impl Fn(usize, usize) -> bool) {
        while let [.., longer, shorter] = self.runs.as_slice()
            && due(longer.len(), shorter.len())
        {
            let merged = Arc::new(Run::merged(longer, shorter));
            self.runs.truncate(self.runs.len() - 2);
            self.runs.push(merged);
        }
    }
}
