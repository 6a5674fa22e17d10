//! The spare log: one that holds nothing that is not in a table, kept to be written over by the next.
//!
//! Writing over what is there costs half of writing anew: the system finds the pages in its memory and the blocks on the
//! disk, neither has to be found first and freed later. RocksDB's idea (`recycle_log_file_num`). A spare keeps
//! its old name, which no reader asks for, until its new header is durable. Frames that are left of its old life are none
//! in the new one, because each is bound to the number of its file.
//!
//! Callable from any thread: the flush offers logs, the commit leader takes them.

use crate::fs::{Dir, FileName, OpenMode};
use crate::sync::Mutex;

/// At most one log that waits for its second life.
pub struct SpareLog {
    state: Mutex<State>,
    most_bytes: u64,
}

#[derive(Default)]
struct State {
    number: Option<u64>,
    closed: bool,
}

impl SpareLog {
    /// None yet. Logs of more than `most_bytes` are not kept: a huge batch would hold its bytes on the disk for ever.
    pub fn new(most_bytes: u64) -> Self {
        Self { state: Mutex::default(), most_bytes }
    }

    /// Offers log `number`, of which the manifest on disk says that it does not matter any more. False when it is not
    /// kept: then the caller removes it.
    pub fn keep(&self, dir: &dyn Dir, number: u64) -> bool {
        let mut state = self.state.lock();
        let fits = || {
            let file = dir.open(&FileName::Wal(number).to_string(), OpenMode::Read);
            file.and_then(|file| file.len()).is_ok_and(|length| length <= self.most_bytes)
        };
        let keeps = !state.closed && state.number.is_none() && fits();
        if keeps {
            state.number = Some(number);
        }
        keeps
    }

    /// The log to write over, if there is one.
    pub fn take(&self) -> Option<u64> {
        self.state.lock().number.take()
    }

    /// Keeps no more: before a close, and after a failure, when nobody knows what became of which log. Returns the log
    /// that was kept, for the caller to remove.
    pub fn close(&self) -> Option<u64> {
        let mut state = self.state.lock();
        state.closed = true;
        state.number.take()
    }
}

#[cfg(test)]
mod tests;
