//! The databases this process shares between its threads, by directory (device and inode).
//!
//! Worker threads of Node each open "their" engine; they must get the same one, because a directory has one lock and one
//! commit path. The last handle to go closes the database, and while it does so, an open of the same directory waits
//! instead of running into its lock.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Weak};

use super::{Database, Engine, Environment, open};
use crate::error::Result;
use crate::options::Options;
use crate::sync::{Condvar, Mutex};

type Identity = (u64, u64);

#[derive(Default)]
struct Registry {
    shared: Mutex<HashMap<Identity, Weak<Database>>>,
    changed: Condvar,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::default);

/// A database's entry; goes, and lets others open, when the database is closed.
pub(super) struct Entry(Identity);

impl Drop for Entry {
    fn drop(&mut self) {
        REGISTRY.shared.lock().remove(&self.0);
        REGISTRY.changed.notify_all();
    }
}

impl Engine {
    /// Opens the database in `path`, or returns another handle to it if this process has it open through this function. The
    /// options of the first open hold. The database closes when the last handle is dropped or one of them is closed.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_shared(path: impl AsRef<Path>, options: Options, environment: Environment) -> Result<Self> {
        let path = path.as_ref();
        options.validate()?;
        let create = options.create_if_missing && !options.read_only;
        let dir = environment.fs.open_dir(path, create).map_err(|error| open::no_directory(path, error))?;
        let identity = dir.identity();
        let mut shared = REGISTRY.shared.lock();
        while let Some(database) = shared.get(&identity) {
            if let Some(database) = database.upgrade().filter(|database| !database.is_closed()) {
                return Ok(Self { database });
            }
            REGISTRY.changed.wait(&mut shared);
        }
        let engine = Self::open_with(path, options, environment)?;
        *engine.database.entry.lock() = Some(Entry(identity));
        shared.insert(identity, Arc::downgrade(&engine.database));
        Ok(engine)
    }
}
