//! The memtable beside a skiplist, behind one interface.
//!
//! `cargo bench -p mosskv --bench memtable [-- records]` prints, for three kinds of keys, the median nanoseconds an
//! operation of three interleaved rounds and the ratio. The rival is `crossbeam_skiplist::SkipMap` from internal key
//! to value, one node an allocation, as many stores have it.

// A benchmark reads the clock and starts threads by trade.
#![allow(clippy::disallowed_methods)]

use std::cmp::Ordering as Cmp;
use std::hint::black_box;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_skiplist::SkipMap;
use mosskv::batch::Op;
use mosskv::iter::Cursor;
use mosskv::key::{self, Kind, SeqNo};
use mosskv::memtable::Memtable;

const VALUE: [u8; 100] = [7; 100];
const GROUP: usize = 64;
const ROUNDS: usize = 3;

/// What is compared.
trait Table: Send + Sync + Sized {
    const NAME: &'static str;
    fn new() -> Self;
    fn apply<'a>(&self, ops: impl Iterator<Item = Op<'a>>, first: SeqNo);
    fn get(&self, key: &[u8], snapshot: SeqNo) -> Option<usize>;
    /// Visits all entries in order, from the first call on: with the sort, if one is needed.
    fn walk(self: &Arc<Self>) -> usize;
}

struct Moss(Arc<Memtable>);

impl Table for Moss {
    const NAME: &'static str = "memtable";

    fn new() -> Self {
        Self(Arc::new(Memtable::new(1, 256 << 20)))
    }

    fn apply<'a>(&self, ops: impl Iterator<Item = Op<'a>>, first: SeqNo) {
        self.0.apply(ops, first);
    }

    fn get(&self, key: &[u8], snapshot: SeqNo) -> Option<usize> {
        self.0.get(key, key::hash(key), snapshot, |_, value| value.len() + usize::from(value[0]))
    }

    fn walk(self: &Arc<Self>) -> usize {
        let mut cursor = self.0.settled_cursor();
        let mut sum = 0;
        let _ = cursor.seek_to_first();
        while cursor.valid() {
            sum += cursor.user_key().len() + usize::from(cursor.value()[0]);
            let _ = cursor.next();
        }
        sum
    }
}

#[derive(PartialEq, Eq)]
struct InternalKey(Box<[u8]>, u64);

impl Ord for InternalKey {
    fn cmp(&self, other: &Self) -> Cmp {
        key::compare(&self.0, self.1, &other.0, other.1)
    }
}

impl PartialOrd for InternalKey {
    fn partial_cmp(&self, other: &Self) -> Option<Cmp> {
        Some(self.cmp(other))
    }
}

struct Skip(SkipMap<InternalKey, Box<[u8]>>);

impl Table for Skip {
    const NAME: &'static str = "skiplist";

    fn new() -> Self {
        Self(SkipMap::new())
    }

    fn apply<'a>(&self, ops: impl Iterator<Item = Op<'a>>, first: SeqNo) {
        for (op, seqno) in ops.zip(first..) {
            self.0.insert(InternalKey(op.key.into(), key::trailer(seqno, op.kind)), op.value.into());
        }
    }

    fn get(&self, key: &[u8], snapshot: SeqNo) -> Option<usize> {
        let from = InternalKey(key.into(), key::seek_trailer(snapshot));
        let entry = self.0.lower_bound(Bound::Included(&from))?;
        (*entry.key().0 == *key).then(|| entry.value().len() + usize::from(entry.value()[0]))
    }

    fn walk(self: &Arc<Self>) -> usize {
        self.0.iter().map(|e| e.key().0.len() + usize::from(e.value()[0])).sum()
    }
}

/// Keys back to back.
struct Keys(Vec<u8>, Vec<u32>);

impl Keys {
    fn make(count: usize, one: impl Fn(u64) -> Vec<u8>) -> Self {
        let mut keys = Self(Vec::new(), vec![0]);
        for i in 0..count as u64 {
            keys.0.extend(one(i));
            keys.1.push(keys.0.len() as u32);
        }
        keys
    }

    fn get(&self, i: usize) -> &[u8] {
        &self.0[self.1[i] as usize..self.1[i + 1] as usize]
    }
}

fn mix(i: u64) -> u64 {
    let x = (i ^ (i >> 31)).wrapping_mul(0x7fb5_d329_728e_a185);
    let x = (x ^ (x >> 27)).wrapping_mul(0x81da_def4_bc2d_d44d);
    x ^ (x >> 33)
}

