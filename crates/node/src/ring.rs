//! The completion ring: answers from background threads, brought to the environment in one wake-up.
//!
//! Any thread may [`Ring::post`]. Only the first post into an empty ring wakes the event loop, through one weak
//! thread-safe function per environment; the environment's thread then takes everything that waits. While a call is
//! pending the function is referenced, so that Node does not exit under a promise; otherwise it is not, so that
//! an open database keeps no process alive. After [`Ring::detach`] posts are dropped: nobody is left to be told.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mosskv::SharedEngine;
use napi::sys;
use parking_lot::{Condvar, Mutex};

use crate::failure::{Failure, Result, guarded};
use crate::raw::make;
use crate::state::State;

/// Names a pending call; JavaScript has its promise under this number. 0 is an event.
pub type Ticket = u64;

/// Where the ring of a reply lies, and its ticket.
pub type ReplyId = (usize, Ticket);

/// What a background thread found.
pub enum Answer {
    /// Nothing but that it is done.
    Done,
    /// The key is not there.
    Missing,
    /// A truth.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// Bytes, which become a Buffer.
    Bytes(Vec<u8>),
    /// UTF-8, which becomes a string.
    Text(Vec<u8>),
    /// A share of an engine, which becomes a handle.
    Opened(SharedEngine),
}

struct Completion {
    ticket: Ticket,
    answer: Result<Answer>,
}

struct Waker(sys::napi_threadsafe_function);

// SAFETY: N-API lets any thread call a thread-safe function; the pointer is only used under the lock that `detach`
// takes before the function goes away.
unsafe impl Send for Waker {}

/// The ring of one environment.
pub struct Ring {
    waiting: Mutex<VecDeque<Completion>>,
    /// The environment is gone; changes under the lock of `waiting`.
    ended: AtomicBool,
    arrived: Condvar,
    waker: Mutex<Option<Waker>>,
}

impl Ring {
    /// A ring that wakes nobody yet.
    pub const fn new() -> Self {
        Self {
            waiting: Mutex::new(VecDeque::new()),
            ended: AtomicBool::new(false),
            arrived: Condvar::new(),
            waker: Mutex::new(None),
        }
    }

    /// Hands an answer over. Any thread; never blocks for long, unless the environment is gone and the answer is an engine
    /// that nobody will close any more: then it is closed here and now.
    pub fn post(&self, ticket: Ticket, answer: Result<Answer>) {
        let first = {
            let mut waiting = self.waiting.lock();
            if self.ended.load(Ordering::Relaxed) {
                drop(waiting);
                return;
            }
            waiting.push_back(Completion { ticket, answer });
            waiting.len() == 1
        };
        self.arrived.notify_all();
        if first {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.lock() {
            let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
            // SAFETY: the function is alive: it is taken out under this lock before it is closed.
            unsafe { sys::napi_call_threadsafe_function(waker.0, ptr::null_mut(), mode) };
        }
    }

    /// Blocks until the answer of `ticket` is there. It stays for the event loop to deliver.
    pub fn wait(&self, ticket: Ticket) {
        let mut waiting = self.waiting.lock();
        while !waiting.iter().any(|completion| completion.ticket == ticket) {
            self.arrived.wait(&mut waiting);
        }
    }

    /// No wake-ups from here on. Called when the environment ends, before its memory goes.
    pub fn detach(&self) {
        self.waker.lock().take();
        let dropped = {
            let mut waiting = self.waiting.lock();
            self.ended.store(true, Ordering::Relaxed);
            std::mem::take(&mut *waiting)
        };
        // Without the lock: closing an engine that was on its way makes events, which come here.
        drop(dropped);
    }
}

/// The duty to answer one ticket. Dropped unanswered (a job that was never run), it answers that the database is
/// closed, so that no promise stays pending.
pub struct Reply {
    ring: Arc<Ring>,
    ticket: Ticket,
    answered: bool,
}

impl Reply {
    /// The duty to answer `ticket` on `ring`.
    pub const fn new(ring: Arc<Ring>, ticket: Ticket) -> Self {
        Self { ring, ticket, answered: false }
    }

    /// The ticket. Environments count their own, so that another one's may be equal.
    pub const fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// What tells it from the replies of all environments, as long as it is not answered.
    pub fn identity(&self) -> ReplyId {
        (Arc::as_ptr(&self.ring).addr(), self.ticket)
    }

    /// Answers. Any thread.
    pub fn send(mut self, answer: Result<Answer>) {
        self.answered = true;
        self.ring.post(self.ticket, answer);
    }

    /// Answers with what `work` finds, panics included.
    pub fn run(self, work: impl FnOnce() -> Result<Answer>) {
        self.send(guarded(work));
    }

