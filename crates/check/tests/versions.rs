//! Many versions of few keys, each held by a snapshot: more of one key than fit into a table. All of them stay readable in
//! memory, after flushes, and after compactions, which may not divide a key between two tables.

use mosskv::{Compression, Engine, IterOptions, Options, ReadOptions};
use mosskv_check::stamped::{Stamps, key, stamp_of, value};
use mosskv_check::walk::both_ways;

const VERSIONS: u64 = 1_200;

#[test]
fn a_key_with_more_versions_than_a_table_holds() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        memtable_bytes: 64 << 10,
        table_bytes: 64 << 10,
        block_bytes: 512,
        compression: vec![Compression::None],
        max_tables: 2,
        ..Options::default()
    };
    let engine = Engine::open(dir.path(), options).unwrap();
    let (mut held, mut now) = (Vec::new(), Stamps::new());
    for stamp in 1..=VERSIONS {
        // One key nearly always, and its neighbours now and then.
        let i = if stamp % 40 == 0 { stamp % 7 } else { 3 };
        engine.put(key(i), value(i, stamp)).unwrap();
        now.insert(i, stamp);
        held.push((engine.snapshot(), now.clone()));
    }
    let check = |when: &str| {
        for (snapshot, then) in &held {
            let read = ReadOptions { snapshot: Some(snapshot), ..ReadOptions::default() };
            for i in 0..7 {
                let found = engine.get_with(key(i), &read, |bytes| stamp_of(i, bytes).unwrap()).unwrap();
                assert_eq!(found, then.get(&i).copied(), "{when}: key {i} at {snapshot:?}");
            }
        }
        for (snapshot, then) in held.iter().step_by(37) {
            let options = IterOptions { snapshot: Some(snapshot.clone()), ..IterOptions::default() };
            let walked = both_ways(&mut engine.iter(&options).unwrap(), then);
            assert_eq!(walked, Ok(()), "{when}: {snapshot:?}");
        }
    };
    check("in memory and in L0");
    engine.flush().unwrap();
    check("flushed");
    engine.compact(None).unwrap();
    check("compacted");
    let stats = engine.stats();
    let (entries, bytes) = stats
        .levels
        .iter()
        .fold((0, 0), |(entries, bytes), level| (entries + level.entries, bytes + level.bytes));
    assert!(entries == VERSIONS && bytes > 3 * (64 << 10), "{stats:?}");
    drop(held);
    engine.compact(None).unwrap();
    assert_eq!(engine.stats().levels.iter().map(|level| level.entries).sum::<u64>(), 7);
}
