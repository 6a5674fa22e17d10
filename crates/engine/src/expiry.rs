//! Expiry: values that end by themselves, at a moment that is written in front of them.
//!
//! ```text
//! value of a SetWithExpiry record = expiry u64 | the user's value      milliseconds of the Unix epoch
//! ```
//!
//! A record is expired from the millisecond it names. For every read it is then a tombstone: it shows nothing and hides
//! older records. There are no timers; flushes and compactions write expired records as tombstones, without the value.
//!
//! Whoever reads or compacts holds one [`Now`]: the clock is read when the first expiring record is met, and not at all
//! without one, and the whole operation sees one moment.

use std::borrow::Borrow;

use crate::error::{Error, ErrorKind, Result};
use crate::event::Clock;
use crate::key::{self, Kind};

/// Bytes of the expiry in front of the user's value.
pub const EXPIRY_BYTES: usize = 8;

/// The expiry and the user's value of what a SetWithExpiry record stores; `None` when it is too short for an expiry.
#[inline]
pub fn split(stored: &[u8]) -> Option<(u64, &[u8])> {
    let (expiry, value) = stored.split_first_chunk::<EXPIRY_BYTES>()?;
    Some((u64::from_le_bytes(*expiry), value))
}

/// The present of one operation: a clock that is read at most once. `C` is a [`Clock`] or a reference to one.
#[derive(Debug, Clone)]
pub struct Now<C> {
    clock: C,
    millis: Option<u64>,
}

impl<C: Borrow<Clock>> Now<C> {
    /// A present that begins when it is asked for.
    pub const fn new(clock: C) -> Self {
        Self { clock, millis: None }
    }

    /// Whether a value that ends at `expires_at` has ended.
    pub fn is_past(&mut self, expires_at: u64) -> bool {
        let clock = self.clock.borrow();
        expires_at <= *self.millis.get_or_insert_with(|| clock.unix_millis())
    }
}

/// What a point record says about its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// There is nothing: deleted or expired.
    Gone,
    /// There is the value that is stored.
    Value,
    /// There is a value behind this expiry.
    ValueUntil(u64),
}

impl Said {
    /// Reads a point record; `stored`, its value, is asked for only when it can expire. `Corruption` for a kind that is
    /// no point record's, and for an expiry that is cut off.
    #[inline]
    pub fn by<'a, C: Borrow<Clock>>(
        trailer: u64,
        stored: impl FnOnce() -> &'a [u8],
        now: &mut Now<C>,
    ) -> Result<Self> {
        match key::kind_of(trailer) {
            Some(Kind::Set) => Ok(Self::Value),
            Some(Kind::Delete) => Ok(Self::Gone),
            Some(Kind::SetWithExpiry) => match split(stored()) {
                Some((expires_at, _)) if now.is_past(expires_at) => Ok(Self::Gone),
                Some((expires_at, _)) => Ok(Self::ValueUntil(expires_at)),
                None => Err(unreadable(trailer, "is too short for its expiry")),
            },
            _ => Err(unreadable(trailer, "has a kind where a value or a tombstone must be")),
        }
    }

    /// Where in what is stored the user's value begins.
    #[inline]
    pub const fn value_at(self) -> usize {
        match self {
            Self::ValueUntil(_) => EXPIRY_BYTES,
            Self::Value | Self::Gone => 0,
        }
    }

    /// The user's value in what is stored.
    #[inline]
    pub fn value(self, stored: &[u8]) -> &[u8] {
        stored.get(self.value_at()..).unwrap_or_default()
    }

    /// The millisecond from which on the value is gone; `None`: never.
    pub const fn expires_at(self) -> Option<u64> {
        match self {
            Self::ValueUntil(expires_at) => Some(expires_at),
            Self::Value | Self::Gone => None,
        }
    }
}

#[cold]
fn unreadable(trailer: u64, what: &str) -> Error {
    let message = format!("record {} (trailer {trailer:#x}) {what}", key::seqno_of(trailer));
    Error::new(ErrorKind::Corruption, message)
}

#[cfg(test)]
mod tests;
