//! The databases this process shares between its threads, by directory (device and inode).
//!
//! Worker threads of Node each open "their" engine; they must get the same one, because a directory has one lock and one
//! commit path. Each opener has a [`SharedEngine`], its share; the last share to go closes the database.
//!
//! ```text
//!   (nothing) ── first open ──► Busy ── opened ──► Open, n shares ── the last share goes ──► Busy ── closed ──► (nothing)
//! ```
//!
//! Opening and closing run without the registry's lock: only who wants a directory that is `Busy` waits, and a slow
//! recovery delays nobody else. An open engine holds a handle of its directory, so the inode is not given to another
//! one meanwhile. Callable from any thread but the engine's own.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use super::{Engine, Environment, open};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Listener};
use crate::options::Options;
use crate::sync::{AtomicBool, AtomicUsize, Condvar, Mutex, Ordering};

type Identity = (u64, u64);

/// What the process does with a directory.
enum Directory {
    /// Someone is opening or closing it. Whoever wants it waits.
    Busy,
    /// It is open.
    Open { engine: Engine, shares: usize, listeners: Arc<Listeners> },
}

#[derive(Default)]
struct Registry {
    directories: Mutex<HashMap<Identity, Directory>>,
    changed: Condvar,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::default);

/// A `Busy` entry of this thread's; gone, and others may try, when it is dropped.
struct Claim(Identity);

impl Claim {
    /// The directory is open: the entry says so from here on.
    fn opened(self, directory: Directory) {
        REGISTRY.directories.lock().insert(self.0, directory);
        REGISTRY.changed.notify_all();
        std::mem::forget(self);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        REGISTRY.directories.lock().remove(&self.0);
        REGISTRY.changed.notify_all();
    }
}

/// Who wants to know about one database: the listeners of all its shares.
#[derive(Default)]
struct Listeners {
    all: Mutex<Vec<(usize, Listener)>>,
    next: AtomicUsize,
}

impl Listeners {
    fn add(&self, listener: Option<Listener>) -> usize {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.all.lock().extend(listener.map(|listener| (number, listener)));
        number
    }

    fn remove(&self, number: usize) {
        self.all.lock().retain(|(other, _)| *other != number);
    }

    fn tell(&self, event: &Event) {
        let all = self.all.lock().clone();
        all.iter().for_each(|(_, listener)| listener(event));
    }
}

/// One opener's share of a database, made by [`Engine::open_shared`]. Dropping it closes it, quietly.
pub struct SharedEngine {
    engine: Engine,
    read_only: bool,
    closed: AtomicBool,
    /// `None` when the database is this share's alone.
    seat: Option<Seat>,
}

/// A share's place among the others.
struct Seat {
    identity: Identity,
    listeners: Arc<Listeners>,
    number: usize,
}

impl SharedEngine {
    fn new(engine: Engine, read_only: bool, seat: Option<Seat>) -> Self {
        Self { engine, read_only, closed: AtomicBool::new(false), seat }
    }

    /// The engine. It stays open as long as this share or another one is.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine, for what changes the database.
    ///
    /// # Errors
    /// `ReadOnly` when this share was opened read-only, whatever the others may do.
    pub fn writer(&self) -> Result<&Engine> {
        if !self.read_only {
            return Ok(&self.engine);
        }
        Err(Error::new(ErrorKind::ReadOnly, "opened with readOnly: open it without to write"))
    }

    /// Gives this share up; its listener is told nothing more. The last share closes the database, and returns when that
    /// is done. Calling it again does nothing.
    ///
    /// # Errors
    /// As [`Engine::close`], for the last share.
    pub fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let Some(seat) = &self.seat else { return self.engine.close() };
        seat.listeners.remove(seat.number);
        let mut directories = REGISTRY.directories.lock();
        let claim = match directories.get_mut(&seat.identity) {
            Some(Directory::Open { engine, shares, .. }) if engine.is(&self.engine) => {
                *shares -= 1;
                if *shares > 0 {
                    return Ok(());
                }
                directories.insert(seat.identity, Directory::Busy);
                Some(Claim(seat.identity))
            }
            // Somebody closed the engine itself, and the directory is another one's by now.
            _ => None,
        };
        drop(directories);
        let closed = self.engine.close();
        drop(claim);
        closed
    }
}

impl Drop for SharedEngine {
    fn drop(&mut self) {
        drop(self.close());
    }
}

impl Engine {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.database, &other.database)
    }

    /// Opens the database in `path`, or takes a share of it if this process has it open for writing through this function.
    /// While another thread opens or closes it, this one waits.
    ///
    /// The first open's options hold, except these of the call's own: `error_if_exists`, and `read_only`, which gives a
    /// share that sees what the others write and refuses to write itself. A read-only open of a database that the process
    /// does not have open is not shared: it is the view of a moment, and a later one must not get an older view.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_shared(
        path: impl AsRef<Path>,
        options: Options,
        environment: Environment,
    ) -> Result<SharedEngine> {
        let path = path.as_ref();
        options.validate()?;
        let read_only = options.read_only;
        let create = options.create_if_missing && !read_only;
        let dir = environment.fs.open_dir(path, create).map_err(|error| open::no_directory(path, error))?;
        let identity = dir.identity();
        let mut directories = REGISTRY.directories.lock();
        loop {
            match directories.get_mut(&identity) {
                Some(Directory::Busy) => REGISTRY.changed.wait(&mut directories),
                Some(Directory::Open { engine, .. }) if engine.database.is_closed() => {
                    directories.remove(&identity);
                }
                Some(Directory::Open { .. }) if options.error_if_exists => {
                    let what = "holds a database, which this process has open, and errorIfExists was set";
                    return Err(Error::new(ErrorKind::DatabaseExists, format!("{} {what}", path.display())));
                }
                Some(Directory::Open { engine, shares, listeners }) => {
                    *shares += 1;
                    let listeners = listeners.clone();
                    let seat = Seat { identity, number: listeners.add(environment.listener), listeners };
                    return Ok(SharedEngine::new(engine.clone(), read_only, Some(seat)));
                }
                None if read_only => {
                    drop(directories);
                    let engine = Self::open_in(path, dir, options, environment)?;
                    return Ok(SharedEngine::new(engine, true, None));
                }
                None => break,
            }
        }
        directories.insert(identity, Directory::Busy);
        drop(directories);
        let claim = Claim(identity);
        let listeners = Arc::new(Listeners::default());
        let number = listeners.add(environment.listener);
        let told = listeners.clone();
        let listener: Listener = Arc::new(move |event| told.tell(event));
        let environment = Environment { listener: Some(listener), ..environment };
        let engine = Self::open_in(path, dir, options, environment)?;
        claim.opened(Directory::Open { engine: engine.clone(), shares: 1, listeners: listeners.clone() });
        Ok(SharedEngine::new(engine, false, Some(Seat { identity, listeners, number })))
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
