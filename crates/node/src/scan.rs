//! One iterator: it fills pages of packed entries, on the event loop while everything is in memory and on a reader
//! thread when not.
//!
//! ```text
//! page:  flags u8 (bit 0: this was the last page, bit 1: keys are ASCII, bit 2: values are), then entries
//! entry: [key length varint, key], [value length varint, value]     each part only when it was asked for
//! ```
//!
//! A scan is shared by the environment's thread and at most one reader thread; a short lock keeps them apart. It holds
//! one state of the database from its first moment, so pages fetched at different times agree. Behind a large page, that
//! of a long scan, a reader thread fetches the next one ([`Ahead`]).

use std::ops::Bound;
use std::sync::Arc;

use mosskv::codec::put_bytes;
use mosskv::{Engine, ErrorKind, Iter, IterOptions, Snapshot};
use parking_lot::Mutex;

use crate::ahead::{Ahead, Found, Landing, Page};
use crate::failure::{Failure, Result};
use crate::ring::{Answer, Reply};

/// What an iterator walks over.
pub struct Range {
    /// Where keys begin.
    pub lower: Bound<Vec<u8>>,
    /// Where keys end.
    pub upper: Bound<Vec<u8>>,
    /// From the end to the beginning.
    pub reverse: bool,
    /// Whether pages have keys.
    pub keys: bool,
    /// Whether pages have values.
    pub values: bool,
    /// Whether blocks read on the way are kept in the cache.
    pub fill_cache: bool,
}

/// The flag of a page after which nothing comes.
const LAST: u8 = 1;
/// The flag of a page whose keys are ASCII.
const ASCII_KEYS: u8 = 2;
/// The flag of a page whose values are ASCII.
const ASCII_VALUES: u8 = 4;

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
    range: Range,
    walk: Mutex<Walk>,
    /// Where to go before the next page.
    target: Mutex<Option<Vec<u8>>>,
    ahead: Ahead,
}

impl Scan {
    /// An iterator over `range` as `snapshot` sees it, or as things are now.
    pub fn new(engine: Engine, snapshot: Option<Snapshot>, range: Range) -> Result<Self> {
        let (lower, upper) = (range.lower.clone(), range.upper.clone());
        let options = IterOptions { lower, upper, snapshot, fill_cache: range.fill_cache, may_block: false };
        let iter = engine.iter(&options)?;
        let walk = Walk { iter, may_block: false, place: Place::Start, last_key: Vec::new() };
        let (walk, target) = (Mutex::new(walk), Mutex::default());
        Ok(Self { engine, range, walk, target, ahead: Ahead::default() })
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

    /// Lets a reader thread fetch the page after one that was filled under `limits` and has `entries` entries, if that
    /// pays.
    pub fn fetch_ahead(self: &Arc<Self>, page: &[u8], entries: usize, limits: Limits) {
        let last = page.first().is_none_or(|flags| flags & LAST != 0);
        let Some(limits) = limits.after(entries).filter(|limits| !last && limits.bytes >= LONG_SCAN) else {
            return;
        };
        let Some(number) = self.ahead.queue() else { return };
        let scan = Arc::clone(self);
        self.engine.spawn_read(move || {
            let Some(landing) = scan.ahead.begin(number) else { return };
            let page = scan.next_page(&landing, limits);
            let Some((reply, page)) = landing.land(page) else { return };
            // Before the answer: until it comes, no other call asks for a page.
            if let Ok(page) = &page {
                scan.fetch_ahead(&page.bytes, page.entries, limits);
            }
            reply.send(page.map(|page| Answer::Bytes(page.bytes)));
        });
    }

    /// The page for `landing`. One that is nobody's any more leaves the walk alone: what moved the scan fills its page
    /// from a target, and this job may come to the walk only after that.
    fn next_page(&self, landing: &Landing<'_>, limits: Limits) -> Result<Page> {
        let walk = &mut *self.walk.lock();
        let mut bytes = Vec::with_capacity(limits.bytes + LONG_SCAN / 16);
        if landing.is_stale() {
            return Ok(Page { bytes, entries: 0 });
        }
        let entries = match self.go_on(walk, &mut bytes, limits, false)? {
            Some(entries) => entries,
            None => {
                landing.needs_disk();
                self.go_on(walk, &mut bytes, limits, true)?.unwrap_or_default()
            }
        };
        Ok(Page { bytes, entries })
    }

    /// Fills `page` up to its limits and returns how many entries it has; `None` when nothing could be had without the
    /// disk and `may_block` forbids that.
    pub fn fill(&self, page: &mut Vec<u8>, limits: Limits, may_block: bool) -> Result<Option<usize>> {
        let walk = &mut *self.walk.lock();
        if let Some(key) = self.target.lock().take() {
            walk.place = Place::Target(key);
        }
        self.go_on(walk, page, limits, may_block)
    }

    /// `fill` from where the walk is: pages that are fetched ahead never begin at a target.
    fn go_on(
        &self,
        walk: &mut Walk,
        page: &mut Vec<u8>,
        limits: Limits,
        may_block: bool,
    ) -> Result<Option<usize>> {
        // An iterator that may wait for the disk stays off the event loop.
        if walk.may_block && !may_block {
            return Ok(None);
        }
        page.clear();
        page.push(ASCII_KEYS | ASCII_VALUES);
        let mut left = limits.entries;
        loop {
            match self.fill_inner(walk, page, limits.bytes, &mut left) {
                Ok(()) => return Ok(Some(limits.entries - left)),
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(Failure::from(error)),
                Err(_) if !may_block => return Ok(Some(limits.entries - left).filter(|&entries| entries > 0)),
                // From here on the iterator may wait; `place` says where to go on.
                Err(_) => {
                    walk.iter.set_may_block(true);
                    walk.may_block = true;
                }
            }
        }
    }

    fn fill_inner(
        &self,
        walk: &mut Walk,
        page: &mut Vec<u8>,
        bytes: usize,
        left: &mut usize,
    ) -> mosskv::Result<()> {
        self.arrive(walk)?;
        let Walk { iter, place, last_key, .. } = walk;
        while iter.valid() && *left > 0 && page.len() < bytes {
            if self.range.keys {
                put_part(page, iter.key(), ASCII_KEYS);
            }
            if self.range.values {
                put_part(page, iter.value(), ASCII_VALUES);
            }
            last_key.clear();
            last_key.extend_from_slice(iter.key());
            *left -= 1;
            let moved = if self.range.reverse { iter.prev() } else { iter.next() };
            if let Err(error) = moved {
                *place = Place::Behind(std::mem::take(last_key));
                return Err(error);
            }
        }
        if !iter.valid() {
            *place = Place::End;
            if let Some(flags) = page.first_mut() {
                *flags |= LAST;
            }
        }
        Ok(())
    }

    /// Brings the iterator to where the walk is. On an error the walk stays where it was.
    fn arrive(&self, walk: &mut Walk) -> mosskv::Result<()> {
        let reverse = self.range.reverse;
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

/// Appends a key or value to a page, which loses its flag `ascii` when this is not.
#[inline]
fn put_part(page: &mut Vec<u8>, part: &[u8], ascii: u8) {
    if let Some(flags) = page.first_mut().filter(|flags| **flags & ascii != 0 && !part.is_ascii()) {
        *flags &= !ascii;
    }
    put_bytes(page, part);
}
