use proptest::prelude::*;

use super::*;

/// Nothing to do: two immutables allowed, L0 10 to 30, debt 1 to 4 GiB, drained at 100 MiB/s.
fn calm() -> Pressure {
    Pressure {
        memtable_full: false,
        memtable_fill: 0.5,
        immutable_memtables: 0,
        max_immutables: 2,
        l0_runs: 0,
        l0_soft: 10,
        l0_hard: 30,
        pending_compaction_bytes: 0,
        pending_soft: 1 << 30,
        pending_hard: 4 << 30,
        drain_bytes_per_second: 100 << 20,
    }
}

/// The decision as a number to compare: `None` stops.
fn delay(pressure: &Pressure) -> Option<u64> {
    match decide(pressure) {
        Decision::Go => Some(0),
        Decision::Delay { nanos_per_kib, .. } => Some(nanos_per_kib),
        Decision::Stop(_) => None,
    }
}

#[test]
fn without_pressure_writes_go() {
    assert_eq!(decide(&calm()), Decision::Go);
    assert_eq!(decide(&Pressure { memtable_full: true, ..calm() }), Decision::Go);
    assert_eq!(decide(&Pressure { immutable_memtables: 2, memtable_fill: 0.0, ..calm() }), Decision::Go);
}

#[test]
fn each_hard_limit_stops_and_says_why() {
    let memtables = Pressure { memtable_full: true, immutable_memtables: 2, ..calm() };
    let l0 = Pressure { l0_runs: 30, ..calm() };
    let debt = Pressure { pending_compaction_bytes: 4 << 30, ..calm() };
    let cases = [
        (memtables, "2 memtables are waiting to be flushed"),
        (l0, "L0 has 30 sorted runs waiting to be compacted (writers stop at 30)"),
        (debt, "4096 MiB are waiting to be compacted (writers stop at 4096 MiB)"),
    ];
    for (pressure, text) in cases {
        match decide(&pressure) {
            Decision::Stop(reason) => assert_eq!(reason.to_string(), text),
            other => panic!("{other:?} for {text}"),
        }
    }
    assert_eq!(Reason::Memtables { waiting: 1 }.to_string(), "1 memtable is waiting to be flushed");
}

#[test]
fn flush_is_named_before_l0_and_l0_before_the_deep_levels() {
    let everything = Pressure {
        memtable_full: true,
        immutable_memtables: 2,
        l0_runs: 30,
        pending_compaction_bytes: 4 << 30,
        ..calm()
    };
    assert!(matches!(decide(&everything), Decision::Stop(Reason::Memtables { waiting: 2 })));
    let no_memtables = Pressure { memtable_full: false, ..everything };
    assert!(matches!(decide(&no_memtables), Decision::Stop(Reason::L0 { .. })));
}

#[test]
fn halfway_writers_go_as_fast_as_the_background() {
    let pressure = Pressure { immutable_memtables: 2, memtable_fill: 0.5, ..calm() };
    // 100 MiB/s are 9,765 ns a KiB.
    let expected = Decision::Delay { nanos_per_kib: 9_765, reason: Reason::Memtables { waiting: 2 } };
    assert_eq!(decide(&pressure), expected);
    let slower = Pressure { drain_bytes_per_second: 1 << 20, ..pressure };
    assert_eq!(delay(&slower), Some(976_562));
}

#[test]
fn the_tightest_reason_is_named() {
    let debt = Pressure { pending_compaction_bytes: 3 << 30, l0_runs: 12, ..calm() };
    assert!(matches!(decide(&debt), Decision::Delay { reason: Reason::CompactionDebt { .. }, .. }));
    let l0 = Pressure { pending_compaction_bytes: 3 << 29, l0_runs: 25, ..calm() };
    assert!(matches!(decide(&l0), Decision::Delay { reason: Reason::L0 { runs: 25, limit: 30 }, .. }));
}

