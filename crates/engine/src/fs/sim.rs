//! A disk in memory that can lose power, for tests.
//!
//! What a program sees and what survives are kept apart, as in Pebble's strict file system: a file has
//! its durable bytes and a log of changes no sync has covered; a directory has its durable entries and a log
//! of creations, renames and removals. Syncing a file says nothing about its name; syncing the directory
//! does. [`SimFs::crash_image`] makes one of the disks that may be found after power loss.
//!
//! ```text
//! SimFs -> directory: entries now | durable entries | [link, rename, unlink ...]
//!            file:    bytes now   | durable bytes   | [write, set_len ...]
//! ```
//!
//! Callable from any thread. Every change takes one lock, so an image is a state between two operations.
//! Same calls, same seed, same image. What it assumes of the medium: a 512-byte sector is written whole or not
//! at all, a rename is atomic, and bytes once synced stay.

mod directory;
mod file;
mod image;

use std::io;
use std::path::{Component, Path};
use std::sync::Arc;
// Not from `sync`: the count of disks outlives a checked schedule.
use std::sync::atomic::{AtomicU64, Ordering};

use self::directory::{Directory, Node};
use self::file::FileNode;
pub use self::image::Style;
use super::names::check_plain;
use super::{Dir, DirLock, File, Fs, OpenMode};
use crate::sync::{Mutex, MutexGuard};

/// Bytes a new disk has room for.
const CAPACITY: u64 = 4 << 30;
/// How many removed files an image may find stale bytes of.
const GRAVES: usize = 8;

/// A simulated disk. Clones are the same disk.
#[derive(Clone)]
pub struct SimFs(Arc<Shared>);

struct Shared {
    device: u64,
    disk: Mutex<Disk>,
}

struct Disk {
    root: Arc<Directory>,
    next_inode: u64,
    operations: u64,
    last_operation: String,
    crash_at: Option<u64>,
    crashed: bool,
    capacity: u64,
    used: u64,
    cold: bool,
    graves: Vec<Arc<Vec<u8>>>,
}

impl Default for SimFs {
    fn default() -> Self {
        Self::new()
    }
}

impl SimFs {
    /// An empty disk of 4 GiB.
    pub fn new() -> Self {
        Self::with(Directory::new(1, Default::default()), 2, Vec::new())
    }

    fn with(root: Arc<Directory>, next_inode: u64, graves: Vec<Arc<Vec<u8>>>) -> Self {
        static DEVICES: AtomicU64 = AtomicU64::new(0);
        // Far from the numbers of real devices, so that no simulated directory is taken for a real one.
        let device = u64::MAX - DEVICES.fetch_add(1, Ordering::Relaxed);
        let used = root.bytes();
        let disk = Disk {
            root,
            next_inode,
            operations: 0,
            last_operation: String::new(),
            crash_at: None,
            crashed: false,
            capacity: CAPACITY,
            used,
            cold: false,
            graves,
        };
        Self(Arc::new(Shared { device, disk: Mutex::new(disk) }))
    }

    /// How many calls that change or sync something were made so far, failed ones included. Making a directory
    /// counts twice: it is made, then synced.
    pub fn operations(&self) -> u64 {
        self.0.disk.lock().operations
    }

    /// What the newest of these calls was, for messages of tests.
    pub fn last_operation(&self) -> String {
        self.0.disk.lock().last_operation.clone()
    }

    /// Cuts the power at operation `n`, counted from zero over the life of the disk: the first `n` are carried
    /// out, every later one fails and changes nothing. Reads go on.
    pub fn crash_at(&self, n: u64) {
        self.0.disk.lock().crash_at = Some(n);
    }

    /// Whether an operation was refused because the power was off.
    pub fn crashed(&self) -> bool {
        self.0.disk.lock().crashed
    }

    /// One disk that may be found after losing power now. Locks are released, the power is on, counting starts at
    /// zero, and everything on it is durable. The same state, `seed` and `style` give the same image.
    pub fn crash_image(&self, seed: u64, style: Style) -> Self {
        let disk = self.0.disk.lock();
        Self::with(
            image::after_power_loss(&disk.root, &disk.graves, seed, style),
            disk.next_inode,
            disk.graves.clone(),
        )
    }

