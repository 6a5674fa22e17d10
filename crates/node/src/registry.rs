//! The one place where engines are opened and closed, and the threads that calls which may take long run on.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use mosskv::event::Listener;
use mosskv::{Engine, Environment, ErrorKind, Options};
use parking_lot::Mutex;

use crate::failure::{Failure, Result};
use crate::ring::{Answer, Reply};

/// Opens the engine in `path`. Blocks; an own thread calls it.
pub fn open(path: &Path, options: Options, listener: Listener) -> Result<Arc<Engine>> {
    let environment = Environment { listener: Some(listener), ..Environment::default() };
    Ok(Arc::new(Engine::open_with(path, options, environment)?))
}

/// Closes `engine` and waits for what is in flight. Always called before the last `Arc` goes, so that no engine is
/// ever dropped on one of its own threads.
pub fn close(engine: &Engine) -> Result<()> {
    crate::failure::guarded(|| Ok(engine.close()?))
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
