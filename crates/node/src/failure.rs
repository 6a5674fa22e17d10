//! Errors on their way to JavaScript: a stable code and a message. Any thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mosskv::{Error, ErrorKind};

/// What JavaScript needs to build a `MossError`.
#[derive(Debug, Clone)]
pub struct Failure {
    /// One of the engine's codes, for example `DATABASE_CLOSED`.
    pub code: &'static str,
    /// What happened, where, and what to do.
    pub message: String,
}

/// The result of everything that can reach JavaScript.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure of `kind`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { code: kind.code(), message: message.into() }
    }

    /// A defect of the binding or of its caller in `ts/`.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// A use of something that has been closed.
    pub fn closed(what: &str) -> Self {
        Self::new(ErrorKind::Closed, format!("the {what} is closed: open it again to use it"))
    }

    /// A caught panic.
    fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        Self::internal(format!("a panic was caught, which is a defect in MossKV: {text}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { code: error.code(), message: error.to_string() }
    }
}

impl From<Failure> for napi::Error {
    /// `#[napi]` functions carry the code in front of the message; `ts/errors.ts` takes it apart.
    fn from(failure: Failure) -> Self {
        napi::Error::from_reason(format!("{}: {}", failure.code, failure.message))
    }
}

/// Runs `work`; a panic becomes a [`Failure`] and never crosses into C.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(Failure::panicked(payload.as_ref())))
}
