//! What the engine can see of itself: time, counters, histograms, and the events a listener gets.
//!
//! - [`Clock`]: the only place that reads the machine's clocks; a test injects one it moves by hand.
//! - [`Counters`]: always on, relaxed atomics.
//! - [`Histogram`]: durations in logarithmic buckets.
//! - [`Event`], [`Events`]: what happened, told to the listener on the thread where it happened.
//!
//! Everything here may be used from any thread and never blocks.

mod clock;
mod counters;
mod histogram;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use clock::Clock;
pub use counters::{Counter, CounterValues, Counters};
pub use histogram::{Histogram, Summary};

use crate::admission::Reason;
use crate::error::Error;
use crate::health::State;

/// Something that happened in an engine. Times are microseconds, sizes bytes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The engine is open.
    Open {
        /// How long opening took, recovery included.
        micros: u64,
        /// Records replayed from write-ahead logs.
        recovered: u64,
    },
    /// The engine is closed; no event follows.
    Close,
    /// A flush of immutable memtables began.
    FlushBegin {
        /// Bytes in the memtables.
        bytes: u64,
    },
    /// A flush ended and its table is installed.
    FlushEnd {
        /// The new table's file number.
        table: u64,
        /// The new table's size.
        bytes: u64,
        /// How long it took.
        micros: u64,
    },
    /// A compaction began.
    CompactionBegin {
        /// The upper input level.
        from: usize,
        /// The level the output goes to.
        to: usize,
        /// How many tables it reads.
        inputs: usize,
    },
    /// A compaction ended and its result is installed.
    CompactionEnd {
        /// The upper input level.
        from: usize,
        /// The level the output went to.
        to: usize,
        /// How many tables it read.
        inputs: usize,
        /// Bytes of the inputs.
        read: u64,
        /// Bytes of the outputs; 0 for a trivial move.
        written: u64,
        /// How long it took.
        micros: u64,
    },
    /// A writer had to stop and go on.
    Stall {
        /// Why.
        reason: Reason,
        /// How long it waited.
        micros: u64,
    },
    /// The database went into another state.
    StateChanged {
        /// The state before.
        from: State,
        /// The state now.
        to: State,
        /// The failure that caused it, if it was one.
        error: Option<Error>,
    },
    /// A table that nothing refers to any more was removed.
    TableDeleted {
        /// Its file number.
        table: u64,
    },
}

/// Who wants to know. Called on the engine's own threads, in no common order across threads: it must be quick
/// and must not call the engine back in a way that waits.
pub type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// Hands events to the listener, if there is one. Cheap to clone.
#[derive(Clone, Default)]
pub struct Events(Option<Listener>);

impl Events {
    /// Events go to `listener`.
    pub fn new(listener: Option<Listener>) -> Self {
        Self(listener)
    }

    /// Tells the listener. The event is only made when there is one. A listener that panics is ignored: it is
    /// not the engine's failure.
    pub fn emit(&self, event: impl FnOnce() -> Event) {
        if let Some(listener) = &self.0 {
            let event = event();
            let _ = catch_unwind(AssertUnwindSafe(|| listener(&event)));
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Events(listener)" } else { "Events(none)" })
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
