//! Snapshots taken at random under a load that is flushed and compacted all the time: each shows its moment until it is
//! dropped.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use mosskv::{Engine, IterOptions, Options, ReadOptions, Snapshot, WriteBatch};
use mosskv_check::alarm::Alarm;
use mosskv_check::random::Random;
use mosskv_check::stamped::{Stamps, key, stamp_of, value};
use mosskv_check::walk::{both_ways, walk};

const KEYS: u64 = 2_000;

fn options() -> Options {
    Options {
        memtable_bytes: 64 << 10,
        table_bytes: 64 << 10,
        max_tables: 2,
        block_bytes: 1 << 10,
        compaction_threads: Some(2),
        ..Options::default()
    }
}

fn write(engine: &Engine, model: &Mutex<Stamps>, stamp: u64, random: &mut Random) {
    let mut now = model.lock().unwrap();
    let mut batch = WriteBatch::new();
    for _ in 0..10 {
        let i = random.below(KEYS);
        match random.below(30) {
            0 => {
                let end = i + 1 + random.below(100);
                batch.delete_range(&key(i), &key(end)).unwrap();
                now.retain(|j, _| *j < i || *j >= end);
            }
            1..4 => {
                batch.delete(&key(i)).unwrap();
                now.remove(&i);
            }
            _ => {
                batch.put(&key(i), &value(i, stamp)).unwrap();
                now.insert(i, stamp);
            }
        }
    }
    engine.write(batch, None).unwrap();
}

fn check(engine: &Engine, snapshot: &Snapshot, then: &Stamps, random: &mut Random) -> Result<(), String> {
    let read = ReadOptions { snapshot: Some(snapshot), ..ReadOptions::default() };
    for _ in 0..50 {
        let i = random.below(KEYS);
        let found = engine.get_with(key(i), &read, |bytes| stamp_of(i, bytes)).unwrap();
        if found != then.get(&i).map(|stamp| Some(*stamp)) {
            return Err(format!("key {i} is {found:?} instead of {:?}", then.get(&i)));
        }
    }
    let options = IterOptions { snapshot: Some(snapshot.clone()), ..IterOptions::default() };
    let mut iter = engine.iter(&options).unwrap();
    if random.one_in(4) { both_ways(&mut iter, then) } else { walk(&mut iter, then, 200, random) }
}

/// Whether enough was flushed and compacted to mean something.
fn is_busy(engine: &Engine) -> bool {
    let counters = engine.stats().counters;
    counters.flushes > 10 && counters.compactions > 20
}

#[test]
fn a_snapshot_shows_its_moment_through_any_compaction() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path(), options()).unwrap();
    let (model, done) = (Mutex::new(Stamps::new()), AtomicBool::new(false));
    let mut kept = vec![(engine.snapshot(), Stamps::new())];
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            let _alarm = Alarm(&done);
            let (mut random, mut stamp) = (Random::new(5), 1);
            while !done.load(Ordering::Relaxed) {
                write(&engine, &model, stamp, &mut random);
                stamp += 1;
            }
        });
        scope.spawn(|| {
            let _alarm = Alarm(&done);
            while !done.load(Ordering::Relaxed) {
                engine.compact(None).unwrap();
            }
        });
        let mut random = Random::new(6);
        let mut round = || {
            let now = model.lock().unwrap();
            kept.push((engine.snapshot(), now.clone()));
            drop(now);
            let (snapshot, then) = &kept[random.below(kept.len() as u64) as usize];
            check(&engine, snapshot, then, &mut random).map_err(|wrong| format!("{snapshot:?}: {wrong}"))?;
            // The one of the empty database stays.
            if kept.len() > 15 {
                kept.swap_remove(1 + random.below(14) as usize);
            }
            Ok::<(), String>(())
        };
        let (mut rounds, mut outcome) = (0, Ok(()));
        while outcome.is_ok() && !done.load(Ordering::Relaxed) && (rounds < 50 || !is_busy(&engine)) {
            outcome = round();
            rounds += 1;
        }
        done.store(true, Ordering::Relaxed);
        outcome
    });
    outcome.unwrap();
    engine.compact(None).unwrap();
    assert!(is_busy(&engine), "{:?}", engine.stats());
    for (snapshot, then) in &kept {
        check(&engine, snapshot, then, &mut Random::new(7)).unwrap();
    }
}

#[test]
fn what_dropped_snapshots_held_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path(), options()).unwrap();
    let fill = |stamp| {
        for i in 0..KEYS {
            engine.put(key(i), value(i, stamp)).unwrap();
        }
    };
    let entries = || engine.stats().levels.iter().map(|level| level.entries).sum::<u64>();
    let bytes = || engine.stats().levels.iter().map(|level| level.bytes).sum::<u64>();
    fill(1);
    engine.compact(None).unwrap();
    let once = bytes();
    let first = engine.snapshot();
    fill(2);
    let second = engine.snapshot();
    engine.delete_range(key(0), key(KEYS)).unwrap();
    fill(3);
    engine.compact(None).unwrap();
    assert_eq!(entries(), 3 * KEYS, "somebody may read every version");
    drop((first, second));
    engine.compact(None).unwrap();
    assert_eq!(entries(), KEYS, "nobody can read any version but the newest");
    assert!(bytes() < once * 3 / 2, "{} bytes, {once} before", bytes());
    drop(engine);
    assert!(Engine::verify(dir.path()).unwrap().problems.is_empty());
}
