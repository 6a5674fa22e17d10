//! Threads of a test that end together when one of them fails.

use std::sync::atomic::{AtomicBool, Ordering};

/// Sets a flag when the thread that holds it panics, so that those who look at the flag stop instead of waiting for it.
pub struct Alarm<'a>(pub &'a AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}
