//! A fixed small workload that goes through every part: logs and their rotation, flushes, compactions down to the bottom,
//! manifest edits, table deletion, snapshots, range deletes, clean closes; and opens after them that go on with nothing, a write
//! or a compaction.

use std::sync::Arc;

use mosskv::fs::Fs;
use mosskv::worker::Executor;
use mosskv::{Durability, Engine, Environment, Error, Options, Result};

use crate::history::{History, Write};

/// Small limits, so that little data goes through everything.
pub fn options() -> Options {
    Options {
        memtable_bytes: 64 << 10,
        table_bytes: 64 << 10,
        max_tables: 2,
        block_bytes: 512,
        ..Options::default()
    }
}

/// The engine on `fs`, driven step by step from `seed`.
///
/// # Errors
/// The engine's.
pub fn open(fs: Arc<dyn Fs>, seed: u64) -> Result<Engine> {
    let environment = Environment { fs, executor: Executor::stepped(seed), listener: None };
    Engine::open_with("db", options(), environment)
}

type Part = fn(&Engine, &mut History) -> Result<()>;

/// The first failure of a workload, and the engine it happened to, if there was one.
pub struct Failed {
    /// What failed.
    pub error: Error,
    /// Still open.
    pub engine: Option<Engine>,
}

/// Runs the workload on an empty `fs` until it is done or something fails, recording everything in `history`.
///
/// # Errors
/// The first failure.
pub fn run(fs: Arc<dyn Fs>, history: &mut History) -> std::result::Result<(), Failed> {
    let parts: [Part; 5] = [first_half, second_half, only_reads, compacts_first, writes_first];
    for (seed, part) in (1..).zip(parts) {
        let engine = open(fs.clone(), seed).map_err(|error| Failed { error, engine: None })?;
        let done = part(&engine, history).and_then(|()| engine.close());
        done.map_err(|error| Failed { error, engine: Some(engine) })?;
        history.settled();
    }
    Ok(())
}

fn first_half(engine: &Engine, history: &mut History) -> Result<()> {
    for round in 0..3u32 {
        for i in 0..12u32 {
            let durability = if i % 5 == 0 { Durability::Disk } else { Durability::Os };
            let writes = [
                put(round * 7 + i, round, 200),
                put(100 + i, round, 40),
                Write::Delete(key(round * 5 + i / 2)),
            ];
            history.write(engine, &writes, durability)?;
        }
        let snapshot = engine.snapshot();
        history.write(engine, &[put(3, 90 + round, 100), Write::Delete(key(104))], Durability::Os)?;
        engine.flush()?;
        history.settled();
        drop(snapshot);
    }
    engine.compact(None)
}

fn second_half(engine: &Engine, history: &mut History) -> Result<()> {
    history.write(engine, &[Write::DeleteRange(key(8), key(16)), put(9, 7, 10)], Durability::Disk)?;
    // Values large enough to fill memtables, so that logs are rotated and flushes run by themselves.
    for i in 0..12u32 {
        history.write(engine, &[put(50 + i % 5, i, 15_000)], Durability::Os)?;
    }
    engine.flush()?;
    history.settled();
    history.write(engine, &[Write::DeleteRange(key(0), key(60))], Durability::Os)?;
    history.write(engine, &[put(1, 1, 1), put(200, 1, 3_000)], Durability::Disk)?;
    engine.compact(None)?;
    history.write(engine, &[put(2, 2, 2)], Durability::Os)
}

fn only_reads(engine: &Engine, _: &mut History) -> Result<()> {
    engine.get(key(2)).map(drop)
}

/// The manifest is begun by a compaction, the log after it.
fn compacts_first(engine: &Engine, history: &mut History) -> Result<()> {
    engine.compact(None)?;
    history.write(engine, &[put(3, 3, 3)], Durability::Os)?;
    history.write(engine, &[put(4, 4, 700), Write::Delete(key(2))], Durability::Disk)
}

/// The log is begun by a write, the manifest after it.
fn writes_first(engine: &Engine, history: &mut History) -> Result<()> {
    history.write(engine, &[put(5, 5, 5)], Durability::Disk)?;
    history.write(engine, &[put(6, 6, 6), Write::Delete(key(3))], Durability::Os)?;
    engine.flush()?;
    history.settled();
    history.write(engine, &[put(7, 7, 7)], Durability::Os)
}

fn key(i: u32) -> Vec<u8> {
    format!("key{i:05}").into_bytes()
}

/// A value that names its key and version, and is not compressible to nothing.
fn put(i: u32, version: u32, bytes: usize) -> Write {
    let mut state = u64::from(i) << 32 | u64::from(version) | 1;
    let mut value = format!("{i}.{version}:").into_bytes();
    while value.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        value.push((state >> 56) as u8);
    }
    Write::Put(key(i), value)
}
