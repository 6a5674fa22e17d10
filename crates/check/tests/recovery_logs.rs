//! Kills with several logs alive: memtables that were frozen and not yet flushed, cursors that were open on them while they
//! grew, many versions of few keys. What is recovered, flushed and compacted must be the prefix that was acknowledged.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use mosskv::fs::Fs;
use mosskv::fs::sim::SimFs;
use mosskv::{Engine, Environment, IterOptions, Options, WriteBatch};
use mosskv_check::random::Random;
use mosskv_check::stamped::{Stamps, key, value};
use mosskv_check::walk::both_ways;

fn open(disk: &SimFs) -> Engine {
    let options =
        Options { memtable_bytes: 64 << 10, table_bytes: 64 << 10, max_tables: 3, ..Options::default() };
    let environment = Environment { fs: Arc::new(disk.clone()), ..Environment::default() };
    Engine::open_with("db", options, environment).unwrap()
}

fn logs(disk: &SimFs) -> usize {
    let names = disk.open_dir(Path::new("db"), false).unwrap().list().unwrap();
    names.iter().filter(|name| name.ends_with(".wal")).count()
}

fn check(disk: &SimFs, model: &Stamps, what: &str) {
    let engine = open(disk);
    let read = || both_ways(&mut engine.iter(&IterOptions::default()).unwrap(), model);
    read().unwrap_or_else(|wrong| panic!("{what}, recovered: {wrong}"));
    engine.compact(None).unwrap_or_else(|error| panic!("{what}: {error:?}"));
    read().unwrap_or_else(|wrong| panic!("{what}, compacted: {wrong}"));
    engine.close().unwrap();
}

/// A batch that fills a good part of a memtable; most of it are versions of the same few keys.
fn write(engine: &Engine, model: &mut Stamps, stamp: u64, random: &mut Random) {
    let mut batch = WriteBatch::new();
    for _ in 0..60 {
        let i = if random.one_in(3) { random.below(2_000) } else { random.below(5) };
        match random.below(20) {
            0 => {
                batch.delete_range(&key(i), &key(i + 40)).unwrap();
                model.retain(|j, _| *j < i || *j >= i + 40);
            }
            1 => {
                batch.delete(&key(i)).unwrap();
                model.remove(&i);
            }
            _ => {
                batch.put(&key(i), &value(i, stamp)).unwrap();
                model.insert(i, stamp);
            }
        }
    }
    engine.write(batch, None).unwrap();
}

#[test]
fn several_logs_are_recovered_after_a_kill() {
    let disk = SimFs::new();
    let engine = open(&disk);
    let (mut model, done) = (Stamps::new(), AtomicBool::new(false));
    let mut most_logs = 0;
    thread::scope(|scope| {
        // Opens cursors on the growing memtable at any moment, so that it is sorted in many runs.
        for seed in 0..2 {
            let (engine, done) = (&engine, &done);
            scope.spawn(move || {
                let mut random = Random::new(seed);
                while !done.load(Ordering::Relaxed) {
                    let mut iter = engine.iter(&IterOptions::default()).unwrap();
                    iter.seek(&key(random.below(2_000))).unwrap();
                    iter.next().unwrap();
                }
            });
        }
        let mut random = Random::new(7);
        let mut images = Vec::new();
        let mut stamp = 0;
        // On to a kill that finds several logs; a slow machine may need more writes.
        while stamp < 600 || (most_logs < 3 && stamp < 20_000) {
            stamp += 1;
            write(&engine, &mut model, stamp, &mut random);
            let image = disk.kill_image();
            let logs = logs(&image);
            most_logs = most_logs.max(logs);
            if (stamp % 20 == 0 && stamp <= 600) || logs > 2 {
                images.push((image, model.clone(), stamp));
            }
        }
        done.store(true, Ordering::Relaxed);
        for (image, then, stamp) in images.iter().rev().step_by(1 + images.len() / 60) {
            check(image, then, &format!("killed after batch {stamp}"));
        }
    });
    assert!(most_logs > 2, "at most {most_logs} logs at once");
    engine.close().unwrap();
    drop(engine);
    check(&disk, &model, "closed");
}
