//! The state of a database, and the first failure, latched.
//!
//! ```text
//!              a compaction failed            a log, manifest or flush failed, a panic,
//!            ┌────────────────────┐           damage in an input
//!            │                    ▼           │
//!        Healthy ◄── heal ── Degraded ────────┤         any ── close ──► Closed
//!            │ ▲                              ▼
//!            │ └──────── resume ────────── ReadOnly
//!            └────────────────────────────────▲
//! ```
//!
//! Writes go on while degraded. Read-only is sticky: only a successful resume leaves it, and a failure during
//! the resume keeps it. Reads go on until the database is closed.
//!
//! Everything here may be called from any thread. A write asks with one atomic load.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::sync::{AtomicU8, Mutex, Ordering};

/// How well a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// All is well.
    Healthy = 0,
    /// Compaction fails and is retried; reads and writes go on.
    Degraded = 1,
    /// Nothing more is written; reads go on.
    ReadOnly = 2,
    /// Closed, for ever.
    Closed = 3,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::ReadOnly => "read-only",
            Self::Closed => "closed",
        })
    }
}

/// How bad a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The work can be retried, and acknowledged data does not depend on it: a failed compaction.
    Degraded,
    /// What is on disk may not be what memory says: a failed log, manifest or flush, a panic, damaged input.
    ReadOnly,
}

/// Told about every change of state: from, to, and the failure behind it.
type OnChange = Box<dyn Fn(State, State, Option<&Error>) + Send + Sync>;

/// The state of one database.
pub struct Health {
    /// The state, as a number: what `check_writable` looks at. Written under the lock of `inner`.
    state: AtomicU8,
    inner: Mutex<Inner>,
    on_change: OnChange,
}

struct Inner {
    state: State,
    /// The failure that led into the current state.
    error: Option<Error>,
    resume: Resume,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resume {
    /// Nobody is resuming.
    No,
    /// Someone is, and nothing has failed since.
    Running,
    /// Someone is, and something failed meanwhile: it will not succeed.
    Failed,
    /// Resuming is impossible: the database was opened read-only.
    Never,
}

impl Health {
    /// A healthy database. `on_change` is called after each change of state, on the thread that made it, with
    /// no lock held; it may ask this `Health` anything.
    pub fn new(on_change: impl Fn(State, State, Option<&Error>) + Send + Sync + 'static) -> Self {
        Self::with(State::Healthy, None, Resume::No, Box::new(on_change))
    }

    /// A database opened read-only: no write is accepted, and no resume.
    pub fn opened_read_only(
        on_change: impl Fn(State, State, Option<&Error>) + Send + Sync + 'static,
    ) -> Self {
        let error = Error::new(ErrorKind::ReadOnly, "opened with readOnly: open it without to write");
        Self::with(State::ReadOnly, Some(error), Resume::Never, Box::new(on_change))
    }

    fn with(state: State, error: Option<Error>, resume: Resume, on_change: OnChange) -> Self {
        Self {
            state: AtomicU8::new(state as u8),
            inner: Mutex::new(Inner { state, error, resume }),
            on_change,
        }
    }

