//! The picker on random and on telling trees. Tables are merged here by a model without I/O.

use proptest::prelude::*;

use super::*;
use crate::options::{Compression, Options};
use crate::version::{Expiring, LEVELS, TableMeta, TableRef, Version, VersionEdit, hull};

fn options() -> Options {
    Options { memtable_bytes: 1 << 20, table_bytes: 1 << 20, max_tables: 4, ..Options::default() }
}

fn table(number: u64, start: u16, end: u16, size: u64) -> TableMeta {
    TableMeta {
        number,
        size,
        smallest: start.to_be_bytes().into(),
        largest: end.to_be_bytes().into(),
        min_seqno: number,
        max_seqno: number,
        entries: size / 100,
        ..Default::default()
    }
}

fn build(tables: &[(usize, TableMeta)]) -> Version<TableMeta> {
    let edit = VersionEdit { added: tables.to_vec(), ..Default::default() };
    Version::empty().apply(&edit, Clone::clone).unwrap()
}

fn find(version: &Version<TableMeta>, number: u64) -> TableMeta {
    version.tables().find(|t| t.number == number).unwrap().clone()
}

/// The edit of a finished task: inputs spread evenly over outputs of the target size; at the bottom, tombstones go.
fn run(version: &Version<TableMeta>, task: &Task, next: &mut u64) -> VersionEdit {
    let mut edit = VersionEdit::default();
    let mut metas = Vec::new();
    for (level, numbers) in &task.inputs {
        edit.removed.extend(numbers.iter().map(|&n| (*level, n)));
        metas.extend(numbers.iter().map(|&n| find(version, n)));
    }
    if task.is_trivial_move {
        edit.added = metas.into_iter().map(|t| (task.output_level, t)).collect();
        return edit;
    }
    let range = hull(&metas).unwrap();
    let number = |key: &[u8]| key.iter().fold(0u64, |n, &b| n * 256 + u64::from(b));
    let (start, end) = (number(range.start), number(range.end));
    let sum = |field: fn(&TableMeta) -> u64| metas.iter().map(field).sum::<u64>();
    let goes = if task.is_bottommost() { sum(|t| t.tombstones) * 100 } else { 0 };
    let bytes = sum(|t| t.size).saturating_sub(goes).max(100);
    let count = (bytes / task.target_bytes + 1).min(end - start + 1);
    for i in 0..count {
        let lo = start + (end - start + 1) * i / count;
        let hi = start + (end - start + 1) * (i + 1) / count - 1;
        *next += 1;
        let mut meta = table(*next, lo as u16, hi as u16, (bytes / count).max(1));
        meta.max_seqno = sum(|t| t.max_seqno).min(metas.iter().map(|t| t.max_seqno).max().unwrap());
        meta.min_seqno = metas.iter().map(|t| t.min_seqno).min().unwrap();
        meta.tombstones = if task.is_bottommost() { 0 } else { sum(|t| t.tombstones) / count };
        edit.added.push((task.output_level, meta));
    }
    edit
}

/// What must hold of any task at the moment it is picked.
fn check(version: &Version<TableMeta>, task: &Task, busy: &InFlight) {
    let range = task.range.bounds();
    for (level, numbers) in &task.inputs {
        for &n in numbers {
            assert!(!busy.has(n), "table {n} is taken twice");
            let meta =
                version.level(*level).iter().find(|t| t.number == n).expect("an input is in its level");
            assert_eq!(meta.bounds().join(&range), range, "the range holds every input");
        }
    }
    let taken = |n: u64| task.numbers().any(|m| m == n);
    let inputs: Vec<_> = task.numbers().map(|n| find(version, n)).collect();
    if task.output_level > 0 && !task.is_trivial_move {
        for t in version.overlapping(task.output_level, range) {
            assert!(taken(t.number), "{task}: table {} of the output level is left out", t.number);
        }
    }
    for (at, t) in version.level(0).iter().enumerate() {
        let older = version.level(0)[at + 1..].iter();
        for old in
            older.filter(|old| taken(t.number) && task.output_level > 0 && old.bounds().overlaps(&t.bounds()))
        {
            assert!(taken(old.number), "{task}: older table {} stays above newer {}", old.number, t.number);
        }
    }
    let from = task.inputs[0].0;
    for level in from + 1..task.output_level {
        assert!(
            inputs.iter().all(|t| version.overlapping(level, t.bounds()).count() == 0),
            "{task}: jumps over data"
        );
    }
    for input in &inputs {
        let deeper =
            (task.output_level + 1..LEVELS).flat_map(|level| version.overlapping(level, input.bounds()));
        for t in deeper.filter(|t| t.meta().number != input.number) {
            assert!(task.below.overlaps(&t.bounds()), "{task}: what lies below is known");
        }
    }
}

