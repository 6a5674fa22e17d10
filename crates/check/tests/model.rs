//! Random operations under random options, against a BTreeMap: writes, values that expire as the clock goes on, range
//! deletes, batches, flushes, compactions, snapshots, iterators that stay open, kills and clean reopens.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use mosskv::event::Clock;
use mosskv::fs::sim::SimFs;
use mosskv::worker::Executor;
use mosskv::{
    Compression, Durability, Engine, Environment, Iter, IterOptions, Options, ReadOptions, Snapshot,
    WriteBatch,
};
use mosskv_check::history::{Contents, contents};
use proptest::prelude::*;
use proptest::test_runner::Config;

#[derive(Debug, Clone)]
enum Step {
    Put(u16, u16),
    PutWithExpiry(u16, u16, u16),
    Wait(u16),
    Delete(u16),
    DeleteRange(u16, u16),
    Batch(Vec<(u16, Option<u16>)>),
    Flush,
    Compact(u16, u16),
    TakeSnapshot,
    DropSnapshot(u8),
    CheckSnapshot(u8),
    GetMany(Vec<u16>, Option<u8>),
    OpenIter(u16, u16),
    CheckIter(u8),
    SeekAround(u16),
    Reopen,
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0..400u16;
    let step = prop_oneof![
        40 => (key(), 0..2_000u16).prop_map(|(k, size)| Step::Put(k, size)),
        10 => (key(), 0..2_000u16, 0..1_000u16).prop_map(|(k, size, ttl)| Step::PutWithExpiry(k, size, ttl)),
        3 => (1..400u16).prop_map(Step::Wait),
        10 => key().prop_map(Step::Delete),
        3 => (key(), 1..60u16).prop_map(|(k, n)| Step::DeleteRange(k, k.saturating_add(n))),
        10 => proptest::collection::vec((key(), proptest::option::of(0..300u16)), 1..20).prop_map(Step::Batch),
        3 => Just(Step::Flush),
        1 => (key(), key()).prop_map(|(a, b)| Step::Compact(a.min(b), a.max(b))),
        3 => Just(Step::TakeSnapshot),
        2 => any::<u8>().prop_map(Step::DropSnapshot),
        3 => any::<u8>().prop_map(Step::CheckSnapshot),
        5 => (proptest::collection::vec(key(), 0..40), proptest::option::of(any::<u8>()))
            .prop_map(|(keys, snapshot)| Step::GetMany(keys, snapshot)),
        2 => (key(), key()).prop_map(|(a, b)| Step::OpenIter(a.min(b), a.max(b))),
        3 => any::<u8>().prop_map(Step::CheckIter),
        10 => key().prop_map(Step::SeekAround),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ];
    proptest::collection::vec(step, 1..250)
}

fn options() -> impl Strategy<Value = Options> {
    let codec = prop_oneof![Just(Compression::None), Just(Compression::Lz4), Just(Compression::Zstd(3))];
    (
        prop_oneof![Just(64usize << 10), Just(128 << 10), Just(1 << 20)],
        1..6usize,
        prop_oneof![Just(0usize), Just(20_000), Just(8 << 20)],
        prop_oneof![Just(512usize), Just(4_096), Just(8_192)],
        proptest::collection::vec(codec, 1..4),
        proptest::collection::vec(prop_oneof![Just(0u32), Just(6), Just(10)], 1..3),
        any::<bool>(),
    )
        .prop_map(
            |(memtable_bytes, max_tables, cache_bytes, block_bytes, compression, filters, paranoid)| {
                Options {
                    memtable_bytes,
                    max_tables,
                    cache_bytes,
                    block_bytes,
                    compression,
                    filter_bits_per_key: filters,
                    table_bytes: 64 << 10,
                    max_open_files: Some(16),
                    paranoid,
                    ..Options::default()
                }
            },
        )
}

fn key(k: u16) -> Vec<u8> {
    // Long common prefixes, and keys that are prefixes of others.
    match k % 3 {
        0 => format!("user:{:04}", k / 3).into_bytes(),
        1 => format!("user:{:04}:name", k / 3).into_bytes(),
        _ => (k / 3).to_be_bytes().to_vec(),
    }
}

/// Values with the millisecond they expire at; `u64::MAX` for those that do not.
type Model = BTreeMap<Vec<u8>, (Vec<u8>, u64)>;

/// What of `model` is there at a moment.
fn present(model: &Model, millis: u64) -> Contents {
    let live = model.iter().filter(|(_, (_, expires_at))| *expires_at > millis);
    live.map(|(key, (value, _))| (key.clone(), value.clone())).collect()
}

struct Run {
    disk: SimFs,
    options: Options,
    seed: u64,
    engine: Engine,
    clock: Clock,
    model: Model,
    snapshots: Vec<(Snapshot, Model)>,
    /// Iterators, what they walk over, and the moment of their first walk.
    iters: Vec<(Iter, Model, Option<u64>)>,
    writes: u32,
}

