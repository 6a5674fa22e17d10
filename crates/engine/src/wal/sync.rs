//! Syncing one log: the only way to its `fdatasync`, for the sync queue, the rotation and whoever else needs it durable.
//!
//! Callable from any thread. One sync at a time, and the first that fails is the last: Linux reports a failed writeback
//! once and marks the pages clean, so another sync of the file, begun later or at the same time, may succeed although
//! the bytes are gone. Everyone who asks for more than was durable by then is told of the failure.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::fs::{File, FileName};
use crate::sync::{AtomicU64, Mutex, Ordering};

/// How far a log is known synced, and whether a sync of it has failed. Shared between the thread that appends and
/// those that sync.
pub struct LogSync {
    file: Arc<dyn File>,
    name: FileName,
    synced: AtomicU64,
    /// Held during a sync.
    failed: Mutex<Option<Error>>,
}

impl LogSync {
    pub(super) fn new(file: Arc<dyn File>, name: FileName) -> Self {
        Self { file, name, synced: AtomicU64::new(0), failed: Mutex::new(None) }
    }

    /// The offset below which the log is known synced. Later frames carry it.
    pub fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    /// Makes everything below `offset`, which an append has returned, durable. False when it was already.
    ///
    /// # Errors
    /// `Io` when the sync fails, now or earlier: there is no second try.
    pub fn up_to(&self, offset: u64) -> Result<bool> {
        self.run(offset, |file| file.sync_data())
    }

    /// [`Self::up_to`], with all metadata: for a new file.
    pub(super) fn with_metadata(&self, offset: u64) -> Result<bool> {
        self.run(offset, |file| file.sync_all())
    }

    fn run(&self, offset: u64, sync: impl FnOnce(&dyn File) -> std::io::Result<()>) -> Result<bool> {
        let mut failed = self.failed.lock();
        if self.synced() >= offset {
            return Ok(false);
        }
        if let Some(error) = &*failed {
            return Err(error.context(format!("{} is not synced again after a failure", self.name)));
        }
        match sync(self.file.as_ref()) {
            Ok(()) => {
                self.synced.store(offset, Ordering::Release);
                Ok(true)
            }
            Err(error) => Err(failed.insert(Error::io("sync", self.name, error)).clone()),
        }
    }
}

#[cfg(test)]
mod tests;