/// Runs everything that is due, one task after another.
fn settle(
    mut version: Version<TableMeta>,
    next: &mut u64,
    options: &Options,
) -> (Version<TableMeta>, Vec<Task>) {
    let mut tasks = Vec::new();
    let busy = InFlight::new();
    while let Some(task) = pick(&version, options, &busy) {
        check(&version, &task, &busy);
        version = version.apply(&run(&version, &task, next), Clone::clone).unwrap();
        tasks.push(task);
        assert!(tasks.len() < 10_000, "compaction does not end");
    }
    (version, tasks)
}

#[test]
fn few_tables_are_left_alone() {
    let version = build(&[(0, table(1, 0, 900, 1 << 20)), (0, table(2, 0, 900, 1 << 20))]);
    assert_eq!(pick(&version, &options(), &InFlight::new()), None);
    assert_eq!(pick(&Version::<TableMeta>::empty(), &options(), &InFlight::new()), None);
}

#[test]
fn tables_that_overlap_nothing_are_moved_and_not_written_again() {
    let tables: Vec<_> =
        (1..=4).map(|n| (0, table(n, n as u16 * 100, n as u16 * 100 + 99, 1 << 20))).collect();
    let task = pick(&build(&tables), &options(), &InFlight::new()).unwrap();
    assert!(task.is_trivial_move);
    assert_eq!((task.output_level, task.numbers().count()), (6, 4));
}

#[test]
fn a_requested_compaction_writes_again_what_the_new_level_compresses_otherwise() {
    let version = build(&[(0, table(1, 0, 99, 1 << 20))]);
    let busy = InFlight::new();
    let requested = |options: &Options| match pick_range(&version, options, &busy, None, u64::MAX) {
        RangePick::Run(task) => task.is_trivial_move,
        pick => panic!("{pick:?}"),
    };
    assert!(!requested(&options()));
    assert!(requested(&Options { compression: vec![Compression::Lz4], ..options() }));
}

#[test]
fn l0_goes_to_the_base_level_with_all_it_overlaps() {
    let mut tables: Vec<_> = (1..=4).map(|n| (0, table(n, 0, 500, 1 << 20))).collect();
    tables.extend([
        (6, table(10, 0, 200, 1 << 20)),
        (6, table(11, 400, 700, 1 << 20)),
        (6, table(12, 800, 900, 9)),
    ]);
    let task = pick(&build(&tables), &options(), &InFlight::new()).unwrap();
    assert_eq!(task.inputs, [(0, vec![4, 3, 2, 1]), (6, vec![10, 11])]);
    assert!(task.is_bottommost() && !task.is_trivial_move);
    assert_eq!(
        task.to_string(),
        "4 tables of L0, 2 tables of L6, 6291456 bytes, merged to L6 (too many tables in L0)"
    );
}

#[test]
fn l0_merges_within_itself_while_the_base_level_is_busy() {
    let mut tables: Vec<_> = (1..=4).map(|n| (0, table(n, 0, 500, 1 << 20))).collect();
    let version = build(&tables);
    let mut busy = InFlight::new();
    let first = pick(&version, &options(), &busy).unwrap();
    busy.begin(&first);
    assert_eq!(pick(&version, &options(), &busy), None);
    tables.extend((5..=8).map(|n| (0, table(n, 0, 500, 1 << 20))));
    let version = build(&tables);
    let second = pick(&version, &options(), &busy).unwrap();
    assert_eq!((second.reason, second.output_level), (Reason::IntraL0, 0));
    assert_eq!(second.inputs, [(0, vec![8, 7, 6, 5])]);
    assert!(!second.is_bottommost(), "the older L0 tables lie below");
    busy.begin(&second);
    busy.end(&first);
    assert!(!busy.writes(1, 6, &first.range.bounds()));
    busy.end(&second);
    assert!(busy.is_empty());
}

#[test]
fn nothing_new_is_put_below_what_a_running_task_writes() {
    // The running task writes the keys to L5; then the base level sinks to L6.
    let version = build(&[
        (0, table(1, 0, 500, 1 << 20)),
        (5, table(2, 0, 500, 1 << 20)),
        (6, table(9, 0, 900, 30 << 20)),
    ]);
    let mut busy = InFlight::new();
    let running =
        picker::Picker::new(&version, &options(), &busy).l0_task(Reason::L0Tables, |_| true).unwrap();
    assert_eq!(running.output_level, 5);
    busy.begin(&running);
    let tables: Vec<_> = (3..=6).map(|n| (0, table(n, 0, 500, 1 << 20))).collect();
    let next = pick(&build(&tables), &options(), &busy).unwrap();
    assert_eq!(next.reason, Reason::IntraL0);
}

