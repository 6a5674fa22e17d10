//! Iterators over frozen states, walked both ways, while writers overwrite and clear everything and flushes and compactions
//! replace the tables below them. Real disk, real threads.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::ops::Bound;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use mosskv::{Engine, IterOptions, Options, WriteBatch};
use mosskv_check::alarm::Alarm;
use mosskv_check::random::Random;
use mosskv_check::stamped::{Stamps, key, value};
use mosskv_check::walk::{both_ways, walk};

const KEYS: u64 = 3_000;
const WRITERS: u64 = 2;
const READERS: u64 = 3;

fn options() -> Options {
    Options {
        memtable_bytes: 64 << 10,
        table_bytes: 64 << 10,
        max_tables: 3,
        block_bytes: 1 << 10,
        cache_bytes: 256 << 10,
        compaction_threads: Some(2),
        ..Options::default()
    }
}

/// Puts, deletes and clears at random; the lock makes the order of the model that of the engine.
fn write(engine: &Engine, model: &Mutex<Stamps>, stamp: u64, random: &mut Random) {
    let mut now = model.lock().unwrap();
    let mut batch = WriteBatch::new();
    if random.one_in(60) {
        let start = random.below(KEYS);
        let end = start + 1 + random.below(200);
        batch.delete_range(&key(start), &key(end)).unwrap();
        now.retain(|i, _| *i < start || *i >= end);
    }
    for _ in 0..1 + random.below(12) {
        let i = random.below(KEYS);
        if random.one_in(8) {
            batch.delete(&key(i)).unwrap();
            now.remove(&i);
        } else {
            batch.put(&key(i), &value(i, stamp)).unwrap();
            now.insert(i, stamp);
        }
    }
    engine.write(batch, None).unwrap();
}

/// An iterator over all keys or some, and what it must show.
fn open(engine: &Engine, model: &Mutex<Stamps>, random: &mut Random) -> (mosskv::Iter, Stamps) {
    let (a, b) = (random.below(KEYS), random.below(KEYS));
    let (start, end) = if random.one_in(3) { (0, u64::MAX) } else { (a.min(b), a.max(b)) };
    let mut options = IterOptions::default();
    if end < u64::MAX {
        (options.lower, options.upper) = (Bound::Included(key(start)), Bound::Excluded(key(end)));
    }
    let now = model.lock().unwrap();
    let iter = engine.iter(&options).unwrap();
    (iter, now.range(start..end).map(|(i, stamp)| (*i, *stamp)).collect())
}

/// Whether enough was flushed and compacted to mean something.
fn is_busy(engine: &Engine) -> bool {
    let counters = engine.stats().counters;
    counters.flushes > 10 && counters.compactions > 10
}

#[test]
fn an_iterator_shows_the_moment_it_was_opened_whatever_is_flushed_and_compacted() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path(), options()).unwrap();
    let (model, done) = (Mutex::new(Stamps::new()), AtomicBool::new(false));
    let walked = thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (engine, model, done) = (&engine, &model, &done);
            scope.spawn(move || {
                let _alarm = Alarm(done);
                let (mut random, mut stamp) = (Random::new(writer), writer + 1);
                while !done.load(Ordering::Relaxed) {
                    write(engine, model, stamp, &mut random);
                    stamp += WRITERS;
                }
            });
        }
        scope.spawn(|| {
            let _alarm = Alarm(&done);
            let mut random = Random::new(99);
            while !done.load(Ordering::Relaxed) {
                let start = random.below(KEYS);
                match random.below(3) {
                    0 => engine.flush().unwrap(),
                    1 => engine.compact(Some((&key(start), &key(start + 500)))).unwrap(),
                    _ => engine.compact(None).unwrap(),
                }
            }
        });
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let (engine, model, done) = (&engine, &model, &done);
                scope.spawn(move || {
                    let mut random = Random::new(1_000 + reader);
                    let mut open_iters = Vec::new();
                    let mut round = 0;
                    while !done.load(Ordering::Relaxed) && (round < 60 || !is_busy(engine)) {
                        open_iters.push(open(engine, model, &mut random));
                        let chosen = random.below(open_iters.len() as u64) as usize;
                        let (iter, then) = &mut open_iters[chosen];
                        let outcome = match random.one_in(6) {
                            true => both_ways(iter, then),
                            false => walk(iter, then, 300, &mut random),
                        };
                        outcome.unwrap_or_else(|wrong| {
                            panic!("reader {reader}, round {round}, iterator {chosen}: {wrong}")
                        });
                        round += 1;
                        if open_iters.len() > 12 {
                            let oldest = random.below(12) as usize;
                            open_iters.swap_remove(oldest);
                        }
                    }
                    round
                })
            })
            .collect();
        let walked: Vec<_> = readers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        // Also when a reader found something: or the others would never end.
        done.store(true, Ordering::Relaxed);
        walked.into_iter().map(Result::unwrap).sum::<u64>()
    });
    assert!(walked >= 60 * READERS && is_busy(&engine), "{walked} walks, {:?}", engine.stats());
    both_ways(&mut engine.iter(&IterOptions::default()).unwrap(), &model.into_inner().unwrap()).unwrap();
}
