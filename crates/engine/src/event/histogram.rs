//! Durations (or any numbers) in logarithmic buckets, after HdrHistogram: 32 buckets an octave, so that a
//! percentile is at most 1/32 (3.2 %) above the exact one. Numbers below 32 are exact.
//!
//! ```text
//! value          0 .. 31   32 .. 63   64 .. 127   128 .. 255   ...   2^63 ..
//! bucket width      1          1          2            4       ...     2^58
//! ```

use std::fmt;

use crate::sync::{AtomicU64, Ordering};

/// Bits of precision below the leading one.
const BITS: u32 = 5;
const PER_OCTAVE: usize = 1 << BITS;
const BUCKETS: usize = PER_OCTAVE * (64 - BITS as usize + 1);

/// A histogram of `u64` values. 15 KiB. Recording is three relaxed atomic operations, without a lock.
pub struct Histogram {
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
    max: AtomicU64,
}

/// What a [`Histogram`] says. Percentiles are at most 3.2 % above the exact ones, and never above `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// How many values were recorded.
    pub count: u64,
    /// The mean, rounded down.
    pub mean: u64,
    /// Half of the values are at most this.
    pub p50: u64,
    /// 99 % of the values are at most this.
    pub p99: u64,
    /// 99.9 % of the values are at most this.
    pub p999: u64,
    /// The largest value, exactly.
    pub max: u64,
}

impl Histogram {
    /// An empty histogram.
    pub fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
            max: AtomicU64::new(0),
        }
    }

    /// Counts one value.
    pub fn record(&self, value: u64) {
        if let Some(bucket) = self.buckets.get(bucket_of(value)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
        self.max.fetch_max(value, Ordering::Relaxed);
    }

    /// Counts, mean and percentiles of what was recorded so far. Costs a walk over all buckets (about 1 µs).
    pub fn summary(&self) -> Summary {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let count: u64 = counts.iter().sum();
        let max = self.max.load(Ordering::Relaxed);
        let at = |per_mille: u64| percentile(&counts, count, per_mille).min(max);
        Summary {
            count,
            mean: self.sum.load(Ordering::Relaxed).checked_div(count).unwrap_or(0),
            p50: at(500),
            p99: at(990),
            p999: at(999),
            max,
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary().fmt(f)
    }
}

/// The upper end of the bucket in which the `per_mille`-th thousandth of `count` values lies.
fn percentile(counts: &[u64], count: u64, per_mille: u64) -> u64 {
    let rank = (u128::from(count) * u128::from(per_mille)).div_ceil(1_000);
    let mut seen = 0;
    for (bucket, here) in counts.iter().enumerate() {
        seen += u128::from(*here);
        if seen >= rank && *here > 0 {
            return upper_end(bucket);
        }
    }
    0
}

/// The bucket of `value`.
pub(super) fn bucket_of(value: u64) -> usize {
    let octave = (64 - value.leading_zeros()).saturating_sub(BITS + 1);
    let within = (value >> octave) as usize;
    octave as usize * PER_OCTAVE + within
}

/// The largest value that falls into `bucket`.
pub(super) fn upper_end(bucket: usize) -> u64 {
    let octave = (bucket / PER_OCTAVE).saturating_sub(1);
    let within = (bucket - octave * PER_OCTAVE) as u64;
    (within << octave) + ((1 << octave) - 1)
}
