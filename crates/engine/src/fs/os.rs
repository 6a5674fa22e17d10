//! The real file system, through one directory handle and `*at` calls that follow no symbolic link.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{self as sys, AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, ReadWriteFlags};

use super::{Dir, DirLock, File, Fs, OpenMode};

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsFs;

impl Fs for OsFs {
    fn open_dir(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Dir>> {
        if create {
            create_dirs(path)?;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Arc::new(OsDir { handle: sys::open(path, flags, Mode::empty())? }))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        sys::unlinkat(sys::CWD, path, AtFlags::REMOVEDIR)?;
        sync_parent(path)
    }
}

/// Makes the entry of `path` in its parent directory durable.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let handle = sys::open(parent, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(sys::fsync(handle)?)
}

/// Makes `path` and its missing parents, syncing the parent of each new directory.
fn create_dirs(path: &Path) -> io::Result<()> {
    match sys::mkdir(path, Mode::RWXU) {
        Ok(()) => sync_parent(path),
        Err(Errno::EXIST) => Ok(()),
        Err(Errno::NOENT) => match path.parent().filter(|p| !p.as_os_str().is_empty()) {
            Some(parent) => {
                create_dirs(parent)?;
                create_dirs(path)
            }
            None => Err(Errno::NOENT.into()),
        },
        Err(error) => Err(error.into()),
    }
}

struct OsDir {
    handle: OwnedFd,
}

const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

impl Dir for OsDir {
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let flags = OFlags::CLOEXEC
            | OFlags::NOFOLLOW
            | match mode {
                OpenMode::Read => OFlags::RDONLY,
                OpenMode::CreateNew => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
            };
        Ok(Arc::new(OsFile { handle: sys::openat(&self.handle, name, flags, FILE_MODE)? }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(sys::renameat(&self.handle, from, &self.handle, to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        Ok(sys::unlinkat(&self.handle, name, AtFlags::empty())?)
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
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let handle = sys::openat(&self.handle, name, flags, FILE_MODE)?;
        sys::flock(&handle, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(OsLock { handle }))
    }

    fn free_space(&self) -> io::Result<u64> {
        let stat = sys::fstatvfs(&self.handle)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn identity(&self) -> (u64, u64) {
        sys::fstat(&self.handle).map_or((0, 0), |stat| (stat.st_dev, stat.st_ino))
    }
}

struct OsLock {
    handle: OwnedFd,
}

impl DirLock for OsLock {
    fn write_owner(&self, text: &str) -> io::Result<()> {
        sys::ftruncate(&self.handle, 0)?;
        rustix::io::pwrite(&self.handle, text.as_bytes(), 0)?;
        Ok(())
    }
}

struct OsFile {
    handle: OwnedFd,
}

impl File for OsFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match rustix::io::pread(&self.handle, rest, offset + done as u64) {
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
        let mut slices = [io::IoSliceMut::new(buffer)];
        match rustix::io::preadv2(&self.handle, &mut slices, offset, ReadWriteFlags::NOWAIT) {
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
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            match rustix::io::pwrite(&self.handle, rest, offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(sys::fdatasync(&self.handle)?)
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(sys::fsync(&self.handle)?)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        Ok(sys::ftruncate(&self.handle, length)?)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(sys::fstat(&self.handle)?.st_size as u64)
    }
}
