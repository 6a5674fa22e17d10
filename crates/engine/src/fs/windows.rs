//! The real file system on Windows, with the standard library alone.
//!
//! Callable from any thread. Files are named below the directory's final path (`\\?\C:\…`, links resolved when it is
//! opened), so no name in it means a device, and a link is opened as itself and refused.
//!
//! A directory has nothing to sync: NTFS logs creations, renames and removals in order, and flushing any file of the
//! volume flushes that log up to then. LevelDB, RocksDB, SQLite and LMDB rely on the same.

#![expect(clippy::disallowed_methods, reason = "this is the door")]

use std::fs::{self, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use super::names::check_plain;
use super::{Dir, DirLock, File, Fs, OpenMode};

const FILE_SHARE_READ: u32 = 1;
const FILE_SHARE_DELETE: u32 = 4;
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
const ERROR_SHARING_VIOLATION: i32 = 32;

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsFs;

impl Fs for OsFs {
    fn open_dir(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Dir>> {
        if create {
            fs::create_dir_all(path)?;
        }
        let path = fs::canonicalize(path)?;
        if !fs::metadata(&path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Arc::new(OsDir { path }))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }
}

struct OsDir {
    path: PathBuf,
}

impl OsDir {
    /// The full path of `name`. A colon would name a stream of another file.
    fn full(&self, name: &str) -> io::Result<PathBuf> {
        check_plain(name)?;
        if name.contains(':') {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} names a stream")));
        }
        Ok(self.path.join(name))
    }

    /// Opens the regular file `name`.
    fn open_regular(&self, name: &str, options: &mut OpenOptions) -> io::Result<OsFile> {
        let path = self.full(name)?;
        // Opening a directory fails with a refusal of access: say what it is instead.
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(not_regular());
        }
        let file = options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(not_regular());
        }
        Ok(OsFile { file })
    }
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

impl Dir for OsDir {
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut options = OpenOptions::new();
        match mode {
            OpenMode::Read => options.read(true),
            OpenMode::ReadWrite => options.read(true).write(true),
            OpenMode::CreateNew => {
                if fs::symlink_metadata(self.full(name)?).is_ok() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                options.read(true).write(true).create_new(true)
            }
        };
        Ok(Arc::new(self.open_regular(name, &mut options)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.full(from)?, self.full(to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.full(name)?)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// The lock is the refusal to share the file for writing: it goes when the handle goes, and unlike `LockFileEx` it
    /// lets others read who holds it.
    fn lock(&self, name: &str) -> io::Result<Box<dyn DirLock>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.share_mode(FILE_SHARE_READ | FILE_SHARE_DELETE);
        match self.open_regular(name, &mut options) {
            Ok(file) => Ok(Box::new(OsLock { file })),
            Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            Err(error) => Err(error),
        }
    }

    fn free_space(&self) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The standard library does not tell the number of a file, so this is a hash of the one final path it has.
    fn identity(&self) -> (u64, u64) {
        let hash = xxh3_128(self.path.as_os_str().as_encoded_bytes());
        ((hash >> 64) as u64, hash as u64)
    }
}

struct OsLock {
    file: OsFile,
}

impl DirLock for OsLock {
    fn write_owner(&self, text: &str) -> io::Result<()> {
        self.file.write_all_at(text.as_bytes(), 0)?;
        self.file.set_len(text.len() as u64)
    }
}

struct OsFile {
    file: fs::File,
}

/// Refuses offsets no file has. The system takes the largest two for the end and the current position.
fn check_offset(offset: u64) -> io::Result<()> {
    match i64::try_from(offset) {
        Ok(_) => Ok(()),
        Err(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "offset beyond 2^63")),
    }
}

impl File for OsFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        check_offset(offset)?;
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.seek_read(rest, offset.saturating_add(done as u64))? {
                0 => break,
                n => done += n,
            }
        }
        Ok(done)
    }

    fn read_at_nowait(&self, _buffer: &mut [u8], _offset: u64) -> io::Result<Option<usize>> {
        Ok(None)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        check_offset(offset)?;
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            match self.file.seek_write(rest, offset.saturating_add(done as u64))? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                n => done += n,
            }
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

/// How many tables are kept open: as many as on Unix at most. Windows sets no limit that matters.
pub fn default_open_files() -> usize {
    4_096
}

#[cfg(test)]
mod tests;
