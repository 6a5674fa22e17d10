//! The calls every read, write and page goes through. On the environment's thread; each is one raw N-API function.
//!
//! ```text
//! get(db, key: string | length in the key part, flags, snapshot[, pool, next])
//!                                                                 -> answer, or minus a ticket when the disk is needed
//! getMany(db, packed keys, length, flags, snapshot)               -> packed answers, or minus a ticket
//! stage(db, length)  stageBytes(db, bytes, length)  stageBlock(db, block, length)
//!                                                                 -> operations join the turn's group
//! addBlock() -> ArrayBuffer or undefined   isFree(block)          -> memory for large batches
//! commit(db, length, durability, blocking)                        -> 0 when done, else a ticket
//! scan(scan, db, lower, upper, flags, snapshot[, bytes, entries, pool, next])
//!                                                                 -> the first page, if it was asked for and is in memory
//! page(scan, bytes, entries, blocking, pool, next)                -> a page, or minus a ticket
//! closeScan(scan)
//! ```
//!
//! With POOLED a value is written into `pool`, an `ArrayBuffer`, from `next` on, if it fits and is short, and the answer
//! is 2^17 and its length (`ts/pool.ts`); a page always is.
//!
//! JavaScript numbers its iterators itself, from 1 on.
//!
//! With ENTRY the answer of `get` is bytes: the expiry as u64 (0: none), then the value.
//!
//! Answers in bytes lie in the out part of the area (the call returns their number) or, when they do not fit, come as
//! a Buffer of their own.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ops::Bound;
use std::rc::Rc;
use std::sync::Arc;

use mosskv::{Durability, Engine, ErrorKind, IterOptions, ReadOptions};
use napi::sys;

use crate::ahead::Found;
use crate::failure::{Failure, Result};
use crate::many;
use crate::page::Page;
use crate::raw::{self, Call, Value};
use crate::ring::{Answer, Reply, ReplyId};
use crate::scan::{Limits, Manner, Scan};
use crate::state::{Database, State};

/// The key is a string argument; without it, its length in the key part of the area.
const KEY_TEXT: i32 = 1;
/// The value is wanted as a string.
const VALUE_TEXT: i32 = 2;
/// Only whether there is a value is wanted.
const PRESENCE: i32 = 4;
/// The call may wait for the disk.
const BLOCKING: i32 = 8;
/// Blocks that are read do not enter the cache.
const BYPASS_CACHE: i32 = 16;
/// There is a lower bound: its length is `lower`, and it lies at the start of the key part of the area.
const LOWER: i32 = 32;
/// The lower bound is part of the range.
const LOWER_INCLUSIVE: i32 = 64;
/// There is an upper bound: its length is `upper`, and it lies behind the lower one.
const UPPER: i32 = 128;
/// The upper bound is part of the range.
const UPPER_INCLUSIVE: i32 = 256;
/// From the end to the beginning.
const REVERSE: i32 = 512;
/// Keys are wanted.
const KEYS: i32 = 1024;
/// Values are wanted.
const VALUES: i32 = 2048;
/// The value is wanted as bytes, behind its expiry.
const ENTRY: i32 = 4096;
/// The value is wanted in the pool.
const POOLED: i32 = 8192;

/// Added to the length of a value that was written into the pool.
const IN_POOL: usize = 1 << 17;
/// Longer values do not go there.
const LONGEST_POOLED: usize = 4 << 10;

/// Puts the hot functions on `exports`.
///
/// # Safety
/// `env` and `exports` are of the running call.
pub unsafe fn define(env: sys::napi_env, exports: Value, state: &Rc<State>) -> Result<()> {
    // SAFETY: every function below passes its arguments to `raw::call`.
    unsafe {
        raw::define(env, exports, state, c"get", get)?;
        raw::define(env, exports, state, c"getMany", get_many)?;
        raw::define(env, exports, state, c"stage", stage)?;
        raw::define(env, exports, state, c"stageBytes", stage_bytes)?;
        raw::define(env, exports, state, c"stageBlock", stage_block)?;
        raw::define(env, exports, state, c"addBlock", add_block)?;
        raw::define(env, exports, state, c"isFree", is_free)?;
        raw::define(env, exports, state, c"commit", commit)?;
        raw::define(env, exports, state, c"scan", scan)?;
        raw::define(env, exports, state, c"page", page)?;
        raw::define(env, exports, state, c"closeScan", close_scan)
    }
}

/// How a read was asked for.
#[derive(Clone, Copy)]
struct Asked {
    text: bool,
    presence: bool,
    entry: bool,
    pooled: bool,
    blocking: bool,
    fill_cache: bool,
}

