//! When writers wait, how long, and why.
//!
//! [`decide`] is a pure function over a [`Pressure`]. Up to the soft limits a write goes at once; between the soft
//! and the hard limits it is delayed, ever more, by a curve without steps; at a hard limit it stops until
//! background work has made room. The commit leader asks once a group.
//!
//! ```text
//! delay per KiB                                        x: how far from the soft (0) to the hard limit (1)
//!      │                               ╭─ Stop         delay = x / (1 - x) of the time the background
//!      │                              ╱                        work takes for as many bytes
//!      │                         __─╯
//!      └──────────────●───────────────┼────►  x        x = 1/2: writers go as fast as the background drains
//!          Go       soft             hard
//! ```
//!
//! Why no steps: engines that halve the write rate at a threshold (RocksDB's, LevelDB's 1 ms sleeps) swing between
//! full speed and standstill. The counts of memtables and L0 runs are made continuous by what the
//! active memtable has filled so far: freezing it (fill 1 -> 0, one more immutable) and flushing it (one immutable
//! less, one run more) leave the sums as they are.
//!
//! [`Pacer`] turns delays into waits of at least 1 ms, and [`DrainRate`] measures the background. Pure values;
//! the waiting itself is `Executor::wait_until_timeout` for a delay and `Executor::wait_until` for a stop, on a gate
//! that flush and compaction notify when they install.

use std::fmt;
use std::time::Duration;

use crate::sync::{AtomicU64, Ordering};

/// The longest delay: 10 ms for each KiB (100 KiB/s).
const MAX_NANOS_PER_KIB: u64 = 10_000_000;

/// What the background still has to do, as the writer sees it. A limit whose hard value is not above its soft value has
/// no delay, only the stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pressure {
    /// The active memtable takes no more and must be frozen first.
    pub memtable_full: bool,
    /// How much of the active memtable is used, 0 to 1 (more is taken as 1).
    pub memtable_fill: f64,
    /// Frozen memtables that wait to be flushed, the one being flushed included.
    pub immutable_memtables: usize,
    /// How many of them there may be; a full memtable beyond stops writers.
    pub max_immutables: usize,
    /// Runs (sublevels) of L0, or its tables.
    pub l0_runs: usize,
    /// From how many L0 runs on writers are delayed. At least the number at which compaction is due, so that a
    /// delayed writer always has something working for it.
    pub l0_soft: usize,
    /// At how many L0 runs writers stop.
    pub l0_hard: usize,
    /// Bytes that compaction has to rewrite until the levels are in shape.
    pub pending_compaction_bytes: u64,
    /// From how many of these bytes on writers are delayed.
    pub pending_soft: u64,
    /// At how many of these bytes writers stop.
    pub pending_hard: u64,
    /// How fast the background takes in what users write, in bytes a second ([`DrainRate`]).
    pub drain_bytes_per_second: u64,
}

/// Why a writer waits. Its `Display` is meant for users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Memtables are filled faster than they are flushed.
    Memtables {
        /// How many wait.
        waiting: usize,
    },
    /// L0 fills faster than compaction empties it.
    L0 {
        /// How many runs it has.
        runs: usize,
        /// At how many writers stop.
        limit: usize,
    },
    /// The deep levels are out of shape.
    CompactionDebt {
        /// Bytes to rewrite.
        pending: u64,
        /// At how many writers stop.
        limit: u64,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memtables { waiting: 1 } => f.write_str("1 memtable is waiting to be flushed"),
            Self::Memtables { waiting } => write!(f, "{waiting} memtables are waiting to be flushed"),
            Self::L0 { runs, limit } => {
                write!(f, "L0 has {runs} sorted runs waiting to be compacted (writers stop at {limit})")
            }
            Self::CompactionDebt { pending, limit } => write!(
                f,
                "{} MiB are waiting to be compacted (writers stop at {} MiB)",
                pending >> 20,
                limit >> 20
            ),
        }
    }
}

/// What a writer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Go,
    /// Go on after a delay in proportion to the bytes written; see [`Pacer`].
    Delay {
        /// Nanoseconds for each KiB, more than 0 and at most 10,000,000.
        nanos_per_kib: u64,
        /// Why.
        reason: Reason,
    },
    /// Wait until the pressure has changed, then ask again.
    Stop(Reason),
}

