//! The calls that are rare or may take long, as one class `Native` per environment. On the environment's thread.
//!
//! A method that returns a ticket answers later through the ring. Failures are thrown with their code in front.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use mosskv::Engine;
use napi::bindgen_prelude::{Buffer, Function, JsObjectValue, JsValue, Object, Uint8Array, Unknown};
use napi::{Env, sys};
use napi_derive::napi;

use crate::area::{AREA_BYTES, Area};
use crate::convert::{self, NativeOptions, NativeStats};
use crate::events;
use crate::failure::{Failure, Result, guarded};
use crate::hot;
use crate::registry;
use crate::ring::{Answer, Delivery, Reply};
use crate::state::State;

/// What JavaScript needs for a `MossError`.
#[napi(object)]
pub struct NativeFailure {
    /// The stable code.
    pub code: String,
    /// What happened.
    pub message: String,
}

/// The engine's native half in one environment.
#[napi]
pub struct Native {
    state: Rc<State>,
}

unsafe extern "C" fn environment_ends(state: *mut c_void) {
    // SAFETY: the count `Native::new` took for this hook, which runs once.
    let state = unsafe { Rc::from_raw(state.cast_const().cast::<State>()) };
    let _ = guarded(move || {
        state.end();
        Ok(())
    });
}

fn started(reply: Reply, work: impl FnOnce() -> Result<Answer> + Send + 'static) -> f64 {
    let ticket = reply.ticket() as f64;
    registry::own_thread(reply, work);
    ticket
}