    /// The disk after the process was killed now: everything written is there, and what was not synced is still
    /// not durable. Locks are released, the power is on, counting starts at zero.
    pub fn kill_image(&self) -> Self {
        let disk = self.0.disk.lock();
        Self::with(image::after_kill(&disk.root), disk.next_inode, disk.graves.clone())
    }

    /// Sets the size of the disk in bytes. Writes beyond it write what fits and fail with `StorageFull`.
    pub fn set_capacity(&self, bytes: u64) {
        self.0.disk.lock().capacity = bytes;
    }

    /// Bytes in all files that have a name.
    pub fn used(&self) -> u64 {
        self.0.disk.lock().used
    }

    /// Whether reads that must not wait find nothing in memory (`read_at_nowait` yields `None`).
    pub fn set_cold(&self, cold: bool) {
        self.0.disk.lock().cold = cold;
    }
}

impl Shared {
    /// Counts a changing operation and gives the lock to carry it out, unless the power is off.
    fn begin(&self, what: &str, name: &str) -> io::Result<MutexGuard<'_, Disk>> {
        let mut disk = self.disk.lock();
        if disk.crash_at.is_some_and(|n| disk.operations >= n) {
            disk.crashed = true;
            return Err(io::Error::other("the simulated disk has no power"));
        }
        disk.operations += 1;
        disk.last_operation = format!("{what} {name}");
        Ok(disk)
    }
}

impl Disk {
    fn new_inode(&mut self) -> u64 {
        self.next_inode += 1;
        self.next_inode
    }

    /// Accounts for a file that lost its last name, and keeps its bytes to be found as stale ones.
    fn bury(&mut self, file: &FileNode) {
        let bytes = file.state.lock().unlink();
        self.used -= bytes.len() as u64;
        if self.graves.len() == GRAVES {
            self.graves.remove(0);
        }
        self.graves.push(bytes);
    }
}

/// The names of `path` from the root down.
fn names(path: &Path) -> io::Result<Vec<&str>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => names.push(name.to_str().ok_or(io::ErrorKind::InvalidInput)?),
            Component::ParentDir | Component::Prefix(_) => return Err(io::ErrorKind::InvalidInput.into()),
        }
    }
    Ok(names)
}

