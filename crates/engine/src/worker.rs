//! The one executor for background work: flush, compaction, log syncs, cold reads, file removal.
//!
//! Work is organised in **lanes**. A lane is a named poll function and how many threads run it. [`Executor::notify`] says
//! that there may be work; a thread of the lane then polls until the poll answers [`Poll::Idle`], and sleeps.
//! The poll function finds out itself what there is to do, so notifications may be merged, and none is lost.
//!
//! ```text
//!   threads                                        stepped (simulation, tests)
//!   ───────                                        ───────────────────────────
//!   notify ─► [permits] ─► moss-flush      poll…   notify ─► [due] ┐
//!   notify ─► [permits] ─► moss-compact ×N poll…   notify ─► [due] ┼─► step(): one seeded choice, one poll,
//!   notify ─► [permits] ─► moss-sync       poll…   notify ─► [due] ┘   on the caller's thread
//! ```
//!
//! The foreground waits on a [`Gate`] with [`Executor::wait_until`]. With threads that blocks; stepped, it runs the lanes
//! itself, and when no lane has work left while the condition still does not hold, it reports the deadlock: a
//! stall that nobody would have ended.
//!
//! A panic in a poll is caught and reported to the panic hook; the lane lives on and is idle until its next
//! notification. [`Executor::shutdown`] stops and joins every thread; afterwards no wait blocks.
//!
//! Everything here may be called from any thread, the lanes' own included. A stepped executor is meant for one thread.

mod gate;
mod lane;
mod queue;
mod stepped;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

pub use gate::Gate;
pub use queue::{Task, TaskQueue};

use crate::error::{Error, ErrorKind, Result};
use crate::event::Clock;
use crate::sync::{AtomicBool, Mutex, Ordering, thread};
use gate::Waiters;
use lane::{Lane, Spread};
use stepped::Stepped;

/// What a poll did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poll {
    /// It did something, and there may be more.
    Worked,
    /// There was nothing to do.
    Idle,
}

/// How a lane's threads compete for the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Priority {
    /// Like the threads of the program: short work that others wait for, a sync or a read.
    #[default]
    Normal,
    /// After them (nicer by 10, on Linux; elsewhere like `Normal`): work of many milliseconds, a flush, a compaction or a
    /// large batch, must not delay the program's event loop.
    Low,
}

impl Priority {
    /// How much nicer than the thread that adds the lane, as Linux counts.
    pub(crate) const fn nice(self) -> i32 {
        match self {
            Self::Normal => 0,
            Self::Low => 10,
        }
    }
}

/// Names a lane of one executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneId(usize);

