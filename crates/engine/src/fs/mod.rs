//! The only door to the operating system.
//!
//! A database lives in one directory, and everything inside it is named by a plain file name relative to
//! that directory's handle: nothing here can reach outside. Three implementations: `os` (real), `sim`
//! (power loss) and `fault` (fails the operation you choose, around either).
//!
//! Callable from any thread. No implementation retries a failed sync, and none maps files into memory (a
//! truncated mapping kills the process with SIGBUS).

pub mod fault;
pub mod names;
#[cfg(unix)]
pub mod os;
mod replace;
pub mod sim;
#[cfg(windows)]
pub mod windows;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub use names::FileName;
pub use replace::replace;
#[cfg(windows)]
pub use windows as os;

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Existing file, for reading.
    Read,
    /// Existing file, for reading and writing.
    ReadWrite,
    /// A new file, for reading and writing; an existing one of that name is an error (`AlreadyExists`).
    CreateNew,
}

/// A file system, or something that behaves like one.
pub trait Fs: Send + Sync + 'static {
    /// Opens a directory; `create` makes it and its parents (mode 0700) when missing, and makes the new entries durable.
    fn open_dir(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Dir>>;
    /// Removes an empty directory and makes its absence durable. `DirectoryNotEmpty` when anything is left in it.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
}

/// An open directory. Names are plain file names: `.`, `..` and names with a separator or NUL in them are
/// `InvalidInput`. Only regular files are opened; symbolic links are refused.
pub trait Dir: Send + Sync + 'static {
    /// Opens or creates a file (mode 0600). `NotFound` when there is none, `AlreadyExists` when there should not be.
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>>;
    /// Renames a file over another, atomically.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names of all entries, in no order. Names that are not UTF-8 are left out: they are not the engine's.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes creations, renames and removals durable. Syncing a file does not do that for its name.
    fn sync(&self) -> io::Result<()>;
    /// Takes the exclusive lock file `name`, creating it; held until dropped or the process dies. `WouldBlock` when
    /// someone else holds it.
    fn lock(&self, name: &str) -> io::Result<Box<dyn DirLock>>;
    /// Bytes free for this user on the file system. `Unsupported` on Windows.
    fn free_space(&self) -> io::Result<u64>;
    /// What identifies the directory in this process: (device, inode); on Windows a hash of its final path.
    fn identity(&self) -> (u64, u64);
}

/// A held lock file; dropping it releases the lock.
pub trait DirLock: Send + Sync {
    /// Replaces the content of the lock file (who holds it).
    fn write_owner(&self, text: &str) -> io::Result<()>;
}

/// An open file. Positioned reads and writes only; safe to share between threads.
#[expect(clippy::len_without_is_empty, reason = "the length is a question to the system, and may fail")]
pub trait File: Send + Sync + 'static {
    /// Reads up to `buffer.len()` bytes at `offset`; fewer only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Like `read_at`, but `None` when it would have to wait for the disk. `Some(n)` may be short.
    fn read_at_nowait(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>>;
    /// Writes all of `bytes` at `offset`. After an error any part of them may have been written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes the content and what is needed to read it back durable (`fdatasync`). Never retry a failure.
    fn sync_data(&self) -> io::Result<()>;
    /// `sync_data` and all metadata (`fsync`). Never retry a failure.
    fn sync_all(&self) -> io::Result<()>;
    /// Cuts or extends the file.
    fn set_len(&self, length: u64) -> io::Result<()>;
    /// The length of the file.
    fn len(&self) -> io::Result<u64>;
    /// What a failed sync does to a disk: the unsynced bytes stay readable and never become durable. Only a
    /// simulated disk acts on it; `fault` calls it when it makes a sync fail.
    fn forget_unsynced(&self) {}
}

/// Fills `buffer` from `offset`; an early end of the file is `UnexpectedEof`.
pub fn read_exact_at(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    match file.read_at(buffer, offset)? {
        n if n == buffer.len() => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
