//! One lane: its poll function, its notifications, and the loop of its threads.
//!
//! Notifications are counted as permits, at most one a thread: two notifications wake two threads, and when every thread
//! is due already, each of them is going to poll later than the notification anyway.

use std::cell::Cell;
use std::io;
use std::sync::Arc;

use super::{Panics, Poll, Priority, StartHook};
use crate::sync::{AtomicBool, Condvar, Mutex, Ordering, thread};

/// Whether work of one thread wakes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    /// After a poll that worked: what was done may have made work for two.
    AfterWork,
    /// Only by notifications, one for each piece of work. Such a lane is emptied before it stops.
    ByNotification,
}

pub(super) struct Lane {
    name: &'static str,
    threads: usize,
    spread: Spread,
    poll: Box<dyn Fn() -> Poll + Send + Sync>,
    panics: Arc<Panics>,
    /// A poll runs here, stepped: it must not be entered again from within.
    stepping: AtomicBool,
    signal: Mutex<Signal>,
    wake: Condvar,
}

#[derive(Default)]
struct Signal {
    /// How many threads are due to poll.
    permits: usize,
    sleeping: usize,
    stopped: bool,
}

impl Lane {
    pub(super) fn new(
        name: &'static str,
        threads: usize,
        spread: Spread,
        poll: Box<dyn Fn() -> Poll + Send + Sync>,
        panics: Arc<Panics>,
    ) -> Self {
        Self {
            name,
            threads,
            spread,
            poll,
            panics,
            stepping: AtomicBool::new(false),
            signal: Mutex::new(Signal::default()),
            wake: Condvar::new(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Makes one more thread due. False when the lane is stopped.
    pub(super) fn notify(&self) -> bool {
        let mut signal = self.signal.lock();
        if signal.stopped {
            return false;
        }
        if signal.permits < self.threads {
            signal.permits += 1;
            if signal.sleeping > 0 {
                self.wake.notify_one();
            }
        }
        true
    }

    /// Lets no further poll begin.
    pub(super) fn stop(&self) {
        self.signal.lock().stopped = true;
        self.wake.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.signal.lock().stopped
    }

    /// Sleeps until this thread is due. False when the lane is stopped.
    fn wait(&self) -> bool {
        let mut signal = self.signal.lock();
        loop {
            if signal.stopped {
                return false;
            }
            if signal.permits > 0 {
                signal.permits -= 1;
                return true;
            }
            signal.sleeping += 1;
            self.wake.wait(&mut signal);
            signal.sleeping -= 1;
        }
    }

    /// After work: makes another thread due, unless one is already. Also one that does not sleep yet: a thread may be
    /// just about to.
    fn spread(&self) {
        if self.spread == Spread::AfterWork && self.threads > 1 {
            let mut signal = self.signal.lock();
            if !signal.stopped && signal.permits == 0 {
                signal.permits = 1;
                self.wake.notify_one();
            }
        }
    }

    fn poll(&self) -> Poll {
        let after_panic = match self.spread {
            // It might panic again at once: it waits for the next notification.
            Spread::AfterWork => Poll::Idle,
            // The task that panicked is gone, and others may be waiting behind it.
            Spread::ByNotification => Poll::Worked,
        };
        self.panics.guard(self.name, &self.poll).unwrap_or(after_panic)
    }

    /// What a thread of this lane does all its life.
    fn run(&self) {
        while self.wait() {
            while self.poll() == Poll::Worked && !self.is_stopped() {
                self.spread();
            }
        }
        self.drain();
    }

    /// Polls what is left in a stopped lane that must not lose work.
    pub(super) fn drain(&self) {
        if self.spread == Spread::ByNotification {
            while self.poll() == Poll::Worked {}
        }
    }

    /// Stepped: due, and not being polled.
    pub(super) fn is_ready(&self) -> bool {
        self.signal.lock().permits > 0 && !self.stepping.load(Ordering::Relaxed)
    }

    /// Stepped: polls once. The lane stays due as long as it works.
    pub(super) fn step(&self) {
        self.signal.lock().permits = 0;
        self.stepping.store(true, Ordering::Relaxed);
        let polled = self.poll();
        self.stepping.store(false, Ordering::Relaxed);
        if polled == Poll::Worked {
            self.notify();
        }
    }
}

crate::sync::thread_local! {
    /// Which executor this thread belongs to: the address of its panic report, or 0.
    static OWNER: Cell<usize> = const { Cell::new(0) };
}

fn identity(panics: &Arc<Panics>) -> usize {
    Arc::as_ptr(panics).addr()
}

/// Whether this thread is one of the executor with these `panics`.
pub(super) fn is_own_thread(panics: &Arc<Panics>) -> bool {
    OWNER.try_with(Cell::get).is_ok_and(|owner| owner == identity(panics))
}

/// Starts one thread of `lane`.
pub(super) fn spawn(
    lane: Arc<Lane>,
    priority: Priority,
    hook: Option<StartHook>,
) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(lane.name.to_owned()).spawn(move || {
        let _ = OWNER.try_with(|owner| owner.set(identity(&lane.panics)));
        if priority != Priority::Normal {
            lower_priority(priority.nice());
        }
        if let Some(hook) = hook {
            lane.panics.guard(lane.name, || hook(priority));
        }
        lane.run();
    })
}

/// Linux keeps a nice value for each thread, of at most 19; a new thread has that of who starts it. Refused: it runs like the others, only less politely.
#[cfg(all(target_os = "linux", not(shuttle)))]
fn lower_priority(by: i32) {
    let thread = Some(rustix::thread::gettid());
    let _ = rustix::process::getpriority_process(thread)
        .and_then(|nice| rustix::process::setpriority_process(thread, nice + by));
}

#[cfg(not(all(target_os = "linux", not(shuttle))))]
fn lower_priority(_by: i32) {}
