//! Snapshots against compaction under schedules that `shuttle` chooses.

use super::*;
use crate::sync::thread;

#[test]
fn a_snapshot_is_in_the_watermarks_or_not_older_than_the_last_one() {
    let test = || {
        let snapshots = Snapshots::new();
        let visible = Arc::new(AtomicU64::new(1));
        let writer = {
            let visible = Arc::clone(&visible);
            thread::spawn(move || (2..5).for_each(|seqno| visible.store(seqno, Ordering::Release)))
        };
        let reader = {
            let (snapshots, visible) = (snapshots.clone(), Arc::clone(&visible));
            thread::spawn(move || snapshots.take(&visible))
        };
        let kept = snapshots.watermarks(&visible);
        let snapshot = reader.join().unwrap();
        let newest = kept.last().copied().unwrap();
        assert!(kept.contains(&snapshot.seqno()) || newest <= snapshot.seqno());
        writer.join().unwrap();
    };
    shuttle::check_random(test, 5_000);
}
