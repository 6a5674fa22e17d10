//! Time, injected: the machine's clocks, or one that a test moves by hand.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::sync::{AtomicU64, Ordering};

/// The Unix time at which a manual clock starts, in milliseconds (14 November 2023).
const MANUAL_UNIX_MILLIS: u64 = 1_700_000_000_000;

/// A source of time. Clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    System { origin: Instant },
    Manual { micros: Arc<AtomicU64> },
}

impl Clock {
    /// The machine's clocks.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clocks")]
    pub fn system() -> Self {
        Self(Kind::System { origin: Instant::now() })
    }

    /// A clock that stands still until [`Clock::advance`]. It starts at 0 µs, and at a fixed Unix time.
    pub fn manual() -> Self {
        Self(Kind::Manual { micros: Arc::new(AtomicU64::new(0)) })
    }

    /// Monotonic microseconds since this clock (or the one it was cloned from) was made.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clocks")]
    pub fn micros(&self) -> u64 {
        match &self.0 {
            Kind::System { origin } => {
                u64::try_from(Instant::now().saturating_duration_since(*origin).as_micros())
                    .unwrap_or(u64::MAX)
            }
            Kind::Manual { micros } => micros.load(Ordering::Relaxed),
        }
    }

    /// Milliseconds since the Unix epoch. May jump when the machine's clock is set; 0 when it is set before 1970.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clocks")]
    pub fn unix_millis(&self) -> u64 {
        match &self.0 {
            Kind::System { .. } => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .ok()
                .and_then(|since| u64::try_from(since.as_millis()).ok())
                .unwrap_or(0),
            Kind::Manual { micros } => MANUAL_UNIX_MILLIS + micros.load(Ordering::Relaxed) / 1_000,
        }
    }

    /// Moves a manual clock forward. The machine's clocks are not moved.
    pub fn advance(&self, by: Duration) {
        if let Kind::Manual { micros } = &self.0 {
            let by = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
            micros.fetch_add(by, Ordering::Relaxed);
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}
