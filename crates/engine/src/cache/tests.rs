use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::error::{Error, ErrorKind, Result};
use crate::table::block::{BlockBuilder, SharedBlock, decode};

fn block(bytes: usize) -> Result<SharedBlock> {
    let mut builder = BlockBuilder::default();
    builder.add(b"key", 256, &vec![0; bytes]);
    let mut data = Vec::new();
    builder.finish(&mut data);
    Ok(decode(&data).unwrap())
}

fn held(cache: &BlockCache) -> usize {
    cache.stats().block_bytes
}

/// Gives others time until `count` of them wait for the load of `slot`; not for ever, so that a test fails
/// instead of hanging.
fn await_waiting(slots: &BlockSlots, slot: usize, count: usize) {
    for _ in 0..1_000_000 {
        if slots.waiting(slot) >= count {
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn everyone_who_waits_for_a_load_gets_its_result_or_its_error() {
    let cache = BlockCache::new(1 << 20);
    let slots = cache.slots(1, 4, 0, false);
    for fail in [true, false] {
        let loads = AtomicUsize::new(0);
        let start = Barrier::new(6);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    start.wait();
                    let got = slots.load(2, || {
                        loads.fetch_add(1, Ordering::Relaxed);
                        await_waiting(&slots, 2, 5);
                        if fail { Err(Error::new(ErrorKind::Io, "no")) } else { block(10) }
                    });
                    assert_eq!(got.is_err(), fail);
                });
            }
        });
        assert_eq!(loads.into_inner(), 1);
    }
}

#[test]
fn a_panicking_load_leaves_nobody_waiting() {
    let cache = BlockCache::new(1 << 20);
    let slots = cache.slots(1, 1, 0, false);
    let inside = Barrier::new(2);
    std::thread::scope(|scope| {
        let panicking = scope.spawn(|| {
            slots.load(0, || {
                inside.wait();
                await_waiting(&slots, 0, 1);
                panic!("as planned")
            })
        });
        inside.wait();
        let waited = slots.load(0, || block(1));
        assert_eq!(waited.unwrap_err(), ErrorKind::Internal);
        assert!(panicking.join().is_err());
    });
    assert!(slots.load(0, || block(1)).is_ok());
}

#[test]
fn the_budget_holds_and_index_bytes_count_against_it() {
    let cache = BlockCache::new(100_000);
    let slots = cache.slots(1, 1000, 0, false);
    for slot in 0..200 {
        slots.load(slot, || block(1000)).unwrap();
        assert!(held(&cache) <= 100_000);
    }
    assert!(held(&cache) > 80_000);
    let pinned = cache.slots(2, 0, 50_000, false);
    assert!(held(&cache) <= 50_000);
    drop(pinned);
    slots.load(300, || block(90_000)).unwrap();
    assert!(slots.get(300).is_none(), "a block that fills most of the cache is not kept");
    drop(slots);
    assert_eq!((held(&cache), cache.stats().pinned_bytes), (0, 0));
}

#[test]
fn a_scan_does_not_push_out_what_is_in_use() {
    let cache = BlockCache::new(200_000);
    let slots = cache.slots(1, 10_000, 0, false);
    let hot = 0..60;
    let touch = |slot| slots.get(slot).is_some() || slots.load(slot, || block(1000)).is_err();
    for _ in 0..4 {
        for slot in hot.clone() {
            touch(slot);
        }
    }
    for slot in 1000..9000 {
        touch(slot);
        if slot % 50 == 0 {
            for hot in hot.clone() {
                slots.get(hot);
            }
        }
    }
    let kept = hot.filter(|&slot| slots.get(slot).is_some()).count();
    assert!(kept >= 55, "{kept} of 60 kept");
}

#[test]
fn tables_that_come_and_go_leave_nothing_in_the_queue() {
    let cache = BlockCache::new(10 << 20);
    for number in 0..500 {
        let slots = cache.slots(number, 10, 100, false);
        for slot in 0..10 {
            slots.load(slot, || block(100)).unwrap();
        }
    }
    assert!(cache.queued() < 200, "{} entries", cache.queued());
}

#[test]
fn tables_whose_slots_are_cleared_leave_nothing_in_the_queue() {
    let cache = BlockCache::new(10 << 20);
    let tables: Vec<_> = (0..500)
        .map(|number| {
            let slots = cache.slots(number, 10, 100, false);
            for slot in 0..10 {
                slots.load(slot, || block(100)).unwrap();
            }
            slots.clear();
            slots
        })
        .collect();
    assert!(cache.queued() < 200, "{} entries", cache.queued());
    assert_eq!(held(&cache), 0);
    // Slots can be filled again.
    tables[3].load(3, || block(100)).unwrap();
    assert!(tables[3].get(3).is_some());
}

#[test]
fn a_reservation_takes_of_three_quarters_of_the_budget_and_makes_blocks_give_way() {
    let cache = BlockCache::new(100_000);
    let pinned = || cache.stats().pinned_bytes;
    let slots = cache.slots(1, 100, 0, false);
    let before = pinned();
    for slot in 0..100 {
        slots.load(slot, || block(1000)).unwrap();
    }
    assert!(cache.reserve(75_001 - before).is_none());
    let full = held(&cache);
    let mut most = cache.reserve(75_000 - before).unwrap();
    assert_eq!((pinned(), held(&cache)), (before, full), "nothing gives way while a table is loaded");
    assert!(cache.reserve(1).is_none());
    assert!(!most.fit(75_001 - before));
    assert!(most.fit(10_000) && cache.reserve(65_001 - before).is_none());
    assert!(most.fit(70_000 - before) && cache.reserve(5_001).is_none());
    drop(cache.reserve(5_000).unwrap());
    most.loaded();
    assert_eq!(pinned(), 70_000);
    assert!(held(&cache) <= 30_000);
    assert!(cache.reserve(5_001).is_none());
    drop(most);
    assert_eq!(pinned(), before);
    cache.close();
    assert!(cache.reserve(1).is_none());
}

#[test]
fn hits_and_misses_are_counted() {
    let cache = BlockCache::new(1 << 20);
    let slots = cache.slots(1, 2, 0, false);
    assert!(slots.get(0).is_none());
    slots.load(0, || block(1)).unwrap();
    assert!(slots.get(0).is_some() && slots.get(0).is_some());
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses), (2, 1));
}