#[test]
fn odd_limits_do_not_break_it() {
    let none =
        Pressure { max_immutables: 0, l0_soft: 5, l0_hard: 5, pending_soft: 9, pending_hard: 9, ..calm() };
    assert!(delay(&none).is_some());
    assert_eq!(
        decide(&Pressure { memtable_full: true, ..none }),
        Decision::Stop(Reason::Memtables { waiting: 0 })
    );
    assert_eq!(delay(&Pressure { l0_runs: 4, max_immutables: 9, ..none }), Some(0));
    for fill in [f64::NAN, -1.0, f64::INFINITY] {
        assert!(delay(&Pressure { memtable_fill: fill, ..calm() }).is_some());
    }
    let stuck = Pressure { drain_bytes_per_second: 0, immutable_memtables: 2, ..calm() };
    assert_eq!(delay(&stuck), Some(MAX_NANOS_PER_KIB));
}

/// Freezing the memtable and flushing it move the pressure from one count to the next, and change no delay.
#[test]
fn rotation_and_flush_make_no_step() {
    let before = Pressure { memtable_fill: 1.0, l0_runs: 15, ..calm() };
    let frozen = Pressure { memtable_fill: 0.0, immutable_memtables: 1, ..before };
    let flushed = Pressure { immutable_memtables: 0, l0_runs: 16, ..frozen };
    assert!(delay(&before) > Some(0));
    assert_eq!(delay(&before), delay(&frozen));
    assert_eq!(delay(&frozen), delay(&flushed));
    let last = Pressure { memtable_fill: 1.0, immutable_memtables: 1, ..calm() };
    let rotated = Pressure { memtable_fill: 0.0, immutable_memtables: 2, ..calm() };
    assert_eq!(delay(&last), delay(&rotated));
}

prop_compose! {
    fn pressures()(
        memtable_full: bool,
        memtable_fill in 0.0..=1.0_f64,
        immutable_memtables in 0_usize..6,
        max_immutables in 1_usize..5,
        l0_runs in 0_usize..45,
        l0_soft in 1_usize..20,
        l0_span in 1_usize..20,
        pending_compaction_bytes in 0_u64..10_000,
        pending_soft in 0_u64..5_000,
        pending_span in 1_u64..5_000,
        drain_bytes_per_second in 1_u64..10_000_000_000,
    ) -> Pressure {
        Pressure {
            memtable_full, memtable_fill, immutable_memtables, max_immutables,
            l0_runs, l0_soft, l0_hard: l0_soft + l0_span,
            pending_compaction_bytes, pending_soft, pending_hard: pending_soft + pending_span,
            drain_bytes_per_second,
        }
    }
}

/// `None` (stop) is the slowest.
fn slowness(pressure: &Pressure) -> u64 {
    delay(pressure).unwrap_or(u64::MAX)
}

