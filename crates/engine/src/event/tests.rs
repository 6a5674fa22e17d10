use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::histogram::{bucket_of, upper_end};
use super::*;
use crate::sync::Mutex;

#[test]
fn a_manual_clock_moves_only_when_told() {
    let clock = Clock::manual();
    let other = clock.clone();
    assert_eq!((clock.micros(), clock.unix_millis()), (0, 1_700_000_000_000));
    other.advance(Duration::from_millis(1_500));
    assert_eq!((clock.micros(), clock.unix_millis()), (1_500_000, 1_700_000_001_500));
    assert_eq!(Clock::manual().micros(), 0);
}

#[test]
fn the_system_clock_goes_forward_by_itself() {
    let clock = Clock::system();
    let start = clock.micros();
    while clock.micros() == start {
        std::hint::spin_loop();
    }
    assert!(clock.micros() > start);
    assert!(clock.unix_millis() > 1_700_000_000_000);
    clock.advance(Duration::from_secs(1_000_000));
    assert!(clock.micros() < 1_000_000_000_000, "the machine's clock cannot be moved");
}

#[test]
fn no_count_is_lost_between_threads() {
    let counters = Counters::default();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    counters.user_ops.add(1);
                    counters.user_bytes.add(3);
                }
            });
        }
    });
    let expected = CounterValues { user_ops: 20_000, user_bytes: 60_000, ..Default::default() };
    assert_eq!(counters.values(), expected);
}

#[test]
fn each_counter_has_its_own_place() {
    let counters = Counters::default();
    counters.flushes.add(1);
    counters.stalls.add(2);
    counters.syncs.add(4);
    counters.groups.add(8);
    let expected = CounterValues { flushes: 1, stalls: 2, syncs: 4, groups: 8, ..Default::default() };
    assert_eq!(counters.values(), expected);
}

#[test]
fn write_amplification_counts_all_writes_per_user_byte() {
    assert_eq!(CounterValues::default().write_amplification(), 0.0);
    let values = CounterValues {
        user_bytes: 100,
        wal_bytes: 110,
        flushed_bytes: 90,
        compacted_bytes_read: 999,
        compacted_bytes_written: 200,
        ..Default::default()
    };
    assert_eq!(values.write_amplification(), 4.0);
}

#[test]
fn an_empty_histogram_says_zero() {
    assert_eq!(Histogram::new().summary(), Summary::default());
}

#[test]
fn a_histogram_of_a_thousand_values() {
    let histogram = Histogram::new();
    for value in 1..=1_000 {
        histogram.record(value);
    }
    let summary = histogram.summary();
    assert_eq!((summary.count, summary.mean, summary.max), (1_000, 500, 1_000));
    assert!((500..=516).contains(&summary.p50), "{summary:?}");
    assert!((990..=1_000).contains(&summary.p99), "{summary:?}");
    assert!((999..=1_000).contains(&summary.p999), "{summary:?}");
}

#[test]
fn the_extremes_have_buckets() {
    assert_eq!(bucket_of(0), 0);
    assert_eq!(upper_end(bucket_of(u64::MAX)), u64::MAX);
    let histogram = Histogram::new();
    histogram.record(u64::MAX);
    assert_eq!(histogram.summary().p50, u64::MAX);
}

proptest! {
    #[test]
    fn a_value_is_in_its_bucket_and_the_bucket_is_narrow(value: u64, shift in 0_u32..64) {
        let value = value >> shift;
        let bucket = bucket_of(value);
        let end = upper_end(bucket);
        prop_assert!(end >= value);
        prop_assert!(end - value <= value / 32);
        prop_assert!(bucket == 0 || upper_end(bucket - 1) < value);
    }

    #[test]
    fn percentiles_are_close_above_the_exact_ones(mut values in prop::collection::vec(0_u64..1_000_000, 1..300)) {
        let histogram = Histogram::new();
        values.iter().for_each(|value| histogram.record(*value));
        values.sort_unstable();
        let exact = |per_mille: usize| values[(values.len() * per_mille).div_ceil(1_000).max(1) - 1];
        let summary = histogram.summary();
        for (shown, per_mille) in [(summary.p50, 500), (summary.p99, 990), (summary.p999, 999)] {
            let exact = exact(per_mille);
            prop_assert!(shown >= exact && shown - exact <= exact / 32, "{shown} for {exact}");
        }
        prop_assert_eq!(summary.max, *values.last().unwrap());
    }
}

#[test]
fn events_reach_the_listener_and_its_panics_do_not_reach_us() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let events = Events::new(Some(Arc::new({
        let heard = Arc::clone(&heard);
        move |event: &Event| {
            heard.lock().push(format!("{event:?}"));
            panic!("in the listener");
        }
    })));
    events.emit(|| Event::Close);
    events.clone().emit(|| Event::TableDeleted { table: 7 });
    assert_eq!(*heard.lock(), ["Close", "TableDeleted { table: 7 }"]);
}

#[test]
fn without_a_listener_no_event_is_made() {
    Events::default().emit(|| unreachable!());
}