#[test]
fn a_level_over_its_target_gives_up_what_costs_least() {
    let mut tables: Vec<_> =
        (0..10).map(|n| (6, table(n, n as u16 * 100, n as u16 * 100 + 99, 8 << 20))).collect();
    tables.extend([(5, table(20, 0, 499, 5 << 20)), (5, table(21, 510, 520, 5 << 20))]);
    let task = pick(&build(&tables), &options(), &InFlight::new()).unwrap();
    assert_eq!(task.reason, Reason::LevelSize);
    assert_eq!(task.inputs, [(5, vec![21]), (6, vec![5])]);
}

#[test]
fn tables_of_tombstones_go_to_the_bottom_and_vanish() {
    let dense = |t: TableMeta| TableMeta { tombstones: t.entries * 3 / 4, ..t };
    let tables = [
        (0, dense(table(9, 0, 90, 1 << 20))),
        (5, table(2, 0, 500, 1 << 20)),
        (6, table(1, 0, 900, 80 << 20)),
    ];
    let mut next = 100;
    let (after, tasks) = settle(build(&tables), &mut next, &options());
    assert!(!tasks.is_empty() && tasks.iter().all(|t| t.reason == Reason::Tombstones));
    assert_eq!(after.tables().filter(|t| t.tombstones > 0 && t.tombstones * 2 >= t.entries).count(), 0);
    // A snapshot that still needs them makes it pointless.
    let mut busy = InFlight::new();
    busy.set_oldest_snapshot(Some(8));
    assert_eq!(pick(&build(&tables), &options(), &busy), None);
    busy.set_oldest_snapshot(Some(9));
    assert!(pick(&build(&tables), &options(), &busy).is_some());
    // Alone at the bottom it is written again, not moved.
    let task = pick(&build(&[(0, dense(table(9, 0, 90, 1 << 20)))]), &options(), &InFlight::new()).unwrap();
    assert!(!task.is_trivial_move && task.is_bottommost());
    let task = pick(&build(&[(6, dense(table(9, 0, 90, 1 << 20)))]), &options(), &InFlight::new()).unwrap();
    assert_eq!((task.inputs.as_slice(), task.output_level), (&[(6, vec![9])][..], 6));
}

#[test]
fn tables_of_expired_values_are_written_again_once_they_are_expired() {
    let ends = |first, last| Expiring { count: 9, first, last };
    let expiring = |expiring| TableMeta { entries: 10, expiring, ..table(9, 0, 90, 1 << 20) };
    let picked = |meta: TableMeta, now| {
        let mut busy = InFlight::new();
        busy.set_now(now);
        let version = build(&[(6, meta)]);
        let asked = matches!(pick_range(&version, &options(), &busy, None, u64::MAX), RangePick::Run(_));
        (pick(&version, &options(), &busy).is_some(), asked)
    };
    assert_eq!(picked(expiring(ends(100, 100)), 99), (false, false));
    assert_eq!(picked(expiring(ends(100, 100)), 100), (true, true));
    assert_eq!(
        picked(expiring(ends(100, 200)), 120),
        (false, true),
        "a fifth is worth it only when asked for"
    );
    assert_eq!(picked(expiring(ends(100, 200)), 170), (true, true));
}

#[test]
fn tiny_tables_are_merged_in_l0_before_they_touch_a_large_base_level() {
    let mut tables: Vec<_> = (1..=6).map(|n| (0, table(n, 0, 500, 1_000))).collect();
    tables.push((6, table(10, 0, 900, 3 << 20)));
    let task = pick(&build(&tables), &options(), &InFlight::new()).unwrap();
    assert_eq!((task.reason, task.numbers().count(), task.target_bytes), (Reason::IntraL0, 6, u64::MAX));
}

#[test]
fn the_shape_follows_the_data_and_a_level_does_not_flutter() {
    let options = options();
    let shape = |bytes: u64, upper: u64| {
        let mut tables = vec![(6, table(1, 0, 900, bytes))];
        tables.extend((upper > 0).then(|| (5, table(2, 0, 900, upper))));
        Shape::of(&build(&tables), &options)
    };
    assert_eq!(Shape::of(&Version::<TableMeta>::empty(), &options).base, 6);
    assert_eq!(shape(4 << 20, 0).base, 6);
    assert_eq!((shape(5 << 20, 0).base, shape(5 << 20, 0).targets[5]), (5, 4 << 20));
    assert_eq!((shape(100 << 20, 0).base, shape(100 << 20, 0).targets[5]), (4, 10 << 20));
    assert_eq!(shape(3 << 20, 1).base, 5, "kept for a while");
    assert_eq!((shape(1 << 20, 1).base, shape(1 << 20, 1).targets[5]), (6, 0));
    let small = build(&[(6, table(1, 0, 900, 1 << 20)), (5, table(2, 0, 900, 1))]);
    assert_eq!(pick(&small, &options, &InFlight::new()).unwrap().reason, Reason::Drain);
}

