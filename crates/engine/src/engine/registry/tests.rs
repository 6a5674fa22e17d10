use std::thread;

use super::*;

fn open(path: &Path, options: Options) -> Result<SharedEngine> {
    Engine::open_shared(path, options, Environment::default())
}

fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn the_last_share_closes() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path(), Options::default()).unwrap();
    let second = open(dir.path(), Options { memtable_bytes: 1 << 20, ..Options::default() }).unwrap();
    first.engine().put("a", "1").unwrap();
    assert_eq!(second.engine().get("a").unwrap().as_deref(), Some(&b"1"[..]));
    first.close().unwrap();
    first.close().unwrap();
    second.engine().put("b", "2").unwrap();
    assert_eq!(kind(Engine::open(dir.path(), Options::default())), Some(ErrorKind::Locked));
    second.close().unwrap();
    assert_eq!(kind(second.engine().get("a")), Some(ErrorKind::Closed));
    let alone = Engine::open(dir.path(), Options::default()).unwrap();
    assert_eq!(alone.get("b").unwrap().as_deref(), Some(&b"2"[..]));
}

#[test]
fn a_dropped_share_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path(), Options::default()).unwrap();
    drop(open(dir.path(), Options::default()).unwrap());
    first.engine().put("a", "1").unwrap();
    drop(first);
    drop(Engine::open(dir.path(), Options::default()).unwrap());
}

#[test]
fn opens_that_meet_a_close_wait_for_it() {
    let dir = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for number in 0..4 {
            let path = dir.path();
            scope.spawn(move || {
                for round in 0..40 {
                    let share = open(path, Options::default()).unwrap();
                    let key = format!("{number} {round}");
                    share.engine().put(&key, "v").unwrap();
                    assert!(share.engine().get(&key).unwrap().is_some());
                    share.close().unwrap();
                }
            });
        }
    });
    let engine = Engine::open(dir.path(), Options::default()).unwrap();
    for (number, round) in (0..4).flat_map(|number| (0..40).map(move |round| (number, round))) {
        assert!(engine.get(format!("{number} {round}")).unwrap().is_some(), "{number} {round}");
    }
}

#[test]
fn a_failed_open_leaves_the_directory_to_others() {
    let dir = tempfile::tempdir().unwrap();
    let never = Options { create_if_missing: false, ..Options::default() };
    assert_eq!(kind(open(dir.path(), never)), Some(ErrorKind::DatabaseNotFound));
    drop(open(dir.path(), Options::default()).unwrap());
}

#[test]
fn a_read_only_share_sees_the_writer_and_does_not_write() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path(), Options::default()).unwrap();
    let reader = open(dir.path(), Options { read_only: true, ..Options::default() }).unwrap();
    writer.writer().unwrap().put("a", "1").unwrap();
    assert_eq!(reader.engine().get("a").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(kind(reader.writer()), Some(ErrorKind::ReadOnly));
}

#[test]
fn a_read_only_open_without_a_writer_stands_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), Options::default()).unwrap());
    let old = open(dir.path(), Options { read_only: true, ..Options::default() }).unwrap();
    let writer = open(dir.path(), Options::default()).unwrap();
    writer.engine().put("a", "1").unwrap();
    assert_eq!(old.engine().get("a").unwrap(), None);
    old.close().unwrap();
    assert!(writer.engine().get("a").unwrap().is_some());
}

#[test]
fn an_open_database_exists() {
    let dir = tempfile::tempdir().unwrap();
    let _open = open(dir.path(), Options::default()).unwrap();
    let fresh = Options { error_if_exists: true, ..Options::default() };
    assert_eq!(kind(open(dir.path(), fresh)), Some(ErrorKind::DatabaseExists));
}

#[test]
fn every_share_hears_until_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let share = |count: &Arc<AtomicUsize>| {
        let count = Arc::clone(count);
        let listener: Listener = Arc::new(move |event| {
            if matches!(event, Event::FlushEnd { .. }) {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        let environment = Environment { listener: Some(listener), ..Environment::default() };
        Engine::open_shared(dir.path(), Options::default(), environment).unwrap()
    };
    let flush = |share: &SharedEngine| {
        share.engine().put("a", "1").unwrap();
        share.engine().flush().unwrap();
    };
    let heard = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
    // A flush is told of by the thread that did it, perhaps after those who waited for it went on.
    let await_counts = |counts: [usize; 2]| {
        for _ in 0..50_000_000 {
            if [0, 1].map(|i| heard[i].load(Ordering::SeqCst)) == counts {
                break;
            }
            std::thread::yield_now();
        }
    };
    let [first, second] = [share(&heard[0]), share(&heard[1])];
    flush(&first);
    await_counts([1, 1]);
    first.close().unwrap();
    flush(&second);
    await_counts([1, 2]);
    second.close().unwrap();
    assert_eq!(heard.map(|count| count.load(Ordering::SeqCst)), [1, 2]);
}

#[test]
fn an_engine_that_was_closed_by_itself_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path(), Options::default()).unwrap();
    first.engine().close().unwrap();
    let second = open(dir.path(), Options::default()).unwrap();
    first.close().unwrap();
    second.engine().put("a", "1").unwrap();
    assert_eq!(kind(Engine::open(dir.path(), Options::default())), Some(ErrorKind::Locked));
}