proptest! {
    #[test]
    fn more_pressure_never_makes_writers_faster(
        p in pressures(), fill in 0.0..=1.0_f64, immutables in 0_usize..3, runs in 0_usize..10, pending in 0_u64..5_000, drain in 0_u64..1_000_000,
    ) {
        let more = [
            Pressure { memtable_full: true, ..p },
            Pressure { memtable_fill: p.memtable_fill.max(fill), ..p },
            Pressure { immutable_memtables: p.immutable_memtables + immutables, ..p },
            Pressure { l0_runs: p.l0_runs + runs, ..p },
            Pressure { pending_compaction_bytes: p.pending_compaction_bytes + pending, ..p },
            Pressure { drain_bytes_per_second: p.drain_bytes_per_second.saturating_sub(drain), ..p },
        ];
        for worse in more {
            prop_assert!(slowness(&worse) >= slowness(&p), "{worse:?} against {p:?}");
        }
    }

    /// The rate writers get falls with the pressure in a straight line, without a step anywhere on the way.
    #[test]
    fn the_allowed_rate_has_no_steps(p in pressures(), drain in 1_u64 << 20..1 << 32) {
        const STEPS: u64 = 400;
        // Slow enough that rounding to nanoseconds does not show, fast enough to stay below the cap until the end.
        let p = Pressure { memtable_full: false, drain_bytes_per_second: drain, ..p };
        let tick = 1024.0 * 1e9 / drain as f64;
        let share = |p: &Pressure| delay(p).map(|delay| tick / (tick + delay as f64));
        let smooth = |at: &dyn Fn(u64) -> Pressure| {
            (0..STEPS).all(|step| match (share(&at(step)), share(&at(step + 1))) {
                (Some(here), Some(there)) => (here - there).abs() <= 1.1 / STEPS as f64 + 1.0 / tick,
                _ => true,
            })
        };
        let by_fill = smooth(&|step| Pressure { memtable_fill: step as f64 / STEPS as f64, ..p });
        prop_assert!(by_fill);
        let wide = Pressure { pending_soft: 1 << 30, pending_hard: 2 << 30, ..p };
        let by_debt = smooth(&|step| Pressure {
            pending_compaction_bytes: (1 << 30) + ((1 << 30) - 1) * step / STEPS,
            ..wide
        });
        prop_assert!(by_debt);
    }

    #[test]
    fn a_delay_is_within_its_limits(p in pressures()) {
        if let Decision::Delay { nanos_per_kib, .. } = decide(&p) {
            prop_assert!((1..=MAX_NANOS_PER_KIB).contains(&nanos_per_kib));
        }
    }

    /// Over any run of writes the pacer lets through no more than the delay allows, and waits no more than it must.
    #[test]
    fn the_pacer_keeps_the_rate(writes in prop::collection::vec((1_usize..100_000, 0_u64..2_000), 1..200), nanos_per_kib in 1_u64..100_000) {
        let mut pacer = Pacer::default();
        let (mut now, mut owed, mut waited, mut idle) = (5_000_000_u64, 0_u128, 0_u128, 0_u128);
        for (bytes, gap) in writes {
            now += gap;
            idle += u128::from(gap) * 1_000;
            owed += u128::from(nanos_per_kib) * bytes as u128 / 1024;
            if let Some(wait) = pacer.charge(nanos_per_kib, bytes, now) {
                prop_assert!(wait >= Duration::from_millis(1) && wait <= Duration::from_secs(1));
                waited += wait.as_nanos();
                // A real wait is never shorter than asked for.
                now += wait.as_nanos().div_ceil(1_000) as u64;
                idle += 1_000;
            }
            prop_assert!(waited <= owed);
            prop_assert!(waited + idle + 1_000_000 >= owed, "{waited} waited, {idle} idle, {owed} owed");
        }
    }
}

#[test]
fn small_writes_collect_delay_until_it_is_worth_a_wait() {
    let mut pacer = Pacer::default();
    let waits: Vec<_> = (0..10).map(|_| pacer.charge(300_000, 1024, 1_000).is_some()).collect();
    assert_eq!(waits[..4], [false, false, false, true]);
    pacer.reset();
    assert_eq!(pacer.charge(300_000, 1024, 1_000), None);
}

#[test]
fn a_huge_delay_is_split_over_later_writes() {
    let mut pacer = Pacer::default();
    let second = Some(Duration::from_secs(1));
    assert_eq!(pacer.charge(10_000_000, 300 << 10, 0), second);
    assert_eq!(pacer.charge(1, 1, 1_000_000), second);
    assert_eq!(pacer.charge(1, 1, 2_000_000), second);
    assert_eq!(pacer.charge(1, 1, 3_000_000), None);
    assert!(pacer.charge(u64::MAX, usize::MAX, u64::MAX).is_none_or(|wait| wait <= Duration::from_secs(1)));
}

#[test]
fn the_drain_rate_follows_the_measurements() {
    let rate = DrainRate::new();
    assert_eq!(rate.bytes_per_second(), 64 << 20);
    rate.record(0, 1_000_000);
    assert_eq!(rate.bytes_per_second(), 64 << 20);
    for _ in 0..64 {
        rate.record(200 << 20, 1_000_000);
    }
    let settled = rate.bytes_per_second();
    assert!((199 << 20..=200 << 20).contains(&settled), "{settled}");
    rate.record(100 << 20, 1_000_000);
    let after = rate.bytes_per_second();
    assert!(after < settled && after > 180 << 20, "{after}");
    for _ in 0..1_000 {
        rate.record(1, 1_000_000_000);
    }
    assert!(rate.bytes_per_second() >= 1);
    for _ in 0..1_000 {
        rate.record(u64::MAX, 0);
    }
    assert!(rate.bytes_per_second() <= 1 << 40);
}
