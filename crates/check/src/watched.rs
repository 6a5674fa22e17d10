//! A file system that notes what is done to a directory by an engine that no longer holds its lock.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use mosskv::fs::{Dir, DirLock, File, Fs, OpenMode};

/// `inner`, watched. Clones watch together; meant for one database, opened once.
#[derive(Clone)]
pub struct Watched {
    inner: Arc<dyn Fs>,
    notes: Arc<Notes>,
}

#[derive(Default)]
struct Notes {
    held: AtomicBool,
    late: Mutex<Vec<String>>,
}

impl Notes {
    fn check(&self, what: &str, name: &str) {
        if !self.held.load(Ordering::SeqCst) {
            self.late.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{what} {name}"));
        }
    }
}

impl Watched {
    /// Watches `inner`.
    pub fn new(inner: Arc<dyn Fs>) -> Self {
        Self { inner, notes: Arc::default() }
    }

    /// Everything that was changed or synced while the lock was not held.
    pub fn without_lock(&self) -> Vec<String> {
        self.notes.late.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Fs for Watched {
    fn open_dir(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Dir>> {
        let inner = self.inner.open_dir(path, create)?;
        Ok(Arc::new(WatchedDir { inner, notes: self.notes.clone() }))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_dir(path)
    }
}

struct WatchedDir {
    inner: Arc<dyn Dir>,
    notes: Arc<Notes>,
}

impl Dir for WatchedDir {
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        if mode != OpenMode::Read {
            self.notes.check("open to write", name);
        }
        let inner = self.inner.open(name, mode)?;
        Ok(Arc::new(WatchedFile { inner, name: name.to_owned(), notes: self.notes.clone() }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.notes.check("rename", from);
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.notes.check("remove", name);
        self.inner.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn sync(&self) -> io::Result<()> {
        self.notes.check("sync", "the directory");
        self.inner.sync()
    }

    fn lock(&self, name: &str) -> io::Result<Box<dyn DirLock>> {
        let inner = self.inner.lock(name)?;
        self.notes.held.store(true, Ordering::SeqCst);
        Ok(Box::new(WatchedLock { inner, notes: self.notes.clone() }))
    }

    fn free_space(&self) -> io::Result<u64> {
        self.inner.free_space()
    }

    fn identity(&self) -> (u64, u64) {
        self.inner.identity()
    }
}

struct WatchedLock {
    inner: Box<dyn DirLock>,
    notes: Arc<Notes>,
}

impl DirLock for WatchedLock {
    fn write_owner(&self, text: &str) -> io::Result<()> {
        self.inner.write_owner(text)
    }
}

impl Drop for WatchedLock {
    fn drop(&mut self) {
        self.notes.held.store(false, Ordering::SeqCst);
    }
}

struct WatchedFile {
    inner: Arc<dyn File>,
    name: String,
    notes: Arc<Notes>,
}

impl File for WatchedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn read_at_nowait(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        self.inner.read_at_nowait(buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.notes.check("write", &self.name);
        self.inner.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.notes.check("sync", &self.name);
        self.inner.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.notes.check("sync", &self.name);
        self.inner.sync_all()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.notes.check("cut", &self.name);
        self.inner.set_len(length)
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}