impl Run {
    /// Opens the database `elapsed` after the beginning.
    fn open(disk: &SimFs, options: &Options, seed: u64, elapsed: Duration) -> (Engine, Clock) {
        let executor = Executor::stepped(seed);
        let clock = executor.clock().clone();
        clock.advance(elapsed);
        let environment = Environment { fs: Arc::new(disk.clone()), executor, listener: None };
        (Engine::open_with("db", options.clone(), environment).unwrap(), clock)
    }

    fn now(&self) -> Contents {
        present(&self.model, self.clock.unix_millis())
    }

    fn value(&mut self, size: u16) -> Vec<u8> {
        self.writes += 1;
        let mut value = format!("{}:", self.writes).into_bytes();
        value.resize(value.len() + usize::from(size), b'a' + (self.writes % 26) as u8);
        value
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Put(k, size) => {
                let value = self.value(*size);
                self.engine.put(key(*k), &value).unwrap();
                self.model.insert(key(*k), (value, u64::MAX));
            }
            Step::PutWithExpiry(k, size, ttl) => {
                let value = self.value(*size);
                let expires_at = self.clock.unix_millis() + u64::from(*ttl);
                self.engine.put_with_expiry(key(*k), &value, expires_at).unwrap();
                self.model.insert(key(*k), (value, expires_at));
                let entry = self.engine.get_entry(key(*k), &ReadOptions::default()).unwrap();
                let expected = self.model.get(&key(*k)).filter(|(_, at)| *at > self.clock.unix_millis());
                assert_eq!(entry.map(|entry| (entry.value, entry.expires_at.unwrap())), expected.cloned());
            }
            Step::Wait(millis) => self.clock.advance(Duration::from_millis(u64::from(*millis))),
            Step::Delete(k) => {
                self.engine.del(key(*k)).unwrap();
                self.model.remove(&key(*k));
            }
            Step::DeleteRange(a, b) => {
                let (a, b) = (key(*a).min(key(*b)), key(*a).max(key(*b)));
                self.engine.delete_range(&a, &b).unwrap();
                self.model.retain(|k, _| *k < a || *k >= b);
            }
            Step::Batch(writes) => {
                let mut batch = WriteBatch::new();
                for (k, size) in writes {
                    match size {
                        Some(size) => {
                            let value = self.value(*size);
                            batch.put(&key(*k), &value).unwrap();
                            self.model.insert(key(*k), (value, u64::MAX));
                        }
                        None => {
                            batch.delete(&key(*k)).unwrap();
                            self.model.remove(&key(*k));
                        }
                    }
                }
                self.engine.write(batch, Some(Durability::Disk)).unwrap();
            }
            Step::Flush => self.engine.flush().unwrap(),
            Step::Compact(a, b) => {
                let (a, b) = (key(*a).min(key(*b)), key(*a).max(key(*b)));
                self.engine.compact(Some((&a, &b))).unwrap();
            }
            Step::TakeSnapshot => self.snapshots.push((self.engine.snapshot(), self.model.clone())),
            Step::DropSnapshot(i) if !self.snapshots.is_empty() => {
                self.snapshots.swap_remove(usize::from(*i) % self.snapshots.len());
            }
            Step::CheckSnapshot(i) if !self.snapshots.is_empty() => {
                let (snapshot, then) = &self.snapshots[usize::from(*i) % self.snapshots.len()];
                let options = IterOptions { snapshot: Some(snapshot.clone()), ..IterOptions::default() };
                let then = &present(then, self.clock.unix_millis());
                check_forward(&mut self.engine.iter(&options).unwrap(), then);
                let read = ReadOptions { snapshot: Some(snapshot), ..ReadOptions::default() };
                for k in (0..400).step_by(17) {
                    let found = self.engine.get_with(key(k), &read, <[u8]>::to_vec).unwrap();
                    assert_eq!(found.as_ref(), then.get(&key(k)));
                }
            }
            Step::GetMany(keys, snapshot) => {
                let (snapshot, then) = match snapshot {
                    Some(i) if !self.snapshots.is_empty() => {
                        let (snapshot, then) = &self.snapshots[usize::from(*i) % self.snapshots.len()];
                        (Some(snapshot), then)
                    }
                    _ => (None, &self.model),
                };
                let then = present(then, self.clock.unix_millis());
                let keys: Vec<_> = keys.iter().map(|k| key(*k)).collect();
                let read = ReadOptions { snapshot, ..ReadOptions::default() };
                let mut found = vec![None; keys.len()];
                self.engine.get_many(&keys, &read, |i, value| found[i] = Some(value.to_vec())).unwrap();
                let expected: Vec<_> = keys.iter().map(|key| then.get(key).cloned()).collect();
                assert_eq!(found, expected);
            }
            Step::OpenIter(a, b) => {
                let (a, b) = (key(*a).min(key(*b)), key(*a).max(key(*b)));
                let (lower, upper) = (Bound::Excluded(a), Bound::Included(b));
                let then = match lower == upper {
                    true => BTreeMap::new(),
                    false => self.model.clone(),
                };
                let inside = |k: &Vec<u8>| match (&lower, &upper) {
                    (Bound::Excluded(a), Bound::Included(b)) => k > a && k <= b,
                    _ => true,
                };
                let then = then.into_iter().filter(|(k, _)| inside(k)).collect();
                let options =
                    IterOptions { lower: lower.clone(), upper: upper.clone(), ..IterOptions::default() };
                self.iters.push((self.engine.iter(&options).unwrap(), then, None));
            }
            Step::CheckIter(i) if !self.iters.is_empty() => {
                let i = usize::from(*i) % self.iters.len();
                let (iter, then, walked_at) = &mut self.iters[i];
                let then = present(then, *walked_at.get_or_insert(self.clock.unix_millis()));
                check_forward(iter, &then);
                check_backward(iter, &then);
            }
            Step::SeekAround(k) => self.seek_around(&key(*k)),
            Step::Reopen => {
                self.snapshots.clear();
                self.iters.clear();
                self.engine.close().unwrap();
                self.reopen(self.disk.clone());
            }
            Step::Kill => {
                self.snapshots.clear();
                self.iters.clear();
                self.reopen(self.disk.kill_image());
            }
            Step::DropSnapshot(_) | Step::CheckSnapshot(_) | Step::CheckIter(_) => {}
        }
    }

    fn reopen(&mut self, disk: SimFs) {
        self.seed += 1;
        let elapsed = Duration::from_micros(self.clock.micros());
        (self.engine, self.clock) = Self::open(&disk, &self.options, self.seed, elapsed);
        self.disk = disk;
    }

    /// Seeks both ways and walks over the turning point.
    fn seek_around(&self, at: &[u8]) {
        let model = self.now();
        let mut iter = self.engine.iter(&IterOptions::default()).unwrap();
        let entry = |iter: &Iter| iter.valid().then(|| (iter.key().to_vec(), write_number(iter.value())));
        let owned = |entry: Option<(&Vec<u8>, &Vec<u8>)>| entry.map(|(k, v)| (k.clone(), write_number(v)));
        iter.seek(at).unwrap();
        let mut after = model.range(at.to_vec()..);
        assert_eq!(entry(&iter), owned(after.next()), "first at or after");
        iter.next().unwrap();
        assert_eq!(entry(&iter), owned(after.next()));
        if iter.valid() {
            iter.prev().unwrap();
            assert_eq!(entry(&iter), owned(model.range(at.to_vec()..).next()), "turned around");
        }
        iter.seek_for_prev(at).unwrap();
        let mut before = model.range(..=at.to_vec()).rev();
        assert_eq!(entry(&iter), owned(before.next()), "last at or before");
        iter.prev().unwrap();
        assert_eq!(entry(&iter), owned(before.next()));
        if iter.valid() {
            iter.next().unwrap();
            assert_eq!(entry(&iter), owned(model.range(..=at.to_vec()).next_back()), "turned around");
        }
        assert_eq!(self.engine.get(at).unwrap().as_ref(), model.get(at));
    }
}

