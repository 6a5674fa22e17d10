//! What a scan fetches ahead: the next page, filled by a reader thread while JavaScript works on the one before.
//!
//! ```text
//! Idle -> Queued -> Filling -> [OnDisk] -> Ready -> Idle
//! ```
//!
//! The environment's thread takes a page that is ready, does the work itself when no reader thread has come to it yet,
//! waits for one that is being filled from memory (it would take as long itself), and asks to be told of one that needs
//! the disk. Two threads use it: the environment's and one reader's.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use crate::failure::{Failure, Result};
use crate::page::Page;
use crate::ring::{Answer, Reply, Ticket};

#[derive(Default)]
enum State {
    /// Nothing is fetched.
    #[default]
    Idle,
    /// Job `n` is to be done.
    Queued(u64),
    /// A reader thread does it, in memory so far.
    Filling,
    /// It waits for the disk.
    OnDisk,
    /// It waits for the disk, and a call waits for the page.
    Wanted(Reply),
    /// It is being done, but the scan was moved meanwhile: its page is nobody's.
    Stale,
    /// Done.
    Ready(Result<Page>),
}

/// The page ahead of a scan.
#[derive(Default)]
pub struct Ahead {
    state: Mutex<State>,
    moved: Condvar,
    /// How many jobs there were; changes under the lock of `state`.
    jobs: AtomicU64,
}

/// What there is for a call that wants the next page.
pub enum Found {
    /// Nothing: the call has to fill its page itself.
    Nothing,
    /// The page.
    Page(Page),
    /// The page comes with the answer to this ticket.
    Later(Ticket),
    /// Nothing, and a reader thread is still in the scan: the call has to fill its page on another.
    Busy,
}

impl Ahead {
    /// Takes the page ahead. A call that may not block and would have to wait for the disk gets the page through `reply`.
    pub fn take(&self, may_block: bool, reply: impl FnOnce() -> Result<Reply>) -> Result<Found> {
        let mut state = self.state.lock();
        loop {
            match std::mem::take(&mut *state) {
                State::Idle | State::Queued(_) => return Ok(Found::Nothing),
                State::Ready(page) => return page.map(Found::Page),
                State::OnDisk if !may_block => {
                    let reply = reply()?;
                    let ticket = reply.ticket();
                    *state = State::Wanted(reply);
                    return Ok(Found::Later(ticket));
                }
                State::Stale if !may_block => {
                    *state = State::Stale;
                    return Ok(Found::Busy);
                }
                other => {
                    *state = other;
                    self.moved.wait(&mut state);
                }
            }
        }
    }

    /// Notes a job that a reader thread is going to do; `None` when there is one already.
    pub fn queue(&self) -> Option<u64> {
        let mut state = self.state.lock();
        if !matches!(*state, State::Idle) {
            return None;
        }
        let number = self.jobs.fetch_add(1, Ordering::Relaxed);
        *state = State::Queued(number);
        Some(number)
    }

    /// Begins job `number`, unless it is no longer wanted.
    pub fn begin(&self, number: u64) -> Option<Landing<'_>> {
        let mut state = self.state.lock();
        if !matches!(*state, State::Queued(queued) if queued == number) {
            return None;
        }
        *state = State::Filling;
        Some(Landing { ahead: self, page: None })
    }

    /// The scan goes elsewhere: a page ahead, fetched or being fetched, is nobody's.
    pub fn discard(&self) {
        let mut state = self.state.lock();
        *state = match std::mem::take(&mut *state) {
            State::Idle | State::Queued(_) | State::Ready(_) => State::Idle,
            _ => State::Stale,
        };
    }
}

/// The end of a job, which comes whatever happens, a panic included: nobody waits for ever.
pub struct Landing<'a> {
    ahead: &'a Ahead,
    page: Option<Result<Page>>,
}

impl Landing<'_> {
    /// The job is going to wait for the disk.
    pub fn needs_disk(&self) {
        let mut state = self.ahead.state.lock();
        if matches!(*state, State::Filling) {
            *state = State::OnDisk;
            self.ahead.moved.notify_all();
        }
    }

    /// Whether the scan was moved since the job began.
    pub fn is_stale(&self) -> bool {
        matches!(*self.ahead.state.lock(), State::Stale)
    }

    /// The job is done. A call that waits for the page is to be answered by the caller.
    pub fn land(mut self, page: Result<Page>) -> Option<(Reply, Result<Page>)> {
        let mut state = self.ahead.state.lock();
        match std::mem::take(&mut *state) {
            State::Wanted(reply) => return Some((reply, page)),
            other => *state = other,
        }
        self.page = Some(page);
        None
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let page = self.page.take();
        let page = page.unwrap_or_else(|| Err(Failure::internal("the thread that fetched a page panicked")));
        let mut state = self.ahead.state.lock();
        match std::mem::take(&mut *state) {
            State::Filling | State::OnDisk => *state = State::Ready(page),
            State::Wanted(reply) => reply.send(page.map(|page| Answer::Bytes(page.into_bytes()))),
            _ => {}
        }
        self.ahead.moved.notify_all();
    }
}
