//! A file system that fails the operation you choose, around any other.
//!
//! ```text
//! engine -> FaultFs -> FaultPlan: the 17th write? -> error
//!              |            else
//!              +-----------------------------------> OsFs or SimFs
//! ```
//!
//! For tests that fail every operation of a workload in turn, as SQLite's do. Callable from any thread; the
//! plan is shared by all files and directories, and may be changed while they are in use. Dropping a lock and asking
//! who a directory is cannot fail, and are not counted.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Dir, DirLock, File, Fs, OpenMode};
use crate::sync::Mutex;

/// What the engine asks of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `Fs::open_dir`.
    OpenDir,
    /// `Fs::remove_dir`.
    RemoveDir,
    /// `Dir::open` of a file that exists.
    Open,
    /// `Dir::open` of a new file.
    Create,
    /// `Dir::rename`.
    Rename,
    /// `Dir::remove`.
    Remove,
    /// `Dir::list`.
    List,
    /// `Dir::sync`.
    SyncDir,
    /// `Dir::lock`.
    Lock,
    /// `Dir::free_space`.
    FreeSpace,
    /// `File::read_at` and `File::read_at_nowait`.
    Read,
    /// `File::write_all_at` and `DirLock::write_owner`.
    Write,
    /// `File::sync_data` and `File::sync_all`.
    Sync,
    /// `File::set_len`.
    SetLen,
    /// `File::len`.
    Len,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 15] = [
        Self::OpenDir,
        Self::RemoveDir,
        Self::Open,
        Self::Create,
        Self::Rename,
        Self::Remove,
        Self::List,
        Self::SyncDir,
        Self::Lock,
        Self::FreeSpace,
        Self::Read,
        Self::Write,
        Self::Sync,
        Self::SetLen,
        Self::Len,
    ];
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// `EIO`; nothing was done. Bytes of a sync that failed so may or may not survive a crash.
    Io,
    /// `ENOSPC`; nothing was done.
    NoSpace,
    /// `EMFILE`; nothing was done.
    TooManyFiles,
    /// `EINTR`; nothing was done.
    Interrupted,
    /// A write puts the first half of its bytes down, then `ENOSPC`. Another operation: as `Io`.
    ShortWrite,
    /// A file's sync fails with `EIO`, and the bytes it was for will not survive a crash, whatever later syncs say.
    /// Another operation: as `Io`.
    LostSync,
    /// `EIO`, although everything was done.
    Late,
}

/// What the system calls the failures.
#[cfg(unix)]
mod code {
    use rustix::io::Errno;

    pub const NO_SPACE: i32 = Errno::NOSPC.raw_os_error();
    pub const TOO_MANY_FILES: i32 = Errno::MFILE.raw_os_error();
    pub const INTERRUPTED: i32 = Errno::INTR.raw_os_error();
    pub const IO: i32 = Errno::IO.raw_os_error();
}

/// What the system calls the failures: `ERROR_DISK_FULL`, `ERROR_TOO_MANY_OPEN_FILES`, `WSAEINTR`, `ERROR_IO_DEVICE`.
#[cfg(windows)]
mod code {
    pub const NO_SPACE: i32 = 112;
    pub const TOO_MANY_FILES: i32 = 4;
    pub const INTERRUPTED: i32 = 10_004;
    pub const IO: i32 = 1_117;
}

impl Failure {
    /// Every failure.
    pub const ALL: [Self; 7] = [
        Self::Io,
        Self::NoSpace,
        Self::TooManyFiles,
        Self::Interrupted,
        Self::ShortWrite,
        Self::LostSync,
        Self::Late,
    ];

    fn error(self, operation: Operation) -> io::Error {
        io::Error::from_raw_os_error(match (self, operation) {
            (Self::NoSpace, _) | (Self::ShortWrite, Operation::Write) => code::NO_SPACE,
            (Self::TooManyFiles, _) => code::TOO_MANY_FILES,
            (Self::Interrupted, _) => code::INTERRUPTED,
            (Self::Io | Self::ShortWrite | Self::LostSync | Self::Late, _) => code::IO,
        })
    }
}

/// Which operation fails, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    failure: Failure,
    at: u64,
    sticky: bool,
    operation: Option<Operation>,
    file: Option<&'static str>,
}

impl Fault {
    /// Fails the operation with index `at`, counted from zero since the fault was armed.
    pub const fn new(failure: Failure, at: u64) -> Self {
        Self { failure, at, sticky: false, operation: None, file: None }
    }

    /// Counts and fails only these operations.
    pub const fn only(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Counts and fails only operations on files whose name contains `part`; so none on directories.
    pub const fn on(self, part: &'static str) -> Self {
        Self { file: Some(part), ..self }
    }

    /// Fails every later one, too, until disarmed.
    pub const fn sticky(self) -> Self {
        Self { sticky: true, ..self }
    }

    fn concerns(&self, operation: Operation, name: &str) -> bool {
        self.operation.is_none_or(|only| only == operation)
            && self.file.is_none_or(|part| name.contains(part))
    }
}

/// What a [`FaultFs`] is to do. Clones are the same plan.
#[derive(Debug, Clone, Default)]
pub struct FaultPlan(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    counts: [u64; Operation::ALL.len()],
    armed: Option<Fault>,
    seen: u64,
    fired: u64,
}

impl FaultPlan {
    /// A plan that fails nothing, and counts.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on `fault` holds, instead of the one before.
    pub fn arm(&self, fault: Fault) {
        let mut plan = self.0.lock();
        (plan.armed, plan.seen) = (Some(fault), 0);
    }

    /// From now on nothing fails.
    pub fn disarm(&self) {
        self.0.lock().armed = None;
    }

