//! What an operator asks for: flush, compact, sizes, resuming after a failure, verifying, destroying.

use std::path::Path;

use super::{Engine, check_key};
use crate::error::{Error, Result};
use crate::flush;
use crate::fs::os::OsFs;
use crate::fs::{FileName, Fs};
use crate::verify::{self, VerifyReport};
use crate::version::{TableRef, VersionEdit};

impl Engine {
    /// Writes everything that is in memory to tables, and waits for it.
    ///
    /// # Errors
    /// `Closed`, `ReadOnly`, and what kept the flush from succeeding.
    pub fn flush(&self) -> Result<()> {
        let parts = &self.database.parts;
        let store = &parts.store;
        parts.commit.freeze(store)?;
        let Some(newest) = store.view.load().immutables.first().map(|memtable| memtable.log_number()) else {
            return Ok(());
        };
        store.notify(|lanes| lanes.flush);
        store.wait_for(|| (store.view.load().oldest_log() > newest).then_some(()))
    }

    /// Compacts all keys from `start` to `end`, both inclusive (`None`: the whole database), down to the deepest level
    /// that holds any of them, and waits for it. Gives back the space of deleted and overwritten data that no snapshot
    /// needs. Rewrites everything in the range once per level.
    ///
    /// # Errors
    /// `Closed`, `ReadOnly`, and what kept a flush or compaction from succeeding.
    pub fn compact(&self, range: Option<(&[u8], &[u8])>) -> Result<()> {
        self.flush()?;
        let parts = &self.database.parts;
        parts.compactor.compact_range(&parts.store, range)
    }

    /// About how many bytes on disk the keys from `start` up to `end` take, compressed. Data that is still in memory
    /// does not count. Reads at most the index of two tables a run.
    pub fn approximate_size(&self, start: &[u8], end: &[u8]) -> Result<u64> {
        let store = &self.database.parts.store;
        store.check_open()?;
        check_key(start)?;
        check_key(end)?;
        if start >= end {
            return Ok(0);
        }
        let view = store.view.load_full();
        let mut total = 0;
        for run in view.version.runs() {
            for table in run.iter() {
                let meta = table.meta();
                if *meta.largest < *start || *meta.smallest >= *end {
                    continue;
                }
                let inside = start <= &*meta.smallest && &*meta.largest < end;
                total += if inside {
                    meta.size
                } else {
                    let from = table.approximate_offset(start)?;
                    table.approximate_offset(end)?.saturating_sub(from)
                };
            }
        }
        Ok(total)
    }

    /// The failure that stopped or degraded the database, if there is one.
    pub fn last_error(&self) -> Option<Error> {
        let store = &self.database.parts.store;
        store.health.error().filter(|_| !store.options.read_only)
    }

    /// Whether writes are refused: opened read-only, or stopped by a failure.
    pub fn is_read_only(&self) -> bool {
        self.database.parts.store.health.check_writable().is_err()
    }

    /// Takes writes again after a failure stopped them, once its cause (a full disk, say) is gone. Goes through a new
    /// manifest, a flush of every memtable and a new log, and never touches a file that failed. Does nothing when writes
    /// are not stopped.
    ///
    /// # Errors
    /// What failed this time: the database stays read-only and may be resumed again.
    pub fn resume(&self) -> Result<()> {
        let parts = &self.database.parts;
        let store = &parts.store;
        store.check_open()?;
        if store.health.resume_begin()? {
            let outcome = self.restart_writes();
            store.health.resume_done(outcome)?;
            store.notify(|lanes| lanes.compaction);
        }
        Ok(())
    }

    /// A new manifest, every memtable a table, a new log: nothing depends on a file that failed.
    fn restart_writes(&self) -> Result<()> {
        let parts = &self.database.parts;
        let store = &parts.store;
        parts.commit.abandon_log(store)?;
        store.installer.renew(&store.view)?;
        while flush::flush_oldest(store)? {}
        let log_number = Some(store.view.load().memtable.log_number());
        store.install(VersionEdit { log_number, ..VersionEdit::default() }, |view, version| {
            view.with(version)
        })?;
        parts.compactor.forgive();
        parts.commit.renew_log(store)
    }

    /// Checks every byte of a closed database against its checksums, the order of keys, and what the manifest says.
    /// Reads everything; changes nothing.
    ///
    /// # Errors
    /// `Locked`, `DatabaseNotFound`, and errors of the operating system. Damage is not an error here: it is in the report.
    pub fn verify(path: impl AsRef<Path>) -> Result<VerifyReport> {
        let path = path.as_ref();
        let dir = OsFs.open_dir(path, false).map_err(|error| super::open::no_directory(path, error))?;
        let _lock = super::open::lock(path, dir.as_ref())?;
        verify::verify(path, &dir)
    }

    /// Deletes the database in `path`: only files it recognises, and the directory if it is empty then. A missing directory
    /// is not an error.
    ///
    /// # Errors
    /// `Locked` when it is open somewhere, and errors of the operating system.
    pub fn destroy(path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let dir = match OsFs.open_dir(path, false) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            result => result.map_err(|error| Error::io("open the directory", path.display(), error))?,
        };
        let lock = super::open::lock(path, dir.as_ref())?;
        let names = dir.list().map_err(|error| Error::io("list", path.display(), error))?;
        let remove = |name: FileName| match dir.remove(&name.to_string()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove", name, error))
            }
            _ => Ok(()),
        };
        let mut files: Vec<FileName> = names.iter().filter_map(|name| FileName::parse(name)).collect();
        files.retain(|name| *name != FileName::Lock);
        // CURRENT goes first: without it, what is left of an interrupted destroy is no database.
        remove(FileName::Current)?;
        files.into_iter().try_for_each(remove)?;
        remove(FileName::Lock)?;
        dir.sync().map_err(|error| Error::io("sync", path.display(), error))?;
        drop(lock);
        match OsFs.remove_dir(path) {
            Err(error) if error.kind() != std::io::ErrorKind::DirectoryNotEmpty => {
                Err(Error::io("remove the directory", path.display(), error))
            }
            _ => Ok(()),
        }
    }
}
