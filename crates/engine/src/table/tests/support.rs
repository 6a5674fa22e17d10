//! What the table tests share: a directory in memory whose bytes can be damaged, and tables built in it.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::cache::{BlockCache, TableCache};
use crate::fs::names::FileName;
use crate::fs::{Dir, DirLock, File, OpenMode};
use crate::options::Compression;
use crate::range_del::RangeTombstone;
use crate::table::{BuildOptions, Table, TableBuilder, TableContext};
use crate::version::TableMeta;

/// A directory in memory. Counts opens and reads; files can be overwritten from outside.
#[derive(Default)]
pub(crate) struct MemoryDir {
    files: Mutex<HashMap<String, Arc<MemoryFile>>>,
    pub(crate) opens: AtomicUsize,
}

#[derive(Default)]
pub(crate) struct MemoryFile {
    pub(crate) bytes: Mutex<Vec<u8>>,
    pub(crate) reads: AtomicUsize,
    pub(crate) syncs: AtomicUsize,
    pub(crate) fail_reads: std::sync::atomic::AtomicBool,
    pub(crate) resident: std::sync::atomic::AtomicBool,
}

impl MemoryDir {
    pub(crate) fn file(&self, number: u64) -> Arc<MemoryFile> {
        self.files.lock().unwrap()[&FileName::Table(number).to_string()].clone()
    }

    pub(crate) fn put(&self, number: u64, bytes: Vec<u8>) {
        let file = MemoryFile { bytes: Mutex::new(bytes), ..MemoryFile::default() };
        self.files.lock().unwrap().insert(FileName::Table(number).to_string(), Arc::new(file));
    }
}

impl Dir for MemoryDir {
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut files = self.files.lock().unwrap();
        if mode == OpenMode::CreateNew {
            files.insert(name.to_owned(), Arc::default());
        }
        self.opens.fetch_add(1, Ordering::Relaxed);
        match files.get(name) {
            Some(file) => Ok(Arc::new(Handle(file.clone()))),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.lock().unwrap().remove(name);
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.files.lock().unwrap().keys().cloned().collect())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _: &str) -> io::Result<Box<dyn DirLock>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn free_space(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn identity(&self) -> (u64, u64) {
        (0, 0)
    }
}

struct Handle(Arc<MemoryFile>);

impl File for Handle {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        if self.0.fail_reads.load(Ordering::Relaxed) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let bytes = self.0.bytes.lock().unwrap();
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn read_at_nowait(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        match self.0.resident.load(Ordering::Relaxed) {
            true => self.read_at(buffer, offset).map(Some),
            false => Ok(None),
        }
    }

    fn write_all_at(&self, new: &[u8], offset: u64) -> io::Result<()> {
        let mut bytes = self.0.bytes.lock().unwrap();
        let end = offset as usize + new.len();
        let length = bytes.len().max(end);
        bytes.resize(length, 0);
        bytes[offset as usize..end].copy_from_slice(new);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync_all()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.bytes.lock().unwrap().resize(length as usize, 0);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.bytes.lock().unwrap().len() as u64)
    }
}

/// A record: user key, trailer, value.
pub(crate) type Record = (Vec<u8>, u64, Vec<u8>);

pub(crate) const PLAIN: BuildOptions =
    BuildOptions { compression: Compression::None, filter_bits_per_key: 10, block_bytes: 512 };

pub(crate) fn build(
    dir: &MemoryDir,
    number: u64,
    options: BuildOptions,
    records: &[Record],
    ranges: &[RangeTombstone],
) -> TableMeta {
    let file = dir.open(&FileName::Table(number).to_string(), OpenMode::CreateNew).unwrap();
    let mut builder = TableBuilder::new(file, number, options);
    for (key, trailer, value) in records {
        builder.add(key, *trailer, value).unwrap();
        assert_eq!(builder.last_user_key(), key);
    }
    for range in ranges {
        builder.add_range_del(range).unwrap();
    }
    let meta = builder.finish().unwrap();
    assert_eq!(dir.file(number).syncs.load(Ordering::Relaxed), 1);
    meta
}

pub(crate) fn context(
    dir: &Arc<MemoryDir>,
    cache_bytes: usize,
    files: usize,
    paranoid: bool,
) -> Arc<TableContext> {
    TableContext::new(
        dir.clone(),
        BlockCache::new(cache_bytes),
        TableCache::new(files),
        paranoid,
        Box::new(|_| {}),
        Box::new(|_| {}),
    )
}

pub(crate) fn open(dir: &Arc<MemoryDir>, meta: &TableMeta) -> Arc<Table> {
    Table::new(meta.clone(), context(dir, 1 << 20, 10, false))
}

pub(crate) fn range(start: &[u8], end: &[u8], seqno: u64) -> RangeTombstone {
    RangeTombstone { start: start.into(), end: end.into(), seqno }
}
