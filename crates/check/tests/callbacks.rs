//! Writes whose callers must not wait, of which one comes while the other is committed.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mosskv::fs::sim::SimFs;
use mosskv::worker::Executor;
use mosskv::{Durability, Engine, Environment, Options, WriteBatch};

fn write(engine: &Engine, key: &str, bytes: usize, done: impl FnOnce() + Send + 'static) {
    let mut batch = WriteBatch::new();
    batch.put(key.as_bytes(), &vec![7; bytes]).unwrap();
    engine.write_then(batch, Some(Durability::Os), move |result| {
        result.unwrap();
        done();
    });
}

/// Whether a write of `bytes` that comes while another is committed is done when the other call returns; it is done once
/// the background threads have run.
fn guest_is_served(bytes: usize) -> bool {
    let executor = Executor::stepped(1);
    let environment = Environment { fs: Arc::new(SimFs::new()), executor: executor.clone(), listener: None };
    let engine = Engine::open_with("db", Options::default(), environment).unwrap();
    // The first write begins the log.
    write(&engine, "first", 1, || {});
    while executor.step() {}
    let told = Arc::new(AtomicBool::new(false));
    let (guest, flag) = (engine.clone(), told.clone());
    write(&engine, "host", 1, move || {
        write(&guest, "guest", bytes, move || flag.store(true, Ordering::SeqCst));
    });
    let served = told.load(Ordering::SeqCst);
    while executor.step() {}
    assert!(told.load(Ordering::SeqCst));
    assert_eq!(engine.get("guest").unwrap().unwrap().len(), bytes);
    served
}

#[test]
fn a_small_one_is_committed_on_the_same_thread() {
    assert!(guest_is_served(1000));
}

#[test]
fn a_large_one_waits_for_the_commit_lane() {
    assert!(!guest_is_served(300 << 10));
}
