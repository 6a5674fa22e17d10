use super::*;

#[test]
fn a_snapshot_shows_what_was_visible_and_is_released_when_dropped() {
    let snapshots = Snapshots::new();
    let visible = AtomicU64::new(7);
    let snapshot = snapshots.take(&visible);
    visible.store(9, Ordering::Release);
    assert_eq!((snapshot.seqno(), snapshots.oldest(), snapshots.count()), (7, Some(7), 1));
    drop(snapshot);
    assert_eq!((snapshots.live(), snapshots.oldest(), snapshots.count()), (vec![], None, 0));
}

#[test]
fn equal_snapshots_are_counted_and_clones_are_not() {
    let snapshots = Snapshots::new();
    let visible = AtomicU64::new(7);
    let first = snapshots.take(&visible);
    let second = snapshots.take(&visible);
    let clone = second.clone();
    assert_eq!((snapshots.live(), snapshots.count()), (vec![7], 2));
    drop(first);
    drop(second);
    assert_eq!((snapshots.live(), snapshots.count()), (vec![7], 1), "the clone still reads");
    drop(clone);
    assert_eq!(snapshots.count(), 0);
}

#[test]
fn the_list_is_ascending_and_distinct() {
    let snapshots = Snapshots::new();
    let visible = AtomicU64::new(0);
    let mut held = Vec::new();
    for seqno in [5, 9, 9, 12] {
        visible.store(seqno, Ordering::Release);
        held.push(snapshots.take(&visible));
    }
    assert_eq!(snapshots.live(), [5, 9, 12]);
    held.remove(0);
    assert_eq!(snapshots.live(), [9, 12]);
    assert_eq!(snapshots.watermarks(&visible), [9, 12]);
    visible.store(20, Ordering::Release);
    assert_eq!(snapshots.watermarks(&visible), [9, 12, 20]);
}

/// rocksdb #13155: a snapshot of the empty database was taken for none.
#[test]
fn a_snapshot_at_zero_counts() {
    let snapshots = Snapshots::new();
    let visible = AtomicU64::new(0);
    let snapshot = snapshots.take(&visible);
    visible.store(3, Ordering::Release);
    assert_eq!((snapshot.seqno(), snapshots.oldest()), (0, Some(0)));
    assert_eq!(snapshots.watermarks(&visible), [0, 3]);
}

#[test]
fn it_knows_its_registry_and_outlives_every_handle_to_it() {
    let (one, other) = (Snapshots::new(), Snapshots::new());
    let snapshot = one.take(&AtomicU64::new(1));
    assert!(snapshot.belongs_to(&one) && snapshot.belongs_to(&one.clone()));
    assert!(!snapshot.belongs_to(&other));
    drop(one);
    assert_eq!(snapshot.seqno(), 1);
}

#[test]
fn it_may_be_sent_and_shared() {
    fn check<T: Send + Sync + Clone + 'static>() {}
    check::<Snapshot>();
    check::<Snapshots>();
}

/// A compaction that drops what its watermarks do not protect, against snapshots taken at the same time.
#[test]
fn a_snapshot_is_in_the_watermarks_or_not_older_than_the_last_one() {
    let snapshots = Snapshots::new();
    let visible = AtomicU64::new(0);
    // What compaction has promised to keep: everything from here on, and the listed ones.
    let horizon = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for seqno in 1..20_000 {
                visible.store(seqno, Ordering::Release);
            }
        });
        scope.spawn(|| {
            for _ in 0..5_000 {
                let kept = snapshots.watermarks(&visible);
                *horizon.lock() = kept;
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let snapshot = snapshots.take(&visible);
                    let kept = horizon.lock().clone();
                    let seqno = snapshot.seqno();
                    let newest = kept.last().copied().unwrap_or(0);
                    // `kept` may be older than the snapshot, then its newest is not above it.
                    assert!(kept.contains(&seqno) || newest <= seqno, "{seqno} is lost by {kept:?}");
                }
            });
        }
    });
    assert_eq!(snapshots.count(), 0);
}