impl Fs for SimFs {
    fn open_dir(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Dir>> {
        let mut here = Arc::clone(&self.0.disk.lock().root);
        for name in names(path)? {
            let next = match here.get(name) {
                Some(Node::Directory(next)) => next,
                Some(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                None if create => {
                    let mut disk = self.0.begin("make directory", name)?;
                    let new = Directory::new(disk.new_inode(), Default::default());
                    let node = here.get_or_link(name, || Node::Directory(Arc::clone(&new)))?;
                    drop(disk);
                    let _disk = self.0.begin("sync parent of", name)?;
                    here.sync();
                    match node {
                        Node::Directory(next) => next,
                        Node::File(_) => return Err(io::ErrorKind::NotADirectory.into()),
                    }
                }
                None => return Err(io::ErrorKind::NotFound.into()),
            };
            here = next;
        }
        Ok(Arc::new(SimDir { shared: Arc::clone(&self.0), node: here }))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let names = names(path)?;
        let Some((last, parents)) = names.split_last() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut disk = self.0.begin("remove directory", last)?;
        let mut parent = Arc::clone(&disk.root);
        for name in parents {
            parent = match parent.get(name) {
                Some(Node::Directory(next)) => next,
                Some(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                None => return Err(io::ErrorKind::NotFound.into()),
            };
        }
        match parent.get(last) {
            Some(Node::Directory(directory)) => directory.close()?,
            Some(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
            None => return Err(io::ErrorKind::NotFound.into()),
        }
        parent.unlink(last);
        drop(disk);
        disk = self.0.begin("sync parent of", last)?;
        parent.sync();
        drop(disk);
        Ok(())
    }
}

struct SimDir {
    shared: Arc<Shared>,
    node: Arc<Directory>,
}

impl SimDir {
    fn file(&self, node: Arc<FileNode>, name: &str, writable: bool) -> SimFile {
        SimFile { shared: Arc::clone(&self.shared), node, name: name.to_owned(), writable }
    }
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

impl Dir for SimDir {
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        check_plain(name)?;
        if mode == OpenMode::CreateNew {
            let mut disk = self.shared.begin("create", name)?;
            if self.node.get(name).is_some() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let file = FileNode::new(disk.new_inode());
            self.node.get_or_link(name, || Node::File(Arc::clone(&file)))?;
            return Ok(Arc::new(self.file(file, name, true)));
        }
        match self.node.get(name) {
            Some(Node::File(file)) => Ok(Arc::new(self.file(file, name, mode == OpenMode::ReadWrite))),
            Some(Node::Directory(_)) => Err(not_a_file()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_plain(from)?;
        check_plain(to)?;
        let mut disk = self.shared.begin("rename", &format!("{from} to {to}"))?;
        match (self.node.get(from), self.node.get(to)) {
            (None, _) => Err(io::ErrorKind::NotFound.into()),
            (Some(Node::Directory(_)), _) => Err(not_a_file()),
            (_, Some(Node::Directory(_))) => Err(io::ErrorKind::IsADirectory.into()),
            _ if from == to => Ok(()),
            (_, replaced) => {
                self.node.rename(from, to);
                if let Some(Node::File(file)) = replaced {
                    disk.bury(&file);
                }
                Ok(())
            }
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        check_plain(name)?;
        let mut disk = self.shared.begin("remove", name)?;
        match self.node.get(name) {
            Some(Node::File(file)) => {
                self.node.unlink(name);
                disk.bury(&file);
                Ok(())
            }
            Some(Node::Directory(_)) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.node.names())
    }

    fn sync(&self) -> io::Result<()> {
        let _disk = self.shared.begin("sync", "directory")?;
        self.node.sync();
        Ok(())
    }

    fn lock(&self, name: &str) -> io::Result<Box<dyn DirLock>> {
        check_plain(name)?;
        let mut disk = self.shared.begin("lock", name)?;
        let inode = disk.new_inode();
        let Node::File(file) = self.node.get_or_link(name, || Node::File(FileNode::new(inode)))? else {
            return Err(not_a_file());
        };
        if !file.state.lock().lock() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock { file: self.file(file, name, true) }))
    }

    fn free_space(&self) -> io::Result<u64> {
        let disk = self.shared.disk.lock();
        Ok(disk.capacity.saturating_sub(disk.used))
    }

    fn identity(&self) -> (u64, u64) {
        (self.shared.device, self.node.inode())
    }
}

struct SimLock {
    file: SimFile,
}

impl DirLock for SimLock {
    fn write_owner(&self, text: &str) -> io::Result<()> {
        self.file.write_all_at(text.as_bytes(), 0)?;
        self.file.set_len(text.len() as u64)
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.file.node.state.lock().unlock();
    }
}

struct SimFile {
    shared: Arc<Shared>,
    node: Arc<FileNode>,
    name: String,
    writable: bool,
}

impl SimFile {
    fn begin_change(&self, what: &str) -> io::Result<MutexGuard<'_, Disk>> {
        let disk = self.shared.begin(what, &self.name)?;
        if self.writable { Ok(disk) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }
}

impl File for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(self.node.state.lock().read(buffer, offset))
    }

    fn read_at_nowait(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        if self.shared.disk.lock().cold {
            return Ok(None);
        }
        self.read_at(buffer, offset).map(Some)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.begin_change("write")?;
        let mut state = self.node.state.lock();
        let length = state.len();
        let room = length.saturating_add(disk.capacity.saturating_sub(disk.used)).saturating_sub(offset);
        let fits = bytes.get(..usize::try_from(room).unwrap_or(usize::MAX)).unwrap_or(bytes);
        state.write(fits, offset);
        if state.linked() {
            disk.used += state.len() - length;
        }
        if fits.len() < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync_data(&self) -> io::Result<()> {
        let _disk = self.shared.begin("sync data of", &self.name)?;
        self.node.state.lock().sync();
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        let _disk = self.shared.begin("sync", &self.name)?;
        self.node.state.lock().sync();
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut disk = self.begin_change("set the length of")?;
        let mut state = self.node.state.lock();
        let before = state.len();
        if length.saturating_sub(before) > disk.capacity.saturating_sub(disk.used) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.set_len(length);
        if state.linked() {
            disk.used = disk.used - before + length;
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.node.state.lock().len())
    }

    fn forget_unsynced(&self) {
        if let Ok(_disk) = self.shared.begin("lose the unsynced bytes of", &self.name) {
            self.node.state.lock().forget_unsynced();
        }
    }
}

#[cfg(test)]
mod tests;
