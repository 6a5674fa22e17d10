//! A table whose blocks are all in memory, decoded, in one piece.
//!
//! A lookup in it waits for memory fewer times than one through the block cache: [`Points`] leads from the key's hash to
//! its row, no slot lies between index and block, and the piece is made of huge pages where the system has them, so that
//! few of its addresses miss in the processor's page tables. Loaded by a background task once half as many blocks were read
//! as there are, if the cache's budget has room; given up with the open table. Immutable; any thread may read it.
//!
//! ```text
//! bytes        block with whole keys | zeros up to the next line | block | ...
//! places       one a block: where it begins, in lines | how many bytes it has | its header
//! points       one a user key: where its newest row is
//! ```
//!
//! The table cache chooses who gives way: see [`super::Table::make_resident`].

#![deny(clippy::indexing_slicing)]

use std::sync::Arc;

use memmap2::MmapMut;

use super::block::{Block, Header, Held, Row, SharedBlock};
use super::cursor::Readahead;
use super::open::OpenTable;
use super::points::{Pointed, Points};
use crate::cache::Reservation;
use crate::error::Result;
use crate::key;
use crate::version::TableMeta;

/// Blocks begin at cache lines.
const LINE_BYTES: usize = 64;
/// Bytes that a block has besides its entries and common prefix: header, and what is lost up to the next line.
const BLOCK_OVERHEAD: u64 = 12 + LINE_BYTES as u64;
/// Bytes that an entry has at most besides key and value: fingerprint, offset, digest, trailer and the key's length.
const ENTRY_OVERHEAD: u64 = 2 + 8 + 8 + 8 + 3;

/// The blocks of a table.
pub(super) struct Resident {
    bytes: MmapMut,
    places: Box<[Place]>,
    points: Option<Points>,
    reserved: Reservation,
}

/// Where a block is.
#[derive(Clone, Copy)]
struct Place {
    line: u32,
    length: u32,
    header: Header,
}

impl Resident {
    /// Reads the blocks of `open`. `None` when the budget, the address space or the format of places have no room for
    /// them, or when the database closes meanwhile.
    pub(super) fn load(open: &OpenTable, meta: &TableMeta) -> Result<Option<Self>> {
        let cache = open.cache();
        let blocks = (open.index.len() as u64)
            .saturating_mul(BLOCK_OVERHEAD)
            .saturating_add(meta.entries.saturating_mul(ENTRY_OVERHEAD))
            .saturating_add(meta.raw_bytes);
        // How long the common prefixes are is known when all blocks are read: the keys in them are at least as long.
        let most = usize::try_from(blocks.saturating_add(meta.raw_bytes));
        let (Ok(blocks), Ok(most), Ok(keys)) = (usize::try_from(blocks), most, usize::try_from(meta.entries))
        else {
            return Ok(None);
        };
        let Some(mut reserved) = cache.reserve(blocks.saturating_add(Points::memory(keys))) else {
            return Ok(None);
        };
        let Ok(bytes) = MmapMut::map_anon(most.max(1)) else { return Ok(None) };
        advise(&bytes);
        let mut filling = Filling { bytes, end: 0, points: Points::new(keys), widened: Vec::new() };
        let mut places = Vec::with_capacity(open.index.len());
        let mut ahead = Readahead::default();
        for at in 0..open.index.len() {
            if cache.is_closed() {
                return Ok(None);
            }
            let block = match open.peek(at) {
                Some(block) => block,
                None => {
                    let (offset, length) = open.place(at)?;
                    open.decode(offset, ahead.stored(open, offset, length)?.into())?
                }
            };
            let Some(place) = filling.put(&block) else { return Ok(None) };
            places.push(place);
        }
        let Filling { bytes, end, points, .. } = filling;
        if !reserved.fit(end + points.as_ref().map_or(0, |_| Points::memory(keys))) {
            return Ok(None);
        }
        Ok(Some(Self { bytes, places: places.into(), points, reserved }))
    }

    /// It is read from now on: other blocks give way to it.
    pub(super) fn loaded(&self) {
        self.reserved.loaded();
    }

    /// The row that [`Block::get`] would find first for a key with this hash, if the key is there; the row's `suffix` is its
    /// whole key. `Err` when only the block can tell.
    #[inline]
    pub(super) fn point(&self, hash: u64) -> Result<Option<&[u8]>, Untold> {
        match self.points.as_ref().map_or(Pointed::Somewhere, |points| points.find(hash)) {
            Pointed::At { start, end } => self.bytes.get(start..end).map(Some).ok_or(Untold),
            Pointed::Nowhere => Ok(None),
            Pointed::Somewhere => Err(Untold),
        }
    }

    #[inline]
    fn at(&self, Place { line, length, header }: Place) -> Option<Block<'_>> {
        let start = line as usize * LINE_BYTES;
        Some(Block::again(self.bytes.get(start..start + length as usize)?, header))
    }

    /// Block `at`.
    #[inline]
    pub(super) fn block(&self, at: usize) -> Option<Block<'_>> {
        self.at(*self.places.get(at)?)
    }

    /// Block `at`, to keep.
    pub(super) fn keep(self: &Arc<Self>, at: usize) -> Option<ResidentBlock> {
        Some(ResidentBlock { of: self.clone(), place: *self.places.get(at)? })
    }
}

/// The point index cannot tell.
pub(super) struct Untold;

/// Blocks being put one behind the other.
struct Filling {
    bytes: MmapMut,
    end: usize,
    points: Option<Points>,
    widened: Vec<u8>,
}

impl Filling {
    /// Puts a block at the next line. `None` when it does not fit.
    fn put(&mut self, block: &SharedBlock) -> Option<Place> {
        let start = self.end.next_multiple_of(LINE_BYTES);
        self.widened.clear();
        let header = Block::of(block).widen(&mut self.widened)?;
        let place = Place {
            line: u32::try_from(start / LINE_BYTES).ok()?,
            length: u32::try_from(self.widened.len()).ok()?,
            header,
        };
        self.end = start.checked_add(self.widened.len())?;
        self.bytes.get_mut(start..self.end)?.copy_from_slice(&self.widened);
        self.point_at(start, header);
        Some(place)
    }

    /// Adds the newest row of each key of the block at `start` to the index, which is given up when that cannot be done.
    fn point_at(&mut self, start: usize, header: Header) {
        let Some(points) = &mut self.points else { return };
        let block = Block::again(&self.widened, header);
        let mut last = None;
        for at in 0..block.len() {
            let Some(place) = block.place(at) else { continue };
            let Some(row) = self.widened.get(place.clone()).and_then(Row::read) else { continue };
            if last != Some(row.suffix)
                && !points.add(key::hash(row.suffix), start + place.start, place.len())
            {
                self.points = None;
                return;
            }
            last = Some(row.suffix);
        }
    }
}

/// A block that keeps the table's blocks in memory.
pub(super) struct ResidentBlock {
    of: Arc<Resident>,
    place: Place,
}

impl Held for ResidentBlock {
    #[inline]
    fn block(&self) -> Option<Block<'_>> {
        self.of.at(self.place)
    }
}

/// Asks for huge pages: memory beyond the processor's page tables costs a walk a wait, which in a virtual machine is
/// long. Refused: small pages, only slower.
pub(super) fn advise(bytes: &MmapMut) {
    #[cfg(target_os = "linux")]
    let _ = bytes.advise(memmap2::Advice::HugePage);
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}