/// The number at the start of a value: what tells values apart, without their bulk.
fn write_number(value: &[u8]) -> String {
    value.iter().take_while(|byte| **byte != b':').map(|byte| char::from(*byte)).collect()
}

fn check_forward(iter: &mut Iter, then: &Contents) {
    iter.seek_to_first().unwrap();
    for (key, value) in then {
        assert!(iter.valid(), "the scan ends before {:?}", String::from_utf8_lossy(key));
        assert_eq!((iter.key(), write_number(iter.value())), (&key[..], write_number(value)));
        assert!(iter.value() == value, "a value was cut or mixed up");
        iter.next().unwrap();
    }
    assert!(!iter.valid());
}

fn check_backward(iter: &mut Iter, then: &Contents) {
    iter.seek_to_last().unwrap();
    for (key, value) in then.iter().rev() {
        assert!(iter.valid(), "the scan ends before {:?}", String::from_utf8_lossy(key));
        assert_eq!((iter.key(), write_number(iter.value())), (&key[..], write_number(value)));
        assert!(iter.value() == value, "a value was cut or mixed up");
        iter.prev().unwrap();
    }
    assert!(!iter.valid());
}

proptest! {
    #![proptest_config(Config { cases: 1_000, max_shrink_iters: 2_000, ..Config::default() })]

    #[test]
    fn the_engine_is_a_btree_map_that_survives(options in options(), steps in steps(), seed in any::<u64>()) {
        let disk = SimFs::new();
        let (engine, clock) = Run::open(&disk, &options, seed, Duration::ZERO);
        let mut run = Run {
            disk,
            options,
            seed,
            engine,
            clock,
            model: Model::new(),
            snapshots: Vec::new(),
            iters: Vec::new(),
            writes: 0,
        };
        for step in &steps {
            run.step(step);
        }
        prop_assert_eq!(contents(&run.engine).unwrap(), run.now());
    }
}
