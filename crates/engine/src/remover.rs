//! The file remover: deletes files nobody needs, on its own lane, so that neither readers nor installers wait for it.
//!
//! A file is handed in only after the edit that gave it up is durable. Once anything has failed, nothing is deleted any
//! more: the manifest on disk may still name the file (rocksdb #4990). What stays behind is cleaned up at the next open.

use std::sync::{Arc, OnceLock};

use crate::event::{Counters, Event, Events};
use crate::fs::{Dir, FileName};
use crate::health::Health;
use crate::sync::Mutex;
use crate::worker::{Executor, LaneId, Poll};

/// The files of one database that wait to be deleted.
pub(crate) struct Remover {
    dir: Arc<dyn Dir>,
    health: Arc<Health>,
    executor: Executor,
    events: Events,
    counters: Arc<Counters>,
    lane: OnceLock<LaneId>,
    waiting: Mutex<Vec<FileName>>,
}

impl Remover {
    /// A remover for files of `dir`; it deletes once its lane has been set and runs.
    pub fn new(
        dir: Arc<dyn Dir>,
        health: Arc<Health>,
        executor: Executor,
        events: Events,
        counters: Arc<Counters>,
    ) -> Self {
        Self { dir, health, executor, events, counters, lane: OnceLock::new(), waiting: Mutex::default() }
    }

    /// The lane that calls [`Self::poll`].
    pub fn set_lane(&self, lane: LaneId) {
        if self.lane.set(lane).is_ok() {
            self.executor.notify(lane);
        }
    }

    /// Queues a file for deletion. Never waits.
    pub fn discard(&self, name: FileName) {
        self.waiting.lock().push(name);
        if let Some(lane) = self.lane.get() {
            self.executor.notify(*lane);
        }
    }

    /// Deletes what waits.
    pub fn poll(&self) -> Poll {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        if waiting.is_empty() {
            return Poll::Idle;
        }
        for name in waiting {
            let removed = self.health.error().is_none() && self.dir.remove(&name.to_string()).is_ok();
            if let (true, FileName::Table(table)) = (removed, name) {
                self.counters.tables_deleted.add(1);
                self.events.emit(|| Event::TableDeleted { table });
            }
        }
        Poll::Worked
    }
}