/// Gets the priority of the thread that starts.
type StartHook = Arc<dyn Fn(Priority) + Send + Sync>;
/// Gets the lane's name and the message of a panic.
type PanicHook = Arc<dyn Fn(&'static str, String) + Send + Sync>;

/// Runs background work. Clones share the same lanes. The last clone shuts down when it is dropped; a poll function that
/// holds a clone keeps the executor alive until [`Executor::shutdown`].
#[derive(Clone)]
pub struct Executor {
    inner: Arc<Inner>,
    clock: Clock,
}

struct Inner {
    lanes: ArcSwap<Vec<Arc<Lane>>>,
    /// Held while lanes are added or taken away.
    adding: Mutex<()>,
    /// The threads not yet joined.
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
    /// Held by whoever joins them.
    joining: Mutex<()>,
    stopped: AtomicBool,
    waiters: Waiters,
    panics: Arc<Panics>,
    start_hook: Mutex<Option<StartHook>>,
    stepped: Option<Stepped>,
}

/// Where caught panics go.
#[derive(Default)]
struct Panics(Mutex<Option<PanicHook>>);

impl Executor {
    /// Real threads, and the machine's clock.
    pub fn threads() -> Self {
        Self::with(None, Clock::system())
    }

    /// No threads: nothing runs until [`Executor::step`] or a wait. Which of the notified lanes comes next is drawn from
    /// `seed`, so a run can be repeated exactly. Has a manual clock.
    pub fn stepped(seed: u64) -> Self {
        Self::with(Some(Stepped::new(seed)), Clock::manual())
    }

    fn with(stepped: Option<Stepped>, clock: Clock) -> Self {
        let inner = Inner {
            lanes: ArcSwap::default(),
            adding: Mutex::new(()),
            threads: Mutex::new(Vec::new()),
            joining: Mutex::new(()),
            stopped: AtomicBool::new(false),
            waiters: Waiters::default(),
            panics: Arc::default(),
            start_hook: Mutex::default(),
            stepped,
        };
        Self { inner: Arc::new(inner), clock }
    }

    /// Uses another clock: what [`Executor::clock`] gives, and what a stepped wait moves forward.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The clock that belongs to this executor.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// True when nothing runs by itself.
    pub fn is_stepped(&self) -> bool {
        self.inner.stepped.is_some()
    }

    /// Where panics of polls are reported: the lane's name and the panic's message, on the lane's thread. Replaces the hook
    /// before. Without one they are dropped.
    pub fn set_panic_hook(&self, hook: impl Fn(&'static str, String) + Send + Sync + 'static) {
        *self.inner.panics.0.lock() = Some(Arc::new(hook));
    }

    /// What each thread of the lanes added from now on does first, after it was made nicer: for what only unsafe code can
    /// tell the system. Replaces the hook before. Stepped, there are no threads, and it is not called.
    pub fn set_start_hook(&self, hook: impl Fn(Priority) + Send + Sync + 'static) {
        *self.inner.start_hook.lock() = Some(Arc::new(hook));
    }

    /// Adds a lane with `threads` threads (at least one), named `name`. It starts idle.
    ///
    /// With several threads, `poll` runs on several at once. A notification wakes one; after a poll that worked another is
    /// woken to see whether there is work beside it. A poll that takes long should [`Executor::notify`] its own lane as
    /// soon as it has chosen its work.
    ///
    /// # Errors
    /// `Io` when the system refuses a thread, `Closed` after a shutdown.
    pub fn add_lane(
        &self,
        name: &'static str,
        threads: usize,
        poll: impl Fn() -> Poll + Send + Sync + 'static,
    ) -> Result<LaneId> {
        self.add_lane_at(Priority::Normal, name, threads, poll)
    }

    /// [`Executor::add_lane`] with a priority.
    pub fn add_lane_at(
        &self,
        priority: Priority,
        name: &'static str,
        threads: usize,
        poll: impl Fn() -> Poll + Send + Sync + 'static,
    ) -> Result<LaneId> {
        self.add(name, threads, priority, Spread::AfterWork, Box::new(poll))
    }

    fn add(
        &self,
        name: &'static str,
        threads: usize,
        priority: Priority,
        spread: Spread,
        poll: Box<dyn Fn() -> Poll + Send + Sync>,
    ) -> Result<LaneId> {
        let threads = threads.max(1);
        let inner = &self.inner;
        let lane = Arc::new(Lane::new(name, threads, spread, poll, Arc::clone(&inner.panics)));
        let _adding = inner.adding.lock();
        if inner.stopped.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the executor is shut down"));
        }
        if inner.stepped.is_none() {
            let hook = inner.start_hook.lock().clone();
            let mut handles = inner.threads.lock();
            for _ in 0..threads {
                match lane::spawn(Arc::clone(&lane), priority, hook.clone()) {
                    Ok(handle) => handles.push(handle),
                    Err(error) => {
                        lane.stop();
                        return Err(Error::io("start a thread named", name, error));
                    }
                }
            }
        }
        let mut lanes = Vec::clone(&inner.lanes.load());
        lanes.push(lane);
        let id = LaneId(lanes.len() - 1);
        inner.lanes.store(Arc::new(lanes));
        Ok(id)
    }

    /// Says that the lane may have work. Cheap (a short lock; a wake-up when a thread sleeps), never lost: after it, a
    /// poll begins. Does nothing after a shutdown.
    pub fn notify(&self, lane: LaneId) {
        self.try_notify(lane);
    }

    /// Notifies; false when the lane is stopped.
    fn try_notify(&self, lane: LaneId) -> bool {
        self.inner.lanes.load().get(lane.0).is_some_and(|lane| lane.notify())
    }

    /// Waits until `condition` gives a value. It is asked at once, and again after each [`Gate::notify`]; what makes it true
    /// must happen before the notification. It runs on this thread, with no lock of the executor held.
    ///
    /// # Errors
    /// `Closed` when the executor is shut down and the condition still gives nothing. `Internal` when the executor is stepped
    /// and no lane has work that could make it true.
    pub fn wait_until<T>(&self, gate: &Gate, mut condition: impl FnMut() -> Option<T>) -> Result<T> {
        if let Some(stepped) = &self.inner.stepped {
            loop {
                if let Some(value) = condition() {
                    return Ok(value);
                }
                if self.inner.stopped.load(Ordering::Acquire) {
                    return Err(shut_down());
                }
                if !stepped.step(&self.inner.lanes.load_full()) {
                    return Err(Error::new(
                        ErrorKind::Internal,
                        "deadlock: a wait that no background work will end",
                    ));
                }
            }
        }
        let mut registered = None;
        loop {
            let seen = gate.generation();
            if let Some(value) = condition() {
                return Ok(value);
            }
            // Registered before `stopped` is looked at: a shutdown either is seen here, or sees this wait.
            registered.get_or_insert_with(|| self.inner.waiters.register(gate));
            if self.inner.stopped.load(Ordering::SeqCst) {
                return condition().ok_or_else(shut_down);
            }
            gate.wait_past(seen, None);
        }
    }

    /// Like [`Executor::wait_until`], for at most `limit`; `None` when the time is over (or the executor shut down) and the
    /// condition still gives nothing.
    ///
    /// Stepped: the time that passes is moved on the executor's clock, some after each step, and the rest when no
    /// lane has work. Never a deadlock.
    pub fn wait_until_timeout<T>(
        &self,
        gate: &Gate,
        limit: Duration,
        mut condition: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        if let Some(stepped) = &self.inner.stepped {
            let mut left = limit;
            loop {
                if let Some(value) = condition() {
                    return Some(value);
                }
                if left.is_zero() || self.inner.stopped.load(Ordering::Acquire) {
                    return None;
                }
                let worked = stepped.step(&self.inner.lanes.load_full());
                let passed = if worked { stepped.time_of_a_step().min(left) } else { left };
                self.clock.advance(passed);
                left -= passed;
            }
        }
        let real = Clock::system();
        let mut registered = None;
        loop {
            let seen = gate.generation();
            if let Some(value) = condition() {
                return Some(value);
            }
            registered.get_or_insert_with(|| self.inner.waiters.register(gate));
            let left = limit.saturating_sub(Duration::from_micros(real.micros()));
            if left.is_zero() || self.inner.stopped.load(Ordering::SeqCst) {
                return condition();
            }
            if gate.wait_past(seen, Some(left)) {
                return condition();
            }
        }
    }

    /// Stepped: polls one of the notified lanes, once. False when none is notified (or there are threads, which need no
    /// steps).
    pub fn step(&self) -> bool {
        match &self.inner.stepped {
            Some(stepped) => stepped.step(&self.inner.lanes.load_full()),
            None => false,
        }
    }

    /// Stops every lane: no poll begins after this, those that run end first, and their threads are joined. Task queues are
    /// emptied before, by running what is in them. Waits give `Closed`. Idempotent: a second call waits for the first.
    ///
    /// Called from a lane's thread it joins all threads but that one, or none while another call is joining.
    pub fn shutdown(&self) {
        self.inner.shutdown();
    }
}

impl Inner {
    fn shutdown(&self) {
        let lanes = {
            let _adding = self.adding.lock();
            self.stopped.store(true, Ordering::SeqCst);
            self.lanes.swap(Arc::default())
        };
        for lane in lanes.iter() {
            lane.stop();
            if self.stepped.is_some() {
                lane.drain();
            }
        }
        self.waiters.notify_all();
        let joining = if lane::is_own_thread(&self.panics) {
            self.joining.try_lock()
        } else {
            Some(self.joining.lock())
        };
        let Some(_joining) = joining else { return };
        let me = thread::current().id();
        let (mine, others): (Vec<_>, Vec<_>) = std::mem::take(&mut *self.threads.lock())
            .into_iter()
            .partition(|handle| handle.thread().id() == me);
        for handle in others {
            // The thread's root catches every panic: there is nothing to be told here.
            let _ = handle.join();
        }
        self.threads.lock().extend(mine);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl Panics {
    /// Runs `work`; a panic in it is reported, and gives `None`.
    fn guard<T>(&self, lane: &'static str, work: impl FnOnce() -> T) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(value) => Some(value),
            Err(payload) => {
                let message = payload
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned())
                    .or_else(|| payload.downcast_ref::<String>().cloned())
                    .unwrap_or_else(|| "a panic without a message".to_owned());
                let hook = self.0.lock().clone();
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    drop(payload);
                    if let Some(hook) = hook {
                        hook(lane, message);
                    }
                }));
                None
            }
        }
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lanes = self.inner.lanes.load();
        let names: Vec<_> = lanes.iter().map(|lane| lane.name()).collect();
        f.debug_struct("Executor").field("stepped", &self.is_stepped()).field("lanes", &names).finish()
    }
}

fn shut_down() -> Error {
    Error::new(ErrorKind::Closed, "closed while waiting")
}

#[cfg(all(test, not(shuttle)))]
mod tests;

#[cfg(all(test, shuttle))]
mod schedules;
