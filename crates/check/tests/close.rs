//! A close beside everything else: nothing touches the directory once its lock is free, whatever was being flushed,
//! compacted, read or written at that moment; and what was acknowledged is there afterwards.

use std::sync::Arc;
use std::thread;

use mosskv::fs::sim::SimFs;
use mosskv::{Engine, Environment, ErrorKind, IterOptions, Options};
use mosskv_check::random::Random;
use mosskv_check::stamped::{Stamps, key, value};
use mosskv_check::walk::both_ways;
use mosskv_check::watched::Watched;

fn options() -> Options {
    Options { memtable_bytes: 64 << 10, table_bytes: 64 << 10, max_tables: 2, ..Options::default() }
}

#[test]
fn nothing_is_touched_once_the_lock_is_free() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let disk = SimFs::new();
        let watched = Watched::new(Arc::new(disk.clone()));
        let environment = Environment { fs: Arc::new(watched.clone()), ..Environment::default() };
        let engine = Engine::open_with("db", options(), environment).unwrap();
        let reading = engine.iter(&IterOptions::default()).unwrap();
        let acknowledged = thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut acknowledged = Stamps::new();
                for stamp in 1u64.. {
                    let i = stamp.wrapping_mul(7_919) % 3_000;
                    match engine.put(key(i), value(i, stamp)) {
                        Ok(()) => drop(acknowledged.insert(i, stamp)),
                        Err(error) => {
                            assert_eq!(error, ErrorKind::Closed);
                            break;
                        }
                    }
                }
                acknowledged
            });
            scope.spawn(|| while engine.compact(None).is_ok() {});
            let enough = 200 + random.below(1_500);
            while engine.stats().last_seqno < enough {
                thread::yield_now();
            }
            engine.close().unwrap();
            writer.join().unwrap()
        });
        drop(reading);
        drop(engine);
        assert_eq!(watched.without_lock(), Vec::<String>::new(), "seed {seed}");
        let environment = Environment { fs: Arc::new(disk), ..Environment::default() };
        let engine = Engine::open_with("db", options(), environment).unwrap();
        let read = both_ways(&mut engine.iter(&IterOptions::default()).unwrap(), &acknowledged);
        assert_eq!(read, Ok(()), "seed {seed}");
    }
}