    /// How many operations there were, failed ones included, since the plan was made.
    pub fn operations(&self) -> u64 {
        self.0.lock().counts.iter().sum()
    }

    /// How many of this kind.
    pub fn count(&self, operation: Operation) -> u64 {
        self.0.lock().counts.get(operation as usize).copied().unwrap_or(0)
    }

    /// How many operations were made to fail.
    pub fn fired(&self) -> u64 {
        self.0.lock().fired
    }

    /// Counts an operation on `name`, and says whether it is to fail.
    fn check(&self, operation: Operation, name: &str) -> Option<Failure> {
        let mut plan = self.0.lock();
        if let Some(count) = plan.counts.get_mut(operation as usize) {
            *count += 1;
        }
        let fault = plan.armed.filter(|fault| fault.concerns(operation, name))?;
        let index = plan.seen;
        plan.seen += 1;
        if index != fault.at && !(fault.sticky && index > fault.at) {
            return None;
        }
        plan.fired += 1;
        Some(fault.failure)
    }

    /// Carries out an operation, or fails it.
    fn run<T>(
        &self,
        operation: Operation,
        name: &str,
        work: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        self.run_or(operation, name, work, |_| Ok(()))
    }

    /// As `run`; `partly` does what a failure of this kind still does.
    fn run_or<T>(
        &self,
        operation: Operation,
        name: &str,
        work: impl FnOnce() -> io::Result<T>,
        partly: impl FnOnce(Failure) -> io::Result<()>,
    ) -> io::Result<T> {
        match self.check(operation, name) {
            None => work(),
            Some(failure) => {
                match failure {
                    Failure::Late => drop(work()?),
                    _ => partly(failure)?,
                }
                Err(failure.error(operation))
            }
        }
    }
}

/// A file system whose operations fail as its [`FaultPlan`] says.
#[derive(Clone)]
pub struct FaultFs {
    inner: Arc<dyn Fs>,
    plan: FaultPlan,
}

impl FaultFs {
    /// `inner`, failing as `plan` says.
    pub fn new(inner: Arc<dyn Fs>, plan: FaultPlan) -> Self {
        Self { inner, plan }
    }
}

fn last_name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

impl Fs for FaultFs {
    fn open_dir(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Dir>> {
        let open = || self.inner.open_dir(path, create);
        let inner = self.plan.run(Operation::OpenDir, &last_name(path), open)?;
        Ok(Arc::new(FaultDir { inner, plan: self.plan.clone() }))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.plan.run(Operation::RemoveDir, &last_name(path), || self.inner.remove_dir(path))
    }
}

struct FaultDir {
    inner: Arc<dyn Dir>,
    plan: FaultPlan,
}

impl Dir for FaultDir {
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let operation = match mode {
            OpenMode::CreateNew => Operation::Create,
            OpenMode::Read | OpenMode::ReadWrite => Operation::Open,
        };
        let inner = self.plan.run(operation, name, || self.inner.open(name, mode))?;
        Ok(Arc::new(FaultFile { inner, name: name.to_owned(), plan: self.plan.clone() }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.plan.run(Operation::Rename, &format!("{from} {to}"), || self.inner.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.plan.run(Operation::Remove, name, || self.inner.remove(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.plan.run(Operation::List, "", || self.inner.list())
    }

    fn sync(&self) -> io::Result<()> {
        self.plan.run(Operation::SyncDir, "", || self.inner.sync())
    }

    fn lock(&self, name: &str) -> io::Result<Box<dyn DirLock>> {
        let inner = self.plan.run(Operation::Lock, name, || self.inner.lock(name))?;
        Ok(Box::new(FaultLock { inner, name: name.to_owned(), plan: self.plan.clone() }))
    }

    fn free_space(&self) -> io::Result<u64> {
        self.plan.run(Operation::FreeSpace, "", || self.inner.free_space())
    }

    fn identity(&self) -> (u64, u64) {
        self.inner.identity()
    }
}

struct FaultLock {
    inner: Box<dyn DirLock>,
    name: String,
    plan: FaultPlan,
}

impl DirLock for FaultLock {
    fn write_owner(&self, text: &str) -> io::Result<()> {
        self.plan.run(Operation::Write, &self.name, || self.inner.write_owner(text))
    }
}

struct FaultFile {
    inner: Arc<dyn File>,
    name: String,
    plan: FaultPlan,
}

impl FaultFile {
    fn sync(&self, work: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.plan.run_or(Operation::Sync, &self.name, work, |failure| {
            if failure == Failure::LostSync {
                self.inner.forget_unsynced();
            }
            Ok(())
        })
    }
}

impl File for FaultFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.plan.run(Operation::Read, &self.name, || self.inner.read_at(buffer, offset))
    }

    fn read_at_nowait(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        self.plan.run(Operation::Read, &self.name, || self.inner.read_at_nowait(buffer, offset))
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let write = |bytes| self.inner.write_all_at(bytes, offset);
        self.plan.run_or(
            Operation::Write,
            &self.name,
            || write(bytes),
            |failure| match failure {
                Failure::ShortWrite => write(bytes.get(..bytes.len() / 2).unwrap_or_default()),
                _ => Ok(()),
            },
        )
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync(|| self.inner.sync_data())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync(|| self.inner.sync_all())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.plan.run(Operation::SetLen, &self.name, || self.inner.set_len(length))
    }

    fn len(&self) -> io::Result<u64> {
        self.plan.run(Operation::Len, &self.name, || self.inner.len())
    }

    fn forget_unsynced(&self) {
        self.inner.forget_unsynced();
    }
}

#[cfg(test)]
mod tests;
