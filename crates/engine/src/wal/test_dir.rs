//! A directory in memory for the tests of the log files: its bytes can be changed at will, it records the order of
//! operations, and it fails the one it is told to.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::fs::{Dir, DirLock, File, OpenMode};

#[derive(Default)]
struct Shared {
    files: Mutex<BTreeMap<String, Arc<Mutex<Vec<u8>>>>>,
    trace: Mutex<Vec<String>>,
    fail: Mutex<Option<String>>,
}

#[derive(Clone, Default)]
pub(crate) struct TestDir(Arc<Shared>);

impl TestDir {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn as_dir(&self) -> Arc<dyn Dir> {
        Arc::new(self.clone())
    }

    /// The content of a file.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        self.0.files.lock()[name].lock().clone()
    }

    /// Makes `bytes` the content of a file.
    pub(crate) fn set(&self, name: &str, bytes: &[u8]) {
        self.0.files.lock().insert(name.to_owned(), Arc::new(Mutex::new(bytes.to_vec())));
    }

    /// What was done since the last call, as `operation file`.
    pub(crate) fn trace(&self) -> Vec<String> {
        std::mem::take(&mut self.0.trace.lock())
    }

    /// Fails every operation of this trace line from now on; a failing write still writes its first half.
    pub(crate) fn fail(&self, line: &str) {
        *self.0.fail.lock() = Some(line.to_owned());
    }

    pub(crate) fn heal(&self) {
        *self.0.fail.lock() = None;
    }

    fn record(&self, line: String) -> io::Result<()> {
        let failing = self.0.fail.lock().as_ref() == Some(&line);
        self.0.trace.lock().push(line);
        if failing { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Dir for TestDir {
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut files = self.0.files.lock();
        if mode == OpenMode::CreateNew {
            self.record(format!("create {name}"))?;
            if files.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            files.insert(name.to_owned(), Arc::default());
        }
        let bytes = Arc::clone(files.get(name).ok_or(io::ErrorKind::NotFound)?);
        Ok(Arc::new(TestFile { dir: self.clone(), name: name.to_owned(), bytes }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.record(format!("rename {from} {to}"))?;
        let mut files = self.0.files.lock();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.files.lock().remove(name).map(|_| ()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.files.lock().keys().cloned().collect())
    }

    fn sync(&self) -> io::Result<()> {
        self.record("sync directory".to_owned())
    }

    fn lock(&self, _name: &str) -> io::Result<Box<dyn DirLock>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn free_space(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn identity(&self) -> (u64, u64) {
        (0, 0)
    }
}

struct TestFile {
    dir: TestDir,
    name: String,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl File for TestFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.dir.0.fail.lock().as_ref() == Some(&format!("read {}", self.name)) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let bytes = self.bytes.lock();
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn read_at_nowait(&self, _buffer: &mut [u8], _offset: u64) -> io::Result<Option<usize>> {
        Ok(None)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let recorded = self.dir.record(format!("write {}", self.name));
        let written = if recorded.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        let mut content = self.bytes.lock();
        let end = offset as usize + written.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[offset as usize..end].copy_from_slice(written);
        recorded
    }

    fn sync_data(&self) -> io::Result<()> {
        self.dir.record(format!("sync {}", self.name))
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.bytes.lock().resize(length as usize, 0);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().len() as u64)
    }
}