#[test]
fn a_requested_range_ends_at_the_bottom_without_tombstones() {
    let mut tables = vec![
        (0, table(20, 0, 90, 1 << 20)),
        (4, TableMeta { tombstones: 3, ..table(12, 40, 300, 1 << 20) }),
        (5, table(11, 0, 500, 1 << 20)),
        (6, table(1, 0, 400, 50 << 20)),
        (6, table(2, 500, 900, 50 << 20)),
        (5, table(13, 600, 700, 1 << 20)),
    ];
    tables[4].1.tombstones = 9;
    let (mut version, mut next, mut steps) = (build(&tables), 100, 0);
    let (start, end) = (0u16.to_be_bytes(), 100u16.to_be_bytes());
    let range = Bounds::inclusive(&start, &end);
    loop {
        let mut busy = InFlight::new();
        match pick_range(&version, &options(), &busy, Some(range), u64::MAX) {
            RangePick::Run(task) => {
                check(&version, &task, &busy);
                busy.begin(&task);
                let again = pick_range(&version, &options(), &busy, Some(range), u64::MAX);
                assert_ne!(again, RangePick::Done);
                version = version.apply(&run(&version, &task, &mut next), Clone::clone).unwrap();
            }
            other => break assert_eq!(other, RangePick::Done),
        }
        steps += 1;
        assert!(steps < 20);
    }
    for level in 0..6 {
        assert_eq!(version.overlapping(level, range).count(), 0, "level {level}");
    }
    assert_eq!(find(&version, 13), tables[5].1, "what lies outside the range stays");
    assert!(version.level(5).iter().any(|t| t.number == 13));
    let newer = build(&[(0, table(20, 0, 90, 1 << 20))]);
    assert_eq!(pick_range(&newer, &options(), &InFlight::new(), None, 19), RangePick::Done);
}

#[derive(Debug, Clone)]
enum Event {
    Flush { start: u16, width: u16, size: u64, tombstones: bool },
    Start,
    Finish(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let flush = (0u16..900, 0u16..1_000, 1u64..3_000_000, prop::bool::weighted(0.2))
        .prop_map(|(start, width, size, tombstones)| Event::Flush { start, width, size, tombstones });
    prop::collection::vec(
        prop_oneof![4 => flush, 3 => Just(Event::Start), 2 => (0usize..4).prop_map(Event::Finish)],
        0..150,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn parallel_tasks_never_meet_and_everything_settles(events in events()) {
        let options = options();
        let (mut version, mut next) = (Version::<TableMeta>::empty(), 0);
        let mut busy = InFlight::new();
        let mut running: Vec<Task> = Vec::new();
        for event in events {
            match event {
                Event::Flush { start, width, size, tombstones } => {
                    next += 1;
                    let mut meta = table(next, start, start + width, size);
                    meta.tombstones = if tombstones { meta.entries } else { 0 };
                    let edit = VersionEdit { added: vec![(0, meta)], ..Default::default() };
                    version = version.apply(&edit, Clone::clone).unwrap();
                }
                Event::Start => {
                    if let Some(task) = pick(&version, &options, &busy) {
                        check(&version, &task, &busy);
                        busy.begin(&task);
                        running.push(task);
                    }
                }
                Event::Finish(which) if which < running.len() => {
                    let task = running.swap_remove(which);
                    let edit = run(&version, &task, &mut next);
                    version = version.apply(&edit, Clone::clone).expect("a finished task still fits");
                    busy.end(&task);
                }
                Event::Finish(_) => {}
            }
        }
        for task in running.drain(..) {
            version = version.apply(&run(&version, &task, &mut next), Clone::clone).unwrap();
            busy.end(&task);
        }
        prop_assert!(busy.is_empty());
        let bytes: u64 = version.tables().map(|t| t.size).sum();
        let (version, _) = settle(version, &mut next, &options);
        prop_assert!(version.tables().map(|t| t.size).sum::<u64>() <= bytes + 100_000);
        let shape = Shape::of(&version, &options);
        prop_assert!(version.level(0).len() < options.max_tables);
        for level in 1..LEVELS {
            prop_assert!(version.level_bytes(level) <= shape.targets[level], "level {} after settling", level);
        }
        prop_assert!(!version.tables().any(|t| t.tombstones > 0 && t.tombstones * 2 >= t.entries));
    }
}