    /// The ticket has been answered in another way.
    pub fn discharge(mut self) {
        self.answered = true;
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.answered {
            self.ring.post(self.ticket, Err(Failure::closed("database")));
        }
    }
}

/// The environment's end of the ring; only its own thread has it.
pub struct Delivery {
    function: sys::napi_threadsafe_function,
    pending: Cell<usize>,
    next: Cell<Ticket>,
    env: sys::napi_env,
}

impl Delivery {
    /// Connects the ring of `state` with `complete`, a JavaScript function `(ticket, error, value)`.
    ///
    /// # Safety
    /// `env` and `complete` are of the running call. `state` outlives the environment's thread-safe function: it is
    /// kept by the count taken here, given back by the function's own finalizer.
    pub unsafe fn connect(env: sys::napi_env, complete: sys::napi_value, state: &Rc<State>) -> Result<Self> {
        let mut function = ptr::null_mut();
        let context = Rc::into_raw(Rc::clone(state)).cast_mut().cast::<c_void>();
        // SAFETY: the name lives through the call; `context` stays until `finished`, the last call N-API makes.
        let status = unsafe {
            let mut name = ptr::null_mut();
            sys::napi_create_string_latin1(env, c"moss-completions".as_ptr(), -1, &mut name);
            sys::napi_create_threadsafe_function(
                env,
                complete,
                ptr::null_mut(),
                name,
                0,
                1,
                context,
                Some(finished),
                context,
                Some(deliver),
                &mut function,
            )
        };
        if status != sys::Status::napi_ok {
            // SAFETY: nobody else has taken the count back, since the function does not exist.
            drop(unsafe { Rc::from_raw(context.cast_const().cast::<State>()) });
            return Err(Failure::internal(format!("N-API refused a thread-safe function (status {status})")));
        }
        // SAFETY: just made, on this thread. Weak: it keeps no process alive.
        unsafe { sys::napi_unref_threadsafe_function(env, function) };
        *state.ring.waker.lock() = Some(Waker(function));
        Ok(Self { function, pending: Cell::new(0), next: Cell::new(1), env })
    }

    /// A ticket for a call that will be answered through the ring. Keeps the process alive until it is.
    pub fn begin(&self) -> Ticket {
        let ticket = self.next.get();
        self.next.set(ticket + 1);
        if self.pending.replace(self.pending.get() + 1) == 0 {
            // SAFETY: on the environment's thread, before its end.
            unsafe { sys::napi_ref_threadsafe_function(self.env, self.function) };
        }
        ticket
    }

    /// Takes a ticket back: the call was answered at once, or its answer has been delivered.
    pub fn end(&self) {
        let pending = self.pending.get().saturating_sub(1);
        self.pending.set(pending);
        if pending == 0 {
            // SAFETY: as above.
            unsafe { sys::napi_unref_threadsafe_function(self.env, self.function) };
        }
    }
}

/// N-API calls this on the environment's thread after a wake-up.
unsafe extern "C" fn deliver(
    env: sys::napi_env,
    complete: sys::napi_value,
    context: *mut c_void,
    _data: *mut c_void,
) {
    if env.is_null() || complete.is_null() {
        return;
    }
    // SAFETY: `connect` made the context from a count that `finished` has not given back yet.
    let state = unsafe { &*context.cast_const().cast::<State>() };
    let _ = guarded(|| {
        // Answers leave the ring one by one: `wait` must find those whose turn has not come.
        let arrived = state.ring.waiting.lock().len();
        for _ in 0..arrived {
            let Some(completion) = state.ring.waiting.lock().pop_front() else { break };
            if completion.ticket != 0
                && let Some(delivery) = state.delivery.get()
            {
                delivery.end();
            }
            // SAFETY: `env` is valid during this callback.
            if !unsafe { deliver_one(env, complete, state, completion) } {
                break;
            }
        }
        if !state.ring.waiting.lock().is_empty() {
            state.ring.wake();
        }
        Ok(())
    });
}

/// # Safety
/// `env` is valid and on its own thread; `complete` is a function of an open scope.
unsafe fn deliver_one(
    env: sys::napi_env,
    complete: sys::napi_value,
    state: &State,
    completion: Completion,
) -> bool {
    let (mut scope, mut this, mut result) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the scope is closed below; every value made between belongs to it.
    unsafe {
        if sys::napi_open_handle_scope(env, &mut scope) != sys::Status::napi_ok {
            return false;
        }
        let arguments = answer_arguments(env, state, completion);
        let status = match arguments {
            Ok(arguments) => {
                sys::napi_get_undefined(env, &mut this);
                sys::napi_call_function(env, this, complete, 3, arguments.as_ptr(), &mut result)
            }
            Err(_) => sys::Status::napi_generic_failure,
        };
        sys::napi_close_handle_scope(env, scope);
        status == sys::Status::napi_ok
    }
}

/// # Safety
/// As for [`deliver_one`].
unsafe fn answer_arguments(
    env: sys::napi_env,
    state: &State,
    completion: Completion,
) -> Result<[sys::napi_value; 3]> {
    // SAFETY: the same contract for everything made here.
    unsafe {
        let value = completion.answer.and_then(|answer| match answer {
            Answer::Done | Answer::Missing => make::undefined(env),
            Answer::Boolean(truth) => make::boolean(env, truth),
            Answer::Number(number) => make::number(env, number),
            Answer::Bytes(bytes) => make::buffer(env, &bytes),
            Answer::Text(bytes) => make::text(env, &bytes),
            Answer::Opened(share) => make::number(env, f64::from(state.adopt(share))),
        });
        let ticket = make::number(env, completion.ticket as f64)?;
        Ok(match value {
            Ok(value) => [ticket, make::undefined(env)?, value],
            Err(failure) => [ticket, crate::raw::error_object(env, &failure)?, make::undefined(env)?],
        })
    }
}

/// N-API's last word about the thread-safe function: nobody may wake it any more.
unsafe extern "C" fn finished(_env: sys::napi_env, context: *mut c_void, _hint: *mut c_void) {
    // SAFETY: the count `connect` took, given back once.
    let state = unsafe { Rc::from_raw(context.cast_const().cast::<State>()) };
    let _ = guarded(move || {
        state.ring.detach();
        Ok(())
    });
}
