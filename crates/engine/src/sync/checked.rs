//! The names of `parking_lot` over `shuttle`'s locks, so that the engine is written once.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use shuttle::{thread, thread_local};

/// A mutual exclusion lock that does not poison.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

/// A held [`Mutex`]. Empty only while a [`Condvar`] has it.
pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    held: Option<shuttle::sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let held = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        MutexGuard { mutex: self, held: Some(held) }
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.0.try_lock().is_err()
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok().map(|held| MutexGuard { mutex: self, held: Some(held) })
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        match &self.held {
            Some(guard) => guard,
            None => unreachable!("a condition variable has the guard"),
        }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.held {
            Some(guard) => guard,
            None => unreachable!("a condition variable has the guard"),
        }
    }
}

/// What a wait with a time limit came back for.
pub(crate) struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    pub(crate) fn timed_out(&self) -> bool {
        self.0
    }
}

/// A condition variable.
#[derive(Debug, Default)]
pub(crate) struct Condvar(shuttle::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(shuttle::sync::Condvar::new())
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        if let Some(held) = guard.held.take() {
            guard.held = Some(self.0.wait(held).unwrap_or_else(|poisoned| poisoned.into_inner()));
        }
    }

    /// Time does not pass under `shuttle`: the wait lets the others run once and then counts as timed out.
    pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _limit: Duration) -> WaitTimeoutResult {
        guard.held = None;
        thread::yield_now();
        guard.held = guard.mutex.lock().held.take();
        WaitTimeoutResult(true)
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}
