//! A batch of thousands of operations beside readers: whoever looks, at whatever moment, sees all of it or nothing, and what
//! a snapshot showed once it shows again.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use mosskv::{Engine, IterOptions, Options, ReadOptions, WriteBatch};
use mosskv_check::alarm::Alarm;
use mosskv_check::random::Random;
use mosskv_check::stamped::{key, number_of, stamp_of, value};

/// Keys of each batch: inserting them takes long enough to be seen half done.
const KEYS: u64 = 2_000;

fn batch(stamp: u64) -> WriteBatch {
    let mut batch = WriteBatch::new();
    if stamp.is_multiple_of(3) {
        batch.delete_range(&key(0), &key(KEYS)).unwrap();
    }
    for i in 0..KEYS {
        batch.put(&key(i), &value(i, stamp)).unwrap();
    }
    batch
}

/// The one stamp that all keys have at the moment of `snapshot`, by point reads and by a scan.
fn the_stamp(engine: &Engine, snapshot: &mosskv::Snapshot, random: &mut Random) -> u64 {
    let read = ReadOptions { snapshot: Some(snapshot), ..ReadOptions::default() };
    let get = |i| engine.get_with(key(i), &read, |bytes| stamp_of(i, bytes).unwrap()).unwrap();
    let stamp = get(0).unwrap();
    for i in [KEYS - 1, random.below(KEYS), random.below(KEYS), 0] {
        assert_eq!(get(i), Some(stamp), "key {i} by get at {snapshot:?}");
    }
    let options = IterOptions { snapshot: Some(snapshot.clone()), ..IterOptions::default() };
    let (mut iter, mut count) = (engine.iter(&options).unwrap(), 0);
    iter.seek_to_last().unwrap();
    while iter.valid() {
        let i = number_of(iter.key()).unwrap();
        assert_eq!(stamp_of(i, iter.value()), Some(stamp), "key {i} by scan at {snapshot:?}");
        count += 1;
        iter.prev().unwrap();
    }
    assert_eq!(count, KEYS, "at {snapshot:?}");
    stamp
}

#[test]
fn a_batch_is_seen_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    // Some batches fit into one memtable, so that most of the time nothing is frozen between them.
    let options = Options { memtable_bytes: 4 << 20, max_tables: 3, ..Options::default() };
    let engine = Engine::open(dir.path(), options).unwrap();
    engine.write(batch(1), None).unwrap();
    let done = AtomicBool::new(false);
    let stamps = thread::scope(|scope| {
        scope.spawn(|| {
            let _alarm = Alarm(&done);
            let mut stamp = 2;
            while !done.load(Ordering::Relaxed) {
                engine.write(batch(stamp), None).unwrap();
                stamp += 1;
            }
        });
        let mut random = Random::new(9);
        let mut seen = Vec::new();
        while !done.load(Ordering::Relaxed) && (seen.len() < 60 || seen.last() < Some(&15)) {
            let snapshot = engine.snapshot();
            seen.push(the_stamp(&engine, &snapshot, &mut random));
        }
        done.store(true, Ordering::Relaxed);
        seen
    });
    assert!(stamps.is_sorted() && stamps.len() >= 60, "{stamps:?}");
}