#[napi]
impl Native {
    /// Connects this environment: `area` is the shared memory, `complete` gets `(ticket, error, value)`. Once per environment.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, area: Object, complete: Function<Unknown, Unknown>) -> napi::Result<Self> {
        let bytes = area.get_named_property::<Uint8Array>("bytes")?;
        if bytes.len() != AREA_BYTES {
            return Err(Failure::internal(format!("the area must have {AREA_BYTES} bytes")).into());
        }
        let start = bytes.as_ptr().cast_mut();
        let mut kept = std::ptr::null_mut();
        // SAFETY: a strong reference, never deleted, keeps the typed array and with it its memory alive until the
        // environment is gone; `ts/native.ts` made it for this, shares it with nobody, and never detaches it.
        unsafe { sys::napi_create_reference(env.raw(), area.raw(), 1, &mut kept) };
        // SAFETY: the length was checked; the memory stays as said above.
        let state = Rc::new(State::new(unsafe { Area::new(start) }));
        // SAFETY: `env` and `complete` are of this call.
        let delivery = unsafe { Delivery::connect(env.raw(), complete.raw(), &state) }?;
        let _ = state.delivery.set(delivery);
        let hook = Rc::into_raw(Rc::clone(&state)).cast_mut().cast::<c_void>();
        // SAFETY: the hook takes the count back; it runs on this thread when the environment ends.
        unsafe { sys::napi_add_env_cleanup_hook(env.raw(), Some(environment_ends), hook) };
        Ok(Self { state })
    }

    /// Puts the hot functions (`crate::hot`) on `exports`.
    #[napi(catch_unwind)]
    pub fn define_hot(&self, env: Env, exports: Object) -> napi::Result<()> {
        // SAFETY: `env` and `exports` are of this call.
        Ok(unsafe { hot::define(env.raw(), exports.raw(), &self.state) }?)
    }

    /// Opens the database in `path`; the answer is its handle. Its events carry the ticket this returns.
    #[napi(catch_unwind)]
    pub fn open(&self, path: String, options: NativeOptions) -> napi::Result<f64> {
        let options = convert::options(options);
        let reply = self.state.reply()?;
        let listener = events::listener(Arc::clone(&self.state.ring), reply.ticket());
        let work = move || Ok(Answer::Opened(registry::open(&PathBuf::from(path), options, listener)?));
        Ok(started(reply, work))
    }

    /// Gives this environment's share of the database up; the last share closes it, when everything in flight is done. The
    /// handle is gone at once.
    #[napi(catch_unwind)]
    pub fn close(&self, database: u32) -> napi::Result<f64> {
        let database = self.state.release(database as usize).ok_or_else(|| Failure::closed("database"))?;
        let share = Arc::clone(&database.share);
        let work = move || registry::close(&share).map(|()| Answer::Done);
        Ok(started(self.state.reply()?, work))
    }

    /// Removes the database in `path`.
    #[napi(catch_unwind)]
    pub fn destroy(&self, path: String) -> napi::Result<f64> {
        Ok(started(self.state.reply()?, move || {
            Engine::destroy(&path)?;
            Ok(Answer::Done)
        }))
    }

    /// Checks every file of the database in `path`; the answer is a report in JSON.
    #[napi(catch_unwind)]
    pub fn verify(&self, path: String) -> napi::Result<f64> {
        Ok(started(self.state.reply()?, move || {
            Ok(Answer::Text(convert::report(&Engine::verify(&path)?).into_bytes()))
        }))
    }

    fn engine(&self, database: u32) -> Result<Engine> {
        Ok(self.state.database(database as usize)?.share.engine().clone())
    }

    /// The engine, for what changes the database.
    fn writer(&self, database: u32) -> Result<Engine> {
        Ok(self.state.database(database as usize)?.share.writer()?.clone())
    }

    /// Writes the memtable out as a table.
    #[napi(catch_unwind)]
    pub fn flush(&self, database: u32) -> napi::Result<f64> {
        let engine = self.writer(database)?;
        Ok(started(self.state.reply()?, move || {
            engine.flush()?;
            Ok(Answer::Done)
        }))
    }

    /// Compacts everything, or the keys from `start` up to `end`.
    #[napi(catch_unwind)]
    pub fn compact(&self, database: u32, start: Option<Buffer>, end: Option<Buffer>) -> napi::Result<f64> {
        let engine = self.writer(database)?;
        let range = start.zip(end).map(|(start, end)| (start.to_vec(), end.to_vec()));
        Ok(started(self.state.reply()?, move || {
            engine.compact(range.as_ref().map(|(start, end)| (start.as_slice(), end.as_slice())))?;
            Ok(Answer::Done)
        }))
    }

    /// The bytes on disk of the keys from `start` up to `end`, about.
    #[napi(catch_unwind)]
    pub fn approximate_size(&self, database: u32, start: Buffer, end: Buffer) -> napi::Result<f64> {
        let engine = self.engine(database)?;
        let (start, end) = (start.to_vec(), end.to_vec());
        Ok(started(self.state.reply()?, move || {
            Ok(Answer::Number(engine.approximate_size(&start, &end)? as f64))
        }))
    }

    /// Leaves the read-only state after a failure.
    #[napi(catch_unwind)]
    pub fn resume(&self, database: u32) -> napi::Result<f64> {
        let engine = self.writer(database)?;
        Ok(started(self.state.reply()?, move || {
            engine.resume()?;
            Ok(Answer::Done)
        }))
    }

    /// What the engine counts.
    #[napi(catch_unwind)]
    pub fn stats(&self, database: u32) -> napi::Result<NativeStats> {
        Ok(convert::stats(&self.engine(database)?.stats()))
    }

    /// The failure that degraded the engine, if one did.
    #[napi(catch_unwind)]
    pub fn last_error(&self, database: u32) -> napi::Result<Option<NativeFailure>> {
        let error = self.engine(database)?.last_error();
        Ok(error.map(|error| NativeFailure { code: error.code().to_owned(), message: error.to_string() }))
    }

    /// Takes a snapshot; its number.
    #[napi(catch_unwind)]
    pub fn snapshot(&self, database: u32) -> napi::Result<u32> {
        let snapshot = self.engine(database)?.snapshot();
        Ok(self.state.add_snapshot(database as usize, snapshot) as u32)
    }

    /// Releases a snapshot.
    #[napi(catch_unwind)]
    pub fn release(&self, snapshot: u32) {
        self.state.drop_snapshot(snapshot as usize);
    }

    /// The next page of the iterator starts at `key`.
    #[napi(catch_unwind)]
    pub fn seek(&self, scan: u32, key: Buffer) -> napi::Result<()> {
        self.state.scan(scan as usize)?.seek(key.to_vec());
        Ok(())
    }

    /// Blocks until the answer of `ticket`, which has not been delivered, is there.
    #[napi(catch_unwind)]
    pub fn wait(&self, ticket: f64) {
        self.state.ring.wait(ticket as u64);
    }
}
