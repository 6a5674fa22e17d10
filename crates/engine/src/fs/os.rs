//! The real file system on Unix, through one directory handle and `*at` calls that follow no symbolic link.
//!
//! Callable from any thread. Only regular files are opened: a pipe or a device under a table's name is an
//! error, not a hang. Interrupted reads and writes go on; an interrupted sync is a failed one.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rustix::fs::{self as sys, AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::names::check_plain;
use super::{Dir, DirLock, File, Fs, OpenMode};

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsFs;

impl Fs for OsFs {
    fn open_dir(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Dir>> {
        let path = without_dots(path);
        if create {
            create_dirs(&path)?;
        }
        Ok(Arc::new(OsDir { handle: open_dir(&path)? }))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let path = without_dots(path);
        sys::unlinkat(sys::CWD, &path, AtFlags::REMOVEDIR)?;
        sync_parent(&path)
    }
}

/// `path` without `.` components, so that its parent is the directory that holds its last name.
fn without_dots(path: &Path) -> PathBuf {
    let plain: PathBuf = path.components().filter(|part| part.as_os_str() != ".").collect();
    if plain.as_os_str().is_empty() && !path.as_os_str().is_empty() { PathBuf::from(".") } else { plain }
}

fn open_dir(path: &Path) -> io::Result<OwnedFd> {
    Ok(sys::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// The directory `path` has its entry in; `None` for a root or an empty path.
fn parent(path: &Path) -> Option<&Path> {
    path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

fn sync_parent(path: &Path) -> io::Result<()> {
    Ok(sys::fsync(open_dir(parent(path).unwrap_or(path))?)?)
}

/// Makes `path` and its missing parents, syncing the parent of each new directory.
fn create_dirs(path: &Path) -> io::Result<()> {
    let made = match (sys::mkdir(path, Mode::RWXU), parent(path)) {
        (Err(Errno::NOENT), Some(parent)) if parent != Path::new(".") => {
            create_dirs(parent)?;
            sys::mkdir(path, Mode::RWXU)
        }
        (made, _) => made,
    };
    match made {
        Ok(()) => sync_parent(path),
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

struct OsDir {
    handle: OwnedFd,
}

const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

impl OsDir {
    /// Opens the regular file `name`. Without `NONBLOCK`, opening a pipe would wait for its writer.
    fn open_regular(&self, name: &str, flags: OFlags) -> io::Result<OsFile> {
        check_plain(name)?;
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let handle = rustix::io::retry_on_intr(|| sys::openat(&self.handle, name, flags, FILE_MODE))?;
        let mode = sys::fstat(&handle)?.st_mode;
        if FileType::from_raw_mode(mode) != FileType::RegularFile {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(OsFile { handle })
    }
}

/// What is freed of a file at once.
const FREED_BYTES: u64 = 1 << 20;

/// Frees a file that was unlinked, piece by piece: the kernel frees 64 MiB in 4 to 6 ms, and one without preemption keeps
/// the processor for as long. A file with another name (a hard link) is left alone, and what goes wrong goes to the last
/// close.
fn free_in_pieces(file: &OwnedFd) {
    let Ok(stat) = sys::fstat(file) else { return };
    let mut left = if stat.st_nlink == 0 { u64::try_from(stat.st_size).unwrap_or(0) } else { 0 };
    while left > FREED_BYTES {
        left -= FREED_BYTES;
        if sys::ftruncate(file, left).is_err() {
            return;
        }
        thread::yield_now();
    }
}

impl Dir for OsDir {
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let flags = match mode {
            OpenMode::Read => OFlags::RDONLY,
            OpenMode::ReadWrite => OFlags::RDWR,
            OpenMode::CreateNew => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
        };
        Ok(Arc::new(self.open_regular(name, flags)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_plain(from)?;
        check_plain(to)?;
        Ok(sys::renameat(&self.handle, from, &self.handle, to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        check_plain(name)?;
        let file = self.open_regular(name, OFlags::WRONLY);
        sys::unlinkat(&self.handle, name, AtFlags::empty())?;
        if let Ok(file) = file {
            free_in_pieces(&file.handle);
        }
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in sys::Dir::read_from(&self.handle)? {
            match entry?.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        Ok(names)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(sys::fsync(&self.handle)?)
    }

    fn lock(&self, name: &str) -> io::Result<Box<dyn DirLock>> {
        let file = self.open_regular(name, OFlags::RDWR | OFlags::CREATE)?;
        sys::flock(&file.handle, FlockOperation::NonBlockingLockExclusive)?;
        // The last holder may have removed the file between our open and our lock: then what we hold is a
        // nameless file, and somebody else may hold the one that has the name now.
        let held = sys::fstat(&file.handle)?;
        match sys::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(named) if (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino) => {
                Ok(Box::new(OsLock { file }))
            }
            Ok(_) | Err(Errno::NOENT) => Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => Err(error.into()),
        }
    }

    fn free_space(&self) -> io::Result<u64> {
        let stat = sys::fstatvfs(&self.handle)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn identity(&self) -> (u64, u64) {
        sys::fstat(&self.handle).map_or((0, 0), |stat| (stat.st_dev as _, stat.st_ino))
    }
}

struct OsLock {
    file: OsFile,
}

impl DirLock for OsLock {
    fn write_owner(&self, text: &str) -> io::Result<()> {
        // Not emptied first: ext4 takes up to a few milliseconds to give the block back.
        self.file.write_all_at(text.as_bytes(), 0)?;
        self.file.set_len(text.len() as u64)
    }
}

struct OsFile {
    handle: OwnedFd,
}

/// Refuses offsets no file has. The system takes the largest for "where the last read ended".
fn check_offset(offset: u64) -> io::Result<()> {
    match i64::try_from(offset) {
        Ok(_) => Ok(()),
        Err(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "offset beyond 2^63")),
    }
}

/// Makes a file durable. On Apple systems only this call empties the drive's own cache.
#[cfg(target_vendor = "apple")]
fn sync_file(handle: &OwnedFd, _metadata: bool) -> io::Result<()> {
    Ok(sys::fcntl_fullfsync(handle)?)
}

/// Makes a file durable: its content, and all its `metadata` if asked for.
#[cfg(not(target_vendor = "apple"))]
fn sync_file(handle: &OwnedFd, metadata: bool) -> io::Result<()> {
    let done = if metadata { sys::fsync(handle) } else { sys::fdatasync(handle) };
    done.map_err(io::Error::from)
}

impl File for OsFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        check_offset(offset)?;
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match rustix::io::pread(&self.handle, rest, offset.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(done)
    }

    #[cfg(target_os = "linux")]
    fn read_at_nowait(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        check_offset(offset)?;
        let mut slices = [io::IoSliceMut::new(buffer)];
        match rustix::io::preadv2(&self.handle, &mut slices, offset, rustix::io::ReadWriteFlags::NOWAIT) {
            Ok(n) => Ok(Some(n)),
            Err(Errno::AGAIN | Errno::INTR | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn read_at_nowait(&self, _buffer: &mut [u8], _offset: u64) -> io::Result<Option<usize>> {
        Ok(None)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        check_offset(offset)?;
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            match rustix::io::pwrite(&self.handle, rest, offset.saturating_add(done as u64)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        sync_file(&self.handle, false)
    }

    fn sync_all(&self) -> io::Result<()> {
        sync_file(&self.handle, true)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        Ok(sys::ftruncate(&self.handle, length)?)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(sys::fstat(&self.handle)?.st_size as u64)
    }
}

#[cfg(test)]
mod tests;

/// Half of the descriptors this process may open, at most 4,096: the rest is the program's.
pub fn default_open_files() -> usize {
    let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    (allowed.unwrap_or(u64::MAX) / 2).clamp(16, 4_096) as usize
}
