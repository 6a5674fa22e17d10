//! The sync queue: writes that wait for the disk. One `fdatasync` completes everyone at or below its offset.
//!
//! A blocking writer that finds nobody syncing does the round itself, which spares it two thread hops; the sync lane
//! does what is left. A failed sync, also one of a rotation, is never retried ([`LogSync`] remembers it): everyone who
//! waits is told that the outcome is unknown, and the database takes no more writes.

use std::sync::Arc;

use super::Done;
use crate::error::{Error, ErrorKind};
use crate::health::Severity;
use crate::store::Store;
use crate::sync::Mutex;
use crate::wal::{LogSync, WalWriter};
use crate::worker::Poll;

/// A place in a log: what has to be durable up to there.
#[derive(Clone)]
pub(super) struct LogEnd {
    log: Arc<LogSync>,
    number: u64,
    end: u64,
}

impl LogEnd {
    /// The present end of `wal`.
    pub fn of(wal: &WalWriter) -> Self {
        Self { log: wal.log_sync().clone(), number: wal.number(), end: wal.size() }
    }
}

struct Waiting {
    wal: LogEnd,
    done: Done,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    busy: bool,
    refused: Option<Error>,
}

/// The writes of one database that wait for the disk.
#[derive(Default)]
pub(crate) struct SyncQueue {
    state: Mutex<State>,
}

impl SyncQueue {
    /// Lets `done` wait until all of `wal` so far is durable. Wakes the lane for a callback; a thread that waits does the
    /// round itself.
    pub fn register(&self, store: &Store, wal: &LogEnd, done: Done) {
        let wake = matches!(done, Done::Callback(_));
        let mut state = self.state.lock();
        if let Some(error) = state.refused.clone() {
            drop(state);
            return done.complete(Err(error));
        }
        state.waiting.push(Waiting { wal: wal.clone(), done });
        drop(state);
        if wake {
            store.notify(|lanes| lanes.sync);
        }
    }

    /// Syncs once for everyone who waits, unless someone is at it. Wakes the lane for those who came meanwhile. A failure
    /// is theirs too: to sync again for them would be to retry.
    pub fn round(&self, store: &Store) -> Poll {
        let mut batch = {
            let mut state = self.state.lock();
            if state.busy || state.waiting.is_empty() {
                return Poll::Idle;
            }
            state.busy = true;
            std::mem::take(&mut state.waiting)
        };
        batch.sort_by_key(|waiting| (waiting.wal.number, waiting.wal.end));
        let failure = sync_logs(store, &batch).err();
        if let Some(error) = &failure {
            store.fail(Severity::ReadOnly, error.clone());
        }
        let more = {
            let mut state = self.state.lock();
            state.busy = false;
            state.refused = state.refused.take().or(failure.clone());
            if failure.is_some() {
                batch.append(&mut state.waiting);
            }
            !state.waiting.is_empty()
        };
        if more {
            store.notify(|lanes| lanes.sync);
        }
        for waiting in batch {
            waiting.done.complete(failure.clone().map_or(Ok(()), Err));
        }
        Poll::Worked
    }

    /// Tells everyone who waits, and everyone who comes, that there will be no sync, until [`Self::accept`].
    pub fn fail_all(&self, error: &Error) {
        let waiting = {
            let mut state = self.state.lock();
            state.refused = Some(error.clone());
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(|waiting| waiting.done.complete(Err(error.clone())));
    }

    /// Accepts writes again, after a new log was begun.
    pub fn accept(&self) {
        self.state.lock().refused = None;
    }
}

/// Makes each log in `batch` (sorted) durable up to its last place there.
fn sync_logs(store: &Store, batch: &[Waiting]) -> Result<(), Error> {
    for (index, Waiting { wal, .. }) in batch.iter().enumerate() {
        let last_of_log = batch.get(index + 1).is_none_or(|next| next.wal.number != wal.number);
        if last_of_log {
            let synced = wal.log.up_to(wal.end).map_err(|error| {
                let context =
                    "the write is in the log but may not survive power loss; reopen or resume() to find out";
                error.with_kind(ErrorKind::CommitUnknown, context)
            })?;
            store.counters.syncs.add(u64::from(synced));
        }
    }
    Ok(())
}
