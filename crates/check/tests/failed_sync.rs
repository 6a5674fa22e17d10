//! A sync of the log fails while another write, or a rotation, is on its way to it: everyone is told, and the log is not
//! synced a second time. (The kernel reports a failed writeback once; a second `fdatasync` may succeed although the
//! bytes are gone.)

#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![expect(clippy::disallowed_methods, reason = "a second thread, that is given time")]

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mosskv::fs::sim::{SimFs, Style};
use mosskv::fs::{Dir, DirLock, File, Fs, OpenMode};
use mosskv::worker::Executor;
use mosskv::{Durability, Engine, Environment, Error, ErrorKind, Options, ReadOptions, WriteBatch};

type Hook = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A simulated disk on which the next sync of a file with `of` in its name, if there is a hook, loses the bytes, runs the
/// hook, and fails.
struct FailingSync {
    inner: Arc<dyn Fs>,
    of: &'static str,
    hook: Hook,
}

impl Fs for FailingSync {
    fn open_dir(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Dir>> {
        let (inner, hook) = (self.inner.open_dir(path, create)?, self.hook.clone());
        Ok(Arc::new(FailingDir { inner, of: self.of, hook }))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_dir(path)
    }
}

struct FailingDir {
    inner: Arc<dyn Dir>,
    of: &'static str,
    hook: Hook,
}

impl Dir for FailingDir {
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let inner = self.inner.open(name, mode)?;
        if !name.contains(self.of) {
            return Ok(inner);
        }
        Ok(Arc::new(FailingFile { inner, hook: self.hook.clone() }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn sync(&self) -> io::Result<()> {
        self.inner.sync()
    }

    fn lock(&self, name: &str) -> io::Result<Box<dyn DirLock>> {
        self.inner.lock(name)
    }

    fn free_space(&self) -> io::Result<u64> {
        self.inner.free_space()
    }

    fn identity(&self) -> (u64, u64) {
        self.inner.identity()
    }
}

struct FailingFile {
    inner: Arc<dyn File>,
    hook: Hook,
}

impl File for FailingFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn read_at_nowait(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        self.inner.read_at_nowait(buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.inner.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        let hook = self.hook.lock().unwrap().take();
        let Some(hook) = hook else { return self.inner.sync_data() };
        self.inner.forget_unsynced();
        hook();
        self.inner.forget_unsynced();
        Err(io::Error::other("the disk is gone"))
    }

    fn sync_all(&self) -> io::Result<()> {
        self.inner.sync_all()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.inner.set_len(length)
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}

/// An engine on such a disk, driven step by step, with one write that is durable.
struct Failing {
    disk: SimFs,
    hook: Hook,
    executor: Executor,
    engine: Engine,
}

impl Failing {
    fn new() -> Self {
        Self::of(".wal")
    }

    fn of(of: &'static str) -> Self {
        let (disk, hook) = (SimFs::new(), Hook::default());
        let fs = Arc::new(FailingSync { inner: Arc::new(disk.clone()), of, hook: hook.clone() });
        let executor = Executor::stepped(1);
        let environment = Environment { fs, executor: executor.clone(), listener: None };
        let options = Options { memtable_bytes: 64 << 10, ..Options::default() };
        let engine = Engine::open_with("db", options, environment).unwrap();
        engine.write(batch("before", 1), Some(Durability::Disk)).unwrap();
        Self { disk, hook, executor, engine }
    }

    fn fail_next_sync(&self, meanwhile: impl FnOnce() + Send + 'static) {
        *self.hook.lock().unwrap() = Some(Box::new(meanwhile));
    }

    fn after_power_loss<const N: usize>(&self, keys: [&str; N]) -> [bool; N] {
        after_power_loss(&self.disk, keys)
    }
}

/// Which keys are there after power loss.
fn after_power_loss<const N: usize>(disk: &SimFs, keys: [&str; N]) -> [bool; N] {
    let fs = Arc::new(disk.crash_image(1, Style::OnlySynced));
    let environment = Environment { fs, executor: Executor::stepped(2), listener: None };
    let reopened = Engine::open_with("db", Options::default(), environment).unwrap();
    keys.map(|key| reopened.contains(key.as_bytes(), &ReadOptions::default()).unwrap())
}

fn batch(key: &str, bytes: usize) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(key.as_bytes(), &vec![0; bytes]).unwrap();
    batch
}

/// What a write with a callback was told.
type Outcome = Arc<Mutex<Option<Result<(), Error>>>>;

/// A durable write with a callback.
fn write_then(engine: &Engine, key: &str, outcome: &Outcome) {
    let told = outcome.clone();
    engine.write_then(batch(key, 1), Some(Durability::Disk), move |result| {
        *told.lock().unwrap() = Some(result);
    });
}

fn told(outcome: &Outcome) -> Error {
    let told = outcome.lock().unwrap().take();
    told.unwrap().unwrap_err()
}

#[test]
fn a_write_that_came_during_a_failed_sync_is_not_acknowledged() {
    let failing = Failing::new();
    let outcome = Outcome::default();
    let (late, told_late) = (failing.engine.clone(), outcome.clone());
    failing.fail_next_sync(move || write_then(&late, "meanwhile", &told_late));
    let first = failing.engine.write(batch("during", 1), Some(Durability::Disk)).unwrap_err();
    assert_eq!(first, ErrorKind::CommitUnknown);
    while failing.executor.step() {}
    assert_eq!(told(&outcome), ErrorKind::CommitUnknown);
    assert!(failing.engine.is_read_only());
    assert_eq!(failing.after_power_loss(["before", "during", "meanwhile"]), [true, false, false]);
}

#[test]
fn a_write_that_waits_when_a_rotation_cannot_sync_is_not_acknowledged() {
    let failing = Failing::new();
    let outcome = Outcome::default();
    write_then(&failing.engine, "waiting", &outcome);
    failing.fail_next_sync(|| {});
    failing.engine.flush().unwrap_err();
    while failing.executor.step() {}
    assert_eq!(told(&outcome), ErrorKind::CommitUnknown);
    assert_eq!(failing.after_power_loss(["before", "waiting"]), [true, false]);
}

#[test]
fn a_resume_gives_up_the_writes_that_waited_and_takes_new_ones() {
    let failing = Failing::new();
    let outcome = Outcome::default();
    write_then(&failing.engine, "waiting", &outcome);
    failing.fail_next_sync(|| {});
    failing.engine.flush().unwrap_err();
    failing.engine.resume().unwrap();
    assert_eq!(told(&outcome), ErrorKind::CommitUnknown);
    while failing.executor.step() {}
    failing.engine.write(batch("after", 1), Some(Durability::Disk)).unwrap();
    assert_eq!(failing.after_power_loss(["before", "waiting", "after"]), [true; 3]);
}

#[test]
fn a_rotation_beside_a_failed_sync_does_not_vouch_for_the_log() {
    let failing = Failing::new();
    let engine = failing.engine.clone();
    let rotating = Arc::new(Mutex::new(None));
    let handle = rotating.clone();
    failing.fail_next_sync(move || {
        // The memtable is full: this write rotates. It has time to, unless it waits for this sync.
        let other = std::thread::spawn(move || engine.write(batch("rotates", 1), Some(Durability::Os)));
        for _ in 0..100 {
            if other.is_finished() {
                break;
            }
            std::thread::sleep(Duration::from_millis(3));
        }
        *handle.lock().unwrap() = Some(other);
    });
    let filling = failing.engine.write(batch("fills", 80 << 10), Some(Durability::Disk)).unwrap_err();
    assert_eq!(filling, ErrorKind::CommitUnknown);
    let rotated = rotating.lock().unwrap().take().unwrap().join().unwrap();
    assert_eq!(failing.after_power_loss(["before", "fills", "rotates"]), [true, false, false]);
    rotated.unwrap_err();
}

#[test]
fn a_log_is_not_written_over_before_the_manifest_on_disk_gives_it_up() {
    let failing = Failing::of("MANIFEST");
    let (engine, disk) = (failing.engine.clone(), failing.disk.clone());
    let found = Arc::new(Mutex::new(None));
    let tell = found.clone();
    failing.fail_next_sync(move || {
        engine.write(batch("fills", 80 << 10), Some(Durability::Disk)).unwrap();
        engine.write(batch("rotates", 1), Some(Durability::Disk)).unwrap();
        *tell.lock().unwrap() = Some(after_power_loss(&disk, ["before", "fills", "rotates"]));
    });
    failing.engine.flush().unwrap_err();
    assert_eq!(found.lock().unwrap().take(), Some([true; 3]));
}
