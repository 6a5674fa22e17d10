//! One iterator: it fills pages of packed entries, on the event loop while everything is in memory and on a reader
//! thread when not.
//!
//! A scan is shared by the environment's thread and at most one reader thread; a short lock keeps them apart. It holds
//! one state of the database from its first moment, so pages fetched at different times agree. Behind a large page, that
//! of a long scan, a reader thread fetches the next one ([`Ahead`]).

use std::sync::Arc;

use mosskv::{Engine, ErrorKind, Iter, IterOptions};
use parking_lot::Mutex;

use crate::ahead::{Ahead, Found, Landing};
use crate::failure::{Failure, Result};
use crate::page::Page;
use crate::ring::{Answer, Reply};

/// How an iterator walks, and what its pages have.
#[derive(Clone, Copy)]
pub struct Manner {
    /// From the end to the beginning.
    pub reverse: bool,
    /// Pages have keys.
    pub keys: bool,
    /// Pages have values.
    pub values: bool,
    /// JavaScript makes strings of the values.
    pub text_values: bool,
}

enum Place {
    /// Not positioned yet.
    Start,
    /// To be positioned at the first entry at or after (in reverse: at or before) this key.
    Target(Vec<u8>),
    /// Positioned; the entry under the iterator is the next to deliver.
    At,
    /// The entry of this key was the last one delivered, and the iterator is lost.
    Behind(Vec<u8>),
    /// Nothing is left.
    End,
}

struct Walk {
    iter: Iter,
    /// Whether `iter` may wait for the disk.
    may_block: bool,
    place: Place,
    last_key: Vec<u8>,
}

/// The next page is fetched ahead when the one before was asked to have as many bytes as this.
const LONG_SCAN: usize = 32 << 10;

/// How much a page may have.
#[derive(Clone, Copy)]
pub struct Limits {
    /// It ends with the entry that reaches so many bytes.
    pub bytes: usize,
    /// At most so many entries.
    pub entries: usize,
}

impl Limits {
    /// Those of the page after one with `entries` entries; `None` when the limit is reached. A limit that JavaScript
    /// could not express as a number of 32 bits is none.
    const fn after(self, entries: usize) -> Option<Self> {
        match self.entries {
            UNLIMITED => Some(self),
            most if most > entries => Some(Self { entries: most - entries, ..self }),
            _ => None,
        }
    }
}

const UNLIMITED: usize = u32::MAX as usize;

/// An open iterator.
pub struct Scan {
    engine: Engine,
    manner: Manner,
    walk: Mutex<Walk>,
    /// Where to go before the next page.
    target: Mutex<Option<Vec<u8>>>,
    ahead: Ahead,
}

impl Scan {
    /// An iterator over what `options` say; it may not block yet.
    pub fn new(engine: Engine, options: IterOptions, manner: Manner) -> Result<Self> {
        let iter = engine.iter(&IterOptions { may_block: false, ..options })?;
        let walk = Walk { iter, may_block: false, place: Place::Start, last_key: Vec::new() };
        let (walk, target) = (Mutex::new(walk), Mutex::default());
        Ok(Self { engine, manner, walk, target, ahead: Ahead::default() })
    }

    /// The engine, to run a job on.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The next page starts at the first entry at or after `key` (in reverse: at or before).
    pub fn seek(&self, key: Vec<u8>) {
        *self.target.lock() = Some(key);
        self.ahead.discard();
    }

    /// Takes the next page if it was fetched ahead; see [`Ahead::take`].
    pub fn fetched(&self, may_block: bool, reply: impl FnOnce() -> Result<Reply>) -> Result<Found> {
        self.ahead.take(may_block, reply)
    }

    /// Lets a reader thread fetch the page after `page`, which was filled under `limits`, if that pays.
    pub fn fetch_ahead(self: &Arc<Self>, page: &Page, limits: Limits) {
        if page.is_last() || limits.bytes < LONG_SCAN {
            return;
        }
        let Some(limits) = limits.after(page.entries()) else { return };
        let Some(number) = self.ahead.queue() else { return };
        let scan = Arc::clone(self);
        self.engine.spawn_read(move || {
            let Some(landing) = scan.ahead.begin(number) else { return };
            let page = scan.next_page(&landing, limits);
            let Some((reply, page)) = landing.land(page) else { return };
            // Before the answer: until it comes, no other call asks for a page.
            if let Ok(page) = &page {
                scan.fetch_ahead(page, limits);
            }
            reply.send(page.map(|page| Answer::Bytes(page.into_bytes())));
        });
    }

