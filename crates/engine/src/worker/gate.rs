//! What the foreground waits on: a generation that every notification moves on.
//!
//! A waiter reads the generation, then asks its condition, then sleeps until the generation is another one. So a
//! notification between the question and the sleep is not lost. Notifying a gate on which nobody waits takes
//! no lock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::sync::{AtomicU64, AtomicUsize, Condvar, Mutex, Ordering};

/// Something to wait on with `Executor::wait_until`. Clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    generation: AtomicU64,
    waiting: AtomicUsize,
    lock: Mutex<()>,
    moved: Condvar,
}

impl Gate {
    /// A gate on which nobody waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everyone who waits ask their condition again. Call it after the change that may have made one true. Two atomic
    /// operations when nobody waits.
    pub fn notify(&self) {
        // SeqCst here and in `wait_past`: either this sees the waiter, or the waiter sees the new generation.
        self.0.generation.fetch_add(1, Ordering::SeqCst);
        if self.0.waiting.load(Ordering::SeqCst) > 0 {
            drop(self.0.lock.lock());
            self.0.moved.notify_all();
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::SeqCst)
    }

    /// Sleeps until the generation is another one than `seen`; at most `limit`. True when the time was over.
    pub(super) fn wait_past(&self, seen: u64, limit: Option<Duration>) -> bool {
        self.0.waiting.fetch_add(1, Ordering::SeqCst);
        let mut guard = self.0.lock.lock();
        let mut timed_out = false;
        while !timed_out && self.generation() == seen {
            match limit {
                None => self.0.moved.wait(&mut guard),
                Some(limit) => timed_out = self.0.moved.wait_for(&mut guard, limit).timed_out(),
            }
        }
        drop(guard);
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
        timed_out
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({} waiting)", self.0.waiting.load(Ordering::Relaxed))
    }
}

/// The gates on which somebody blocks now, so that a shutdown can wake them all.
#[derive(Default)]
pub(super) struct Waiters(Mutex<Vec<Gate>>);

impl Waiters {
    pub(super) fn register(&self, gate: &Gate) -> Registered<'_> {
        self.0.lock().push(gate.clone());
        Registered { waiters: self, gate: gate.clone() }
    }

    pub(super) fn notify_all(&self) {
        for gate in self.0.lock().iter() {
            gate.notify();
        }
    }
}

/// A gate in [`Waiters`], taken out again when dropped.
pub(super) struct Registered<'a> {
    waiters: &'a Waiters,
    gate: Gate,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        let mut gates = self.waiters.0.lock();
        if let Some(at) = gates.iter().position(|gate| Arc::ptr_eq(&gate.0, &self.gate.0)) {
            gates.swap_remove(at);
        }
    }
}