    /// The state now.
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Healthy,
            1 => State::Degraded,
            2 => State::ReadOnly,
            _ => State::Closed,
        }
    }

    /// The failure that led into the current state: the first one, if several followed. `None` while healthy, and
    /// after a close without a failure.
    pub fn error(&self) -> Option<Error> {
        self.inner.lock().error.clone()
    }

    /// Ok while writes are accepted; one atomic load then. Otherwise an error of kind `ReadOnly` or `Closed` that
    /// says which failure stopped them and what to do.
    #[inline]
    pub fn check_writable(&self) -> Result<()> {
        if self.state.load(Ordering::Acquire) <= State::Degraded as u8 { Ok(()) } else { self.refuse() }
    }

    /// Ok until the database is closed; one atomic load then.
    #[inline]
    pub fn check_open(&self) -> Result<()> {
        if self.state.load(Ordering::Acquire) < State::Closed as u8 { Ok(()) } else { Err(closed()) }
    }

    #[cold]
    fn refuse(&self) -> Result<()> {
        let inner = self.inner.lock();
        match (&inner.error, inner.state) {
            (_, State::Healthy | State::Degraded) => Ok(()),
            (_, State::Closed) => Err(closed()),
            (Some(error), State::ReadOnly) if inner.resume == Resume::Never => Err(error.clone()),
            (Some(error), State::ReadOnly) => Err(error.with_kind(
                ErrorKind::ReadOnly,
                "no writes are accepted since a failure (repair its cause, then call resume, or reopen)",
            )),
            (None, State::ReadOnly) => Err(Error::new(ErrorKind::ReadOnly, "no writes are accepted")),
        }
    }

    /// Records a failure. The first one of its severity or worse is kept and changes the state (true); later ones,
    /// and any after the close, change nothing (false). During a resume it makes the resume fail.
    pub fn fail(&self, severity: Severity, error: Error) -> bool {
        let to = match severity {
            Severity::Degraded => State::Degraded,
            Severity::ReadOnly => State::ReadOnly,
        };
        self.change(|inner| {
            if to == State::ReadOnly && inner.resume == Resume::Running {
                inner.resume = Resume::Failed;
                inner.error = Some(error.clone());
            }
            if to <= inner.state {
                return None;
            }
            inner.error = Some(error);
            Some(to)
        })
    }

    /// The work that had failed succeeds again: from degraded to healthy. True when that changed the state.
    pub fn heal(&self) -> bool {
        self.change(|inner| {
            if inner.state != State::Degraded {
                return None;
            }
            inner.error = None;
            Some(State::Healthy)
        })
    }

    /// Begins to leave the read-only state. True: the caller now does what a resume takes, then calls
    /// [`Health::resume_done`]; writes stay refused until then. False: writes are accepted already.
    ///
    /// # Errors
    /// `Closed`; `ReadOnly` when the database was opened read-only; `InvalidArgument` when another resume is running.
    pub fn resume_begin(&self) -> Result<bool> {
        let mut inner = self.inner.lock();
        match (inner.state, inner.resume) {
            (State::Closed, _) => Err(closed()),
            (State::Healthy | State::Degraded, _) => Ok(false),
            (State::ReadOnly, Resume::Never) => {
                Err(Error::new(ErrorKind::ReadOnly, "cannot resume a database that was opened with readOnly"))
            }
            (State::ReadOnly, Resume::No) => {
                inner.resume = Resume::Running;
                Ok(true)
            }
            (State::ReadOnly, Resume::Running | Resume::Failed) => {
                Err(Error::invalid("a resume is running already: wait for it"))
            }
        }
    }

    /// True between [`Health::resume_begin`] and [`Health::resume_done`].
    pub fn is_resuming(&self) -> bool {
        matches!(self.inner.lock().resume, Resume::Running | Resume::Failed)
    }

    /// Ends a resume. With `Ok`, and when nothing failed and nobody closed since it began, the database is healthy
    /// again; otherwise it stays as it is and the error says why (it is the latched failure from now on).
    pub fn resume_done(&self, outcome: Result<()>) -> Result<()> {
        let mut result = Ok(());
        self.change(|inner| {
            let resume = inner.resume;
            if matches!(resume, Resume::Running | Resume::Failed) {
                inner.resume = Resume::No;
            }
            match (outcome, inner.state, resume) {
                (_, State::Closed, _) => result = Err(closed()),
                (Err(error), State::ReadOnly, Resume::Running | Resume::Failed) => {
                    inner.error = Some(error.clone());
                    result = Err(error);
                }
                (Err(error), ..) => result = Err(error),
                (Ok(()), State::ReadOnly, Resume::Running) => {
                    inner.error = None;
                    return Some(State::Healthy);
                }
                (Ok(()), State::ReadOnly, _) => {
                    result = Err(inner
                        .error
                        .clone()
                        .unwrap_or_else(|| Error::new(ErrorKind::Internal, "no resume had begun")));
                }
                (Ok(()), State::Healthy | State::Degraded, _) => {}
            }
            None
        });
        result
    }

    /// Closes, for ever. True the first time. The failure before the close, if any, stays in [`Health::error`].
    pub fn close(&self) -> bool {
        self.change(|inner| (inner.state != State::Closed).then_some(State::Closed))
    }

    /// Runs one transition under the lock and tells `on_change` afterwards.
    fn change(&self, transition: impl FnOnce(&mut Inner) -> Option<State>) -> bool {
        let mut inner = self.inner.lock();
        let from = inner.state;
        let Some(to) = transition(&mut inner) else { return false };
        inner.state = to;
        self.state.store(to as u8, Ordering::Release);
        let error = inner.error.clone();
        drop(inner);
        (self.on_change)(from, to, error.as_ref());
        true
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner.lock();
        f.debug_struct("Health").field("state", &inner.state).field("error", &inner.error).finish()
    }
}

/// The error of every call after the close.
fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the database is closed")
}

#[cfg(all(test, not(shuttle)))]
mod tests;