    /// The page for `landing`. One that is nobody's any more leaves the walk alone: what moved the scan fills its page
    /// from a target, and this job may come to the walk only after that.
    fn next_page(&self, landing: &Landing<'_>, limits: Limits) -> Result<Page> {
        let walk = &mut *self.walk.lock();
        let mut page = Page::with_capacity(limits.bytes + LONG_SCAN / 16);
        if landing.is_stale() {
            return Ok(page);
        }
        if !self.go_on(walk, &mut page, limits, false)? {
            landing.needs_disk();
            self.go_on(walk, &mut page, limits, true)?;
        }
        Ok(page)
    }

    /// Fills `page` up to its limits; `false` when nothing could be had without the disk and `may_block` forbids that.
    pub fn fill(&self, page: &mut Page, limits: Limits, may_block: bool) -> Result<bool> {
        let walk = &mut *self.walk.lock();
        if let Some(key) = self.target.lock().take() {
            walk.place = Place::Target(key);
        }
        self.go_on(walk, page, limits, may_block)
    }

    /// `fill` from where the walk is: pages that are fetched ahead never begin at a target.
    fn go_on(&self, walk: &mut Walk, page: &mut Page, limits: Limits, may_block: bool) -> Result<bool> {
        // An iterator that may wait for the disk stays off the event loop.
        if walk.may_block && !may_block {
            return Ok(false);
        }
        page.begin(self.manner.text_values);
        loop {
            match self.fill_inner(walk, page, limits) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(Failure::from(error)),
                Err(_) if may_block => {
                    // From here on the iterator may wait; `place` says where to go on.
                    walk.iter.set_may_block(true);
                    walk.may_block = true;
                }
                Err(_) if page.entries() == 0 => return Ok(false),
                _ => break,
            }
        }
        page.finish();
        Ok(true)
    }

    fn fill_inner(&self, walk: &mut Walk, page: &mut Page, limits: Limits) -> mosskv::Result<()> {
        self.arrive(walk)?;
        let Manner { reverse, keys, values, .. } = self.manner;
        let Walk { iter, place, last_key, .. } = walk;
        while iter.valid() && page.entries() < limits.entries && page.size() < limits.bytes {
            let key = iter.key();
            page.push(keys.then_some(key), values.then(|| iter.value()));
            if page.entries() == limits.entries {
                // The limit is all that is wanted of the scan: nothing is read for an entry after it.
                *place = Place::Behind(key.to_vec());
                return Ok(());
            }
            last_key.clear();
            last_key.extend_from_slice(key);
            let moved = if reverse { iter.prev() } else { iter.next() };
            if let Err(error) = moved {
                *place = Place::Behind(std::mem::take(last_key));
                return Err(error);
            }
        }
        if !iter.valid() {
            *place = Place::End;
            page.set_last();
        }
        Ok(())
    }

    /// Brings the iterator to where the walk is. On an error the walk stays where it was.
    fn arrive(&self, walk: &mut Walk) -> mosskv::Result<()> {
        let reverse = self.manner.reverse;
        let iter = &mut walk.iter;
        match &walk.place {
            Place::At | Place::End => return Ok(()),
            Place::Start if reverse => iter.seek_to_last()?,
            Place::Start => iter.seek_to_first()?,
            Place::Target(key) if reverse => iter.seek_for_prev(key)?,
            Place::Target(key) => iter.seek(key)?,
            Place::Behind(key) => {
                if reverse {
                    iter.seek_for_prev(key)?
                } else {
                    iter.seek(key)?
                }
                if iter.valid() && iter.key() == key.as_slice() {
                    if reverse { iter.prev()? } else { iter.next()? }
                }
            }
        }
        walk.place = Place::At;
        Ok(())
    }
}
