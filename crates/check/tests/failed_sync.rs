//! A sync of the log fails while another write is on its way to it: both are told, and nothing is synced a second time.
//! (The kernel reports a failed writeback once; a second `fdatasync` may succeed although the bytes are gone.)

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use mosskv::fs::sim::{SimFs, Style};
use mosskv::fs::{Dir, DirLock, File, Fs, OpenMode};
use mosskv::worker::Executor;
use mosskv::{Durability, Engine, Environment, ErrorKind, Options, ReadOptions, WriteBatch};

type Hook = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A simulated disk on which the next sync of a log runs the hook, if there is one, and fails.
struct FailingSync {
    inner: Arc<dyn Fs>,
    hook: Hook,
}

impl Fs for FailingSync {
    fn open_dir(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Dir>> {
        Ok(Arc::new(FailingDir { inner: self.inner.open_dir(path, create)?, hook: self.hook.clone() }))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_dir(path)
    }
}

struct FailingDir {
    inner: Arc<dyn Dir>,
    hook: Hook,
}

impl Dir for FailingDir {
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let inner = self.inner.open(name, mode)?;
        if !name.ends_with(".wal") {
            return Ok(inner);
        }
        Ok(Arc::new(FailingLog { inner, hook: self.hook.clone() }))
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

struct FailingLog {
    inner: Arc<dyn File>,
    hook: Hook,
}

impl File for FailingLog {
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

#[test]
fn a_write_that_came_during_a_failed_sync_is_not_acknowledged() {
    let (disk, hook) = (SimFs::new(), Hook::default());
    let fs = Arc::new(FailingSync { inner: Arc::new(disk.clone()), hook: hook.clone() });
    let executor = Executor::stepped(1);
    let environment = Environment { fs, executor: executor.clone(), listener: None };
    let engine = Engine::open_with("db", Options::default(), environment).unwrap();
    let durable = |key: &str| {
        let mut batch = WriteBatch::new();
        batch.put(key.as_bytes(), b"value").unwrap();
        batch
    };
    engine.write(durable("before"), Some(Durability::Disk)).unwrap();

    let outcome = Arc::new(Mutex::new(None));
    let (late, told, batch) = (engine.clone(), outcome.clone(), durable("meanwhile"));
    *hook.lock().unwrap() = Some(Box::new(move || {
        late.write_then(batch, Some(Durability::Disk), move |result| {
            *told.lock().unwrap() = Some(result);
        });
    }));
    let first = engine.write(durable("during"), Some(Durability::Disk)).unwrap_err();
    assert_eq!(first, ErrorKind::CommitUnknown);
    while executor.step() {}
    let second = outcome.lock().unwrap().take().unwrap();
    assert_eq!(second.unwrap_err(), ErrorKind::CommitUnknown);
    assert!(engine.is_read_only());

    let environment = Environment {
        fs: Arc::new(disk.crash_image(1, Style::OnlySynced)),
        executor: Executor::stepped(2),
        listener: None,
    };
    let reopened = Engine::open_with("db", Options::default(), environment).unwrap();
    let there = |key: &str| reopened.contains(key.as_bytes(), &ReadOptions::default()).unwrap();
    assert_eq!(["before", "during", "meanwhile"].map(there), [true, false, false]);
}