type MakeKey = fn(u64) -> Vec<u8>;
type Rows = Vec<(&'static str, f64)>;

fn per(start: Instant, count: usize) -> f64 {
    start.elapsed().as_nanos() as f64 / count as f64
}

fn fill<T: Table>(table: &T, keys: &Keys, count: usize) {
    for first in (0..count).step_by(GROUP) {
        let ops = (first..(first + GROUP).min(count)).map(|i| Op {
            kind: Kind::Set,
            key: keys.get(i),
            value: &VALUE,
        });
        table.apply(ops, first as SeqNo + 1);
    }
}

fn measure<T: Table>(keys: &Keys, missing: &Keys, count: usize) -> Rows {
    let table = Arc::new(T::new());
    let start = Instant::now();
    fill(&*table, keys, count);
    let mut rows = vec![("insert, groups of 64", per(start, count))];

    let lookups = count / 2;
    let any = |i: usize| (mix(i as u64 ^ 0xabcdef) % count as u64) as usize;
    let start = Instant::now();
    let hits =
        (0..lookups).filter(|&i| black_box(table.get(keys.get(any(i)), key::MAX_SEQNO)).is_some()).count();
    rows.push(("get, hit", per(start, lookups)));
    assert_eq!(hits, lookups);
    let start = Instant::now();
    let hits = (0..lookups).filter(|&i| table.get(missing.get(any(i)), key::MAX_SEQNO).is_some()).count();
    rows.push(("get, missing", per(start, lookups)));
    assert_eq!(hits, 0);

    let start = Instant::now();
    black_box(table.walk());
    rows.push(("first ordered walk, with sort", per(start, count)));
    let start = Instant::now();
    black_box(table.walk());
    rows.push(("ordered walk again", per(start, count)));
    drop(table);

    let table = Arc::new(T::new());
    let (visible, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut written = 0.0;
    let mut read = 0.0;
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while visible.load(Ordering::Acquire) < count as u64 / 10 {
                std::hint::spin_loop();
            }
            let (start, mut reads) = (Instant::now(), 0usize);
            while !done.load(Ordering::Acquire) {
                let snapshot = visible.load(Ordering::Acquire);
                for i in reads..reads + 64 {
                    let key = keys.get((mix(i as u64) % snapshot) as usize);
                    assert!(table.get(key, snapshot).is_some());
                }
                reads += 64;
            }
            per(start, reads.max(1))
        });
        let start = Instant::now();
        for first in (0..count).step_by(GROUP) {
            let ops = (first..(first + GROUP).min(count)).map(|i| Op {
                kind: Kind::Set,
                key: keys.get(i),
                value: &VALUE,
            });
            table.apply(ops, first as SeqNo + 1);
            visible.store((first + GROUP).min(count) as u64, Ordering::Release);
        }
        written = per(start, count);
        done.store(true, Ordering::Release);
        read = reader.join().unwrap_or(f64::NAN);
    });
    rows.push(("mixed: the writer's insert", written));
    rows.push(("mixed: the reader's get", read));
    rows
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let count: usize = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(1_000_000);
    let kinds: [(&str, MakeKey); 3] = [
        ("sequential, 16 digits", |i| format!("{i:016}").into_bytes()),
        ("random, 16 bytes", |i| [mix(i).to_be_bytes(), mix(!i).to_be_bytes()].concat()),
        ("user:<id>:<field>", |i| {
            let id = mix(i / 3) % 100_000_000;
            let field = ["name", "email", "profile"][i as usize % 3];
            format!("user:{id:08}:{}:{field}", i / 3).into_bytes()
        }),
    ];
    println!("{count} records of 100-byte values; ns an operation, medians of {ROUNDS} interleaved rounds");
    for (name, one) in kinds {
        let keys = Keys::make(count, one);
        let missing = Keys::make(count, |i| [one(i).as_slice(), b"?"].concat());
        let (mut moss, mut skip) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            moss.push(measure::<Moss>(&keys, &missing, count));
            skip.push(measure::<Skip>(&keys, &missing, count));
        }
        println!("\n{name:32} {:>10} {:>10} {:>7}", Moss::NAME, Skip::NAME, "ratio");
        for row in 0..moss[0].len() {
            let of = |rounds: &[Rows]| median(rounds.iter().map(|r| r[row].1).collect());
            let (a, b) = (of(&moss), of(&skip));
            println!("{:32} {a:>10.1} {b:>10.1} {:>7.1}", moss[0][row].0, b / a);
        }
        let table = Moss::new();
        fill(&table, &keys, count);
        let before = table.0.bytes() as f64 / count as f64;
        table.0.catch_up();
        let after = table.0.bytes() as f64 / count as f64;
        println!("memtable bytes a record: {before:.1}, with sorted view {after:.1}");
    }
}