/// Decides for one commit group. Pure. Monotone: more of any pressure never makes a writer faster. Of several
/// reasons the tightest one is named; between equal ones flush comes before L0, and L0 before the deep levels.
pub fn decide(pressure: &Pressure) -> Decision {
    let p = pressure;
    let memtables = Reason::Memtables { waiting: p.immutable_memtables };
    let l0 = Reason::L0 { runs: p.l0_runs, limit: p.l0_hard };
    let debt = Reason::CompactionDebt { pending: p.pending_compaction_bytes, limit: p.pending_hard };

    if p.memtable_full && p.immutable_memtables >= p.max_immutables {
        return Decision::Stop(memtables);
    }
    if p.l0_runs >= p.l0_hard {
        return Decision::Stop(l0);
    }
    if p.pending_compaction_bytes >= p.pending_hard {
        return Decision::Stop(debt);
    }

    let fill = if p.memtable_full { 1.0 } else { p.memtable_fill.clamp(0.0, 1.0) };
    let filled = p.immutable_memtables as f64 + fill;
    let max = p.max_immutables as f64;
    let tightness = [
        (tightness(filled, max, max + 1.0), memtables),
        (tightness(p.l0_runs as f64 + filled, p.l0_soft as f64, p.l0_hard as f64), l0),
        (tightness(p.pending_compaction_bytes as f64, p.pending_soft as f64, p.pending_hard as f64), debt),
    ];
    let mut worst = (0.0, memtables);
    for candidate in tightness {
        if candidate.0 > worst.0 {
            worst = candidate;
        }
    }
    match nanos_per_kib(worst.0, p.drain_bytes_per_second) {
        0 => Decision::Go,
        nanos_per_kib => Decision::Delay { nanos_per_kib, reason: worst.1 },
    }
}

/// How far `value` is from the soft to the hard limit, 0 to 1.
fn tightness(value: f64, soft: f64, hard: f64) -> f64 {
    if value <= soft || hard <= soft { 0.0 } else { ((value - soft) / (hard - soft)).min(1.0) }
}

/// The delay at tightness `x`: `x / (1 - x)` of the time the background takes for a KiB.
fn nanos_per_kib(x: f64, drain_bytes_per_second: u64) -> u64 {
    let drain = 1024.0 * 1e9 / drain_bytes_per_second.max(1) as f64;
    // At x = 1 the quotient is infinite, and the cap answers.
    (drain * (x / (1.0 - x))).min(MAX_NANOS_PER_KIB as f64) as u64
}

/// Spreads delays over time with a grain of 1 ms: small writes collect delay until it is worth a wait, and time that
/// passes anyway counts. One a commit queue, used by its leader.
#[derive(Debug, Default)]
pub struct Pacer {
    /// The moment, in nanoseconds of the clock, up to which the writes so far have used the time.
    busy_until: u64,
}

impl Pacer {
    /// The shortest wait.
    const GRAIN: u64 = 1_000_000;
    /// The longest single wait. What is left of a longer delay falls to the writes after it.
    const LONGEST: u64 = 1_000_000_000;

    /// Charges a write of `bytes` bytes at the moment `now_micros` of the clock. `Some`: wait that long (1 ms to 1 s) before
    /// the write, or shorter when the pressure ends sooner.
    pub fn charge(&mut self, nanos_per_kib: u64, bytes: usize, now_micros: u64) -> Option<Duration> {
        let now = now_micros.saturating_mul(1_000);
        let delay = u128::from(nanos_per_kib) * bytes as u128 / 1024;
        let delay = u64::try_from(delay).unwrap_or(u64::MAX);
        self.busy_until = self.busy_until.max(now).saturating_add(delay);
        let wait = self.busy_until - now;
        (wait >= Self::GRAIN).then(|| Duration::from_nanos(wait.min(Self::LONGEST)))
    }

    /// Forgets what is left of earlier delays: the pressure is gone.
    pub fn reset(&mut self) {
        self.busy_until = 0;
    }
}

/// How fast the background drains what users write: a moving average in which the last eight measurements weigh about as much
/// as all before. Any thread may record and read; neither blocks.
#[derive(Debug)]
pub struct DrainRate(AtomicU64);

impl DrainRate {
    /// What is assumed before the first measurement: 64 MiB/s.
    const START: u64 = 64 << 20;
    /// A measurement counts for one part in so many.
    const WEIGHT: u64 = 8;

    /// No measurement yet.
    pub fn new() -> Self {
        Self(AtomicU64::new(Self::START))
    }

    /// Background work took in `bytes` bytes of user data in `micros` µs. Empty measurements are ignored.
    pub fn record(&self, bytes: u64, micros: u64) {
        if bytes == 0 {
            return;
        }
        let rate = u128::from(bytes) * 1_000_000 / u128::from(micros.max(1));
        let rate = u64::try_from(rate).unwrap_or(u64::MAX).clamp(1, 1 << 40);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| {
            Some(old - old / Self::WEIGHT + rate / Self::WEIGHT)
        });
    }

    /// Bytes a second, at least 1.
    pub fn bytes_per_second(&self) -> u64 {
        self.0.load(Ordering::Relaxed).max(1)
    }
}

impl Default for DrainRate {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