impl Asked {
    const fn of(flags: i32) -> Self {
        Self {
            text: flags & VALUE_TEXT != 0,
            presence: flags & PRESENCE != 0,
            entry: flags & ENTRY != 0,
            pooled: flags & POOLED != 0,
            blocking: flags & BLOCKING != 0,
            fill_cache: flags & BYPASS_CACHE == 0,
        }
    }

    const fn wanted(&self) -> many::Wanted {
        match (self.presence, self.text) {
            (true, _) => many::Wanted::Presence,
            (false, true) => many::Wanted::Text,
            (false, false) => many::Wanted::Bytes,
        }
    }
}

unsafe extern "C" fn get(env: sys::napi_env, info: sys::napi_callback_info) -> Value {
    // SAFETY: N-API calls a function made by `define`. (For every function here.)
    unsafe {
        raw::call(env, info, |call| {
            let database = call.state.database(call.size(0)?)?;
            let engine = database.share.engine();
            let flags = call.integer(2)?;
            let asked = Asked::of(flags);
            let key = if flags & KEY_TEXT != 0 {
                call.key_text(1)?
            } else {
                let length = call.size(1)?;
                call.state.area.keys(length).ok_or_else(|| Failure::internal("a key outside the area"))?
            };
            let snapshot = call.state.snapshot(call.size(3)?)?;
            let options = ReadOptions {
                snapshot: snapshot.as_ref(),
                fill_cache: asked.fill_cache,
                may_block: asked.blocking,
            };
            let found = if asked.presence {
                engine.contains(key, &options).map(|there| Some(call.boolean(there)))
            } else if asked.entry {
                engine.get_entry(key, &options).map(|entry| entry.map(|e| call.answer(&packed(e))))
            } else {
                engine.get_with(key, &options, |value| {
                    if asked.text {
                        return call.text(value);
                    }
                    if asked.pooled { answer_in_pool(call, value, 4) } else { call.answer(value) }
                })
            };
            match found {
                Ok(Some(value)) => value,
                Ok(None) => call.undefined(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    get_later(call, engine, key.to_vec(), snapshot, asked)
                }
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// An answer in the pool, which is argument `pool` and the one after it, if it fits and is short.
fn answer_in_pool(call: &Call<'_>, bytes: &[u8], pool: usize) -> Result<Value> {
    if bytes.len() <= LONGEST_POOLED && call.put(pool, call.size(pool + 1)?, bytes) {
        call.number((IN_POOL + bytes.len()) as f64)
    } else {
        call.answer(bytes)
    }
}

/// The read needs the disk: a reader thread does it, as of now.
fn get_later(
    call: &Call<'_>,
    engine: &Engine,
    key: Vec<u8>,
    snapshot: Option<mosskv::Snapshot>,
    asked: Asked,
) -> Result<Value> {
    let snapshot = snapshot.unwrap_or_else(|| engine.snapshot());
    let reply = call.state.reply()?;
    let ticket = reply.ticket();
    let reader = engine.clone();
    engine.spawn_read(move || {
        reply.run(|| {
            let options =
                ReadOptions { snapshot: Some(&snapshot), fill_cache: asked.fill_cache, may_block: true };
            if asked.presence {
                return Ok(Answer::Boolean(reader.contains(&key, &options)?));
            }
            if asked.entry {
                let entry = reader.get_entry(&key, &options)?;
                return Ok(entry.map_or(Answer::Missing, |entry| Answer::Bytes(packed(entry))));
            }
            Ok(match reader.get_with(&key, &options, <[u8]>::to_vec)? {
                None => Answer::Missing,
                Some(value) if asked.text => Answer::Text(value),
                Some(value) => Answer::Bytes(value),
            })
        });
    });
    call.number(-(ticket as f64))
}

/// The answer for ENTRY. No value that is there expires at 0.
fn packed(entry: mosskv::Entry) -> Vec<u8> {
    let mut bytes = entry.value;
    bytes.splice(..0, entry.expires_at.unwrap_or(0).to_le_bytes());
    bytes
}

unsafe extern "C" fn get_many(env: sys::napi_env, info: sys::napi_callback_info) -> Value {
    // SAFETY: as in `get`.
    unsafe {
        raw::call(env, info, |call| {
            let database = call.state.database(call.size(0)?)?;
            let engine = database.share.engine();
            let keys = many::keys(call.bytes(1, call.size(2)?)?)?;
            let asked = Asked::of(call.integer(3)?);
            let snapshot = call.state.snapshot(call.size(4)?)?;
            let options = ReadOptions {
                snapshot: snapshot.as_ref(),
                fill_cache: asked.fill_cache,
                may_block: asked.blocking,
            };
            match many::answers(engine, &keys, &options, asked.wanted()) {
                Ok(packed) => return call.answer(&packed),
                Err(failure) if failure.code == ErrorKind::WouldBlock.code() => {}
                Err(failure) => return Err(failure),
            }
            let snapshot = snapshot.unwrap_or_else(|| engine.snapshot());
            let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.to_vec()).collect();
            let reply = call.state.reply()?;
            let ticket = reply.ticket();
            let reader = engine.clone();
            engine.spawn_read(move || {
                reply.run(|| {
                    let options = ReadOptions {
                        snapshot: Some(&snapshot),
                        fill_cache: asked.fill_cache,
                        may_block: true,
                    };
                    Ok(Answer::Bytes(many::answers(&reader, &keys, &options, asked.wanted())?))
                });
            });
            call.number(-(ticket as f64))
        })
    }
}

unsafe extern "C" fn stage(env: sys::napi_env, info: sys::napi_callback_info) -> Value {
    // SAFETY: as in `get`.
    unsafe {
        raw::call(env, info, |call| {
            let database = call.state.database(call.size(0)?)?;
            stage_slab(call, &database, call.size(1)?)?;
            call.undefined()
        })
    }
}

fn stage_slab(call: &Call<'_>, database: &Database, length: usize) -> Result<()> {
    let slab = call.state.area.slab(length).ok_or_else(|| Failure::internal("more than the slab holds"))?;
    if length > 0 {
        database.staged.borrow_mut().add(slab);
    }
    Ok(())
}

unsafe extern "C" fn stage_bytes(env: sys::napi_env, info: sys::napi_callback_info) -> Value {
    // SAFETY: as in `get`.
    unsafe {
        raw::call(env, info, |call| {
            let database = call.state.database(call.size(0)?)?;
            let bytes = call.bytes(1, call.size(2)?)?;
            database.staged.borrow_mut().add(bytes);
            call.undefined()
        })
    }
}

unsafe extern "C" fn stage_block(env: sys::napi_env, info: sys::napi_callback_info) -> Value {
    // SAFETY: as in `get`.
    unsafe {
        raw::call(env, info, |call| {
            let database = call.state.database(call.size(0)?)?;
            let block = call.state.blocks.lend(call.size(1)?, call.size(2)?)?;
            database.staged.borrow_mut().lend(block);
            call.undefined()
        })
    }
}

unsafe extern "C" fn add_block(env: sys::napi_env, info: sys::napi_callback_info) -> Value {
    // SAFETY: as in `get`.
    unsafe {
        raw::call(env, info, |call| match call.state.blocks.add() {
            Some(block) => call.block(block),
            None => call.undefined(),
        })
    }
}

unsafe extern "C" fn is_free(env: sys::napi_env, info: sys::napi_callback_info) -> Value {
    // SAFETY: as in `get`.
    unsafe { raw::call(env, info, |call| call.boolean(call.state.blocks.is_free(call.size(0)?))) }
}

/// How far the commit that runs on this thread has come.
enum Inline {
    /// None runs.
    Idle,
    /// The commit with this reply runs and is not answered. The group may have members of other environments.
    Running(ReplyId),
    /// It was answered before it returned.
    Answered(std::result::Result<(), mosskv::Error>),
}

thread_local! {
    static INLINE: RefCell<Inline> = const { RefCell::new(Inline::Idle) };
}

unsafe extern "C" fn commit(env: sys::napi_env, info: sys::napi_callback_info) -> Value {
    // SAFETY: as in `get`.
    unsafe {
        raw::call(env, info, |call| {
            let database = call.state.database(call.size(0)?)?;
            let length = call.size(1)?;
            let durability = match call.integer(2)? {
                0 => Some(Durability::Memory),
                1 => Some(Durability::Os),
                2 => Some(Durability::Disk),
                _ => None,
            };
            stage_slab(call, &database, length)?;
            let batch = database.staged.borrow_mut().batch()?;
            let engine = database.share.writer()?;
            if call.integer(3)? != 0 {
                engine.write(batch, durability)?;
                return call.number(0.0);
            }
            let reply = call.state.reply()?;
            let ticket = reply.ticket();
            INLINE.replace(Inline::Running(reply.identity()));
            engine.write_then(batch, durability, move |outcome| answer_write(reply, outcome));
            match INLINE.replace(Inline::Idle) {
                Inline::Answered(outcome) => {
                    call.state.settled();
                    outcome?;
                    call.number(0.0)
                }
                _ => call.number(ticket as f64),
            }
        })
    }
}

/// A write is done: on the thread that committed it, before the call returned, or on a background thread.
fn answer_write(reply: Reply, outcome: std::result::Result<(), mosskv::Error>) {
    let inline = INLINE.with_borrow_mut(|state| match state {
        Inline::Running(id) if *id == reply.identity() => {
            *state = Inline::Answered(outcome.clone());
            true
        }
        _ => false,
    });
    if inline {
        reply.discharge();
    } else {
        reply.send(outcome.map(|()| Answer::Done).map_err(Failure::from));
    }
}

unsafe extern "C" fn scan(env: sys::napi_env, info: sys::napi_callback_info) -> Value {
    // SAFETY: as in `get`.
    unsafe {
        raw::call(env, info, |call| {
            let (number, handle) = (call.size(0)?, call.size(1)?);
            let database = call.state.database(handle)?;
            let (lower, upper, flags) = (call.size(2)?, call.size(3)?, call.integer(4)?);
            let keys = call.state.area.keys(lower + upper);
            let keys = keys.ok_or_else(|| Failure::internal("bounds outside the area"))?;
            let (lower, upper) = keys.split_at(lower);
            let bound = |key: &[u8], there: i32, inclusive: i32| match flags & there {
                0 => Bound::Unbounded,
                _ if flags & inclusive != 0 => Bound::Included(key.to_vec()),
                _ => Bound::Excluded(key.to_vec()),
            };
            let options = IterOptions {
                lower: bound(lower, LOWER, LOWER_INCLUSIVE),
                upper: bound(upper, UPPER, UPPER_INCLUSIVE),
                snapshot: call.state.snapshot(call.size(5)?)?,
                fill_cache: flags & BYPASS_CACHE == 0,
                may_block: false,
            };
            let manner = Manner {
                reverse: flags & REVERSE != 0,
                keys: flags & KEYS != 0,
                values: flags & VALUES != 0,
                text_values: flags & VALUE_TEXT != 0,
            };
            let scan = Scan::new(database.share.engine().clone(), options, manner)?;
            let answer = match call.count() {
                6 => call.undefined(),
                _ => first_page(call, &scan),
            };
            call.state.add_scan(number, handle, scan);
            answer
        })
    }
}

/// The page that comes with a new scan. What keeps it from coming is for the call to tell that asks for it again.
fn first_page(call: &Call<'_>, scan: &Scan) -> Result<Value> {
    let limits = Limits { bytes: call.size(6)?, entries: call.size(7)? };
    let mut page = call.state.page.take();
    let answer = match scan.fill(&mut page, limits, false) {
        Ok(true) => answer_in_pool(call, page.bytes(), 8),
        Ok(false) | Err(_) => call.undefined(),
    };
    call.state.page.replace(page);
    answer
}

unsafe extern "C" fn close_scan(env: sys::napi_env, info: sys::napi_callback_info) -> Value {
    // SAFETY: as in `get`.
    unsafe {
        raw::call(env, info, |call| {
            call.state.drop_scan(call.size(0)?);
            call.undefined()
        })
    }
}

unsafe extern "C" fn page(env: sys::napi_env, info: sys::napi_callback_info) -> Value {
    // SAFETY: as in `get`.
    unsafe {
        raw::call(env, info, |call| {
            let scan = call.state.scan(call.size(0)?)?;
            let limits = Limits { bytes: call.size(1)?, entries: call.size(2)? };
            let may_block = call.integer(3)? != 0;
            match scan.fetched(may_block, || call.state.reply())? {
                Found::Page(page) => {
                    scan.fetch_ahead(&page, limits);
                    return answer_in_pool(call, page.bytes(), 4);
                }
                Found::Later(ticket) => return call.number(-(ticket as f64)),
                Found::Busy => return page_later(call, &scan, limits),
                Found::Nothing => {}
            }
            let mut page = call.state.page.take();
            let answer = match scan.fill(&mut page, limits, may_block) {
                Ok(true) => {
                    scan.fetch_ahead(&page, limits);
                    answer_in_pool(call, page.bytes(), 4)
                }
                Ok(false) => page_later(call, &scan, limits),
                Err(failure) => Err(failure),
            };
            call.state.page.replace(page);
            answer
        })
    }
}

fn page_later(call: &Call<'_>, scan: &Arc<Scan>, limits: Limits) -> Result<Value> {
    let reply = call.state.reply()?;
    let ticket = reply.ticket();
    let job = Arc::clone(scan);
    scan.engine().spawn_read(move || {
        reply.run(|| {
            let mut page = Page::default();
            job.fill(&mut page, limits, true)?;
            job.fetch_ahead(&page, limits);
            Ok(Answer::Bytes(page.into_bytes()))
        });
    });
    call.number(-(ticket as f64))
}
