//! The one place where engines are opened and closed, and the threads that calls which may take long run on.
//!
//! The environments of the process share one engine a directory; each has its share, and closing one never closes
//! another's. The registry behind that is the engine's (`Engine::open_shared`).

use std::path::Path;
use std::sync::Arc;
use std::thread;

use mosskv::event::Listener;
use mosskv::{Engine, Environment, ErrorKind, Options, SharedEngine};
use parking_lot::Mutex;

use crate::courtesy;
use crate::failure::{Failure, Result};
use crate::ring::{Answer, Reply};

/// Opens the engine in `path`, or takes a share of the one this process has open. Blocks; an own thread calls it.
pub fn open(path: &Path, options: Options, listener: Listener) -> Result<SharedEngine> {
    let environment = Environment { listener: Some(listener), ..Environment::default() };
    environment.executor.set_start_hook(courtesy::give_way);
    Ok(Engine::open_shared(path, options, environment)?)
}

/// Gives the share up. The last one closes the engine and waits for what is in flight. Always called, or the share
/// dropped, outside of the engine's own threads: they cannot end while they wait for themselves.
pub fn close(share: &SharedEngine) -> Result<()> {
    crate::failure::guarded(|| Ok(share.close()?))
}

/// Runs `work`, which may block for long (open, flush, compact, close), on a thread of its own. These calls are rare; a
/// pool of fixed size could be filled with calls that wait for each other.
pub fn own_thread(reply: Reply, work: impl FnOnce() -> Result<Answer> + Send + 'static) {
    let slot = Arc::new(Mutex::new(Some(reply)));
    let taken = Arc::clone(&slot);
    let job = move || {
        let reply = taken.lock().take();
        if let Some(reply) = reply {
            reply.run(work);
        }
    };
    if let Err(error) = thread::Builder::new().name("moss-call".to_owned()).spawn(job) {
        let reply = slot.lock().take();
        if let Some(reply) = reply {
            reply.send(Err(Failure::new(ErrorKind::Io, format!("cannot start a thread: {error}"))));
        }
    }
}
