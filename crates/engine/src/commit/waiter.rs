//! A thread that waits for its write: to be served by a leader, or to lead.

use crate::error::Result;
use crate::store::Store;
use crate::sync::Mutex;
use crate::worker::Gate;

/// What a waiting writer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The lead is yours; your write is still in the queue.
    Lead,
    /// A leader has taken your write.
    Served,
}

#[derive(Default)]
struct State {
    turn: Option<Turn>,
    outcome: Option<Result<()>>,
}

/// One blocking write.
#[derive(Default)]
pub(crate) struct Waiter {
    state: Mutex<State>,
    gate: Gate,
}

impl Waiter {
    /// Hands the lead to this writer.
    pub fn lead(&self) {
        self.state.lock().turn = Some(Turn::Lead);
        self.gate.notify();
    }

    /// Marks the write as inserted; its outcome follows.
    pub fn serve(&self) {
        self.state.lock().turn = Some(Turn::Served);
        self.gate.notify();
    }

    /// Gives the outcome.
    pub fn finish(&self, result: Result<()>) {
        let mut state = self.state.lock();
        state.turn = Some(Turn::Served);
        state.outcome = Some(result);
        drop(state);
        self.gate.notify();
    }

    /// Whether a leader has taken the write.
    pub fn served(&self) -> bool {
        self.state.lock().turn == Some(Turn::Served)
    }

    /// Whether the outcome is there.
    pub fn finished(&self) -> bool {
        self.state.lock().outcome.is_some()
    }

    /// Waits to be served or to be told to lead.
    pub fn wait_for_turn(&self, store: &Store) -> Result<Turn> {
        store.executor.wait_until(&self.gate, || self.state.lock().turn)
    }

    /// Waits for the outcome.
    pub fn outcome(&self, store: &Store) -> Result<()> {
        store.executor.wait_until(&self.gate, || self.state.lock().outcome.clone())?
    }
}
