//! A table whose blocks are all in memory, decoded, in one piece.
//!
//! A lookup in it waits for memory fewer times than one through the block cache: no slot lies between index and block,
//! and the piece is made of huge pages where the system has them, so that few of its addresses miss in the
//! processor's page tables. Loaded by a background task once half of the blocks are cached, if the cache's budget has room;
//! given up with the open table. Immutable; any thread may read it.
//!
//! ```text
//! places       one a block: where it begins, in lines | how many bytes it has
//! bytes        block | zeros up to the next line | block | ...
//! ```
//!
//! The table cache chooses who gives way: see [`super::Table::make_resident`].

#![deny(clippy::indexing_slicing)]

use std::sync::Arc;

use memmap2::MmapMut;

use super::block::{Block, Header, Held};
use super::cursor::Readahead;
use super::open::OpenTable;
use crate::cache::Reservation;
use crate::error::Result;
use crate::version::TableMeta;

/// Blocks begin at cache lines.
const LINE_BYTES: usize = 64;
/// Bytes that a block has besides its entries: header, and what is lost up to the next line. Its common prefix is counted
/// with the keys.
const BLOCK_OVERHEAD: u64 = 12 + LINE_BYTES as u64;
/// Bytes that an entry has at most besides key and value: fingerprint, offset, digest, trailer and the suffix's length.
const ENTRY_OVERHEAD: u64 = 2 + 8 + 8 + 8 + 3;

/// The blocks of a table.
pub(super) struct Resident {
    places: Box<[Place]>,
    bytes: MmapMut,
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
        let most = (open.index.len() as u64)
            .saturating_mul(BLOCK_OVERHEAD)
            .saturating_add(meta.entries.saturating_mul(ENTRY_OVERHEAD))
            .saturating_add(meta.raw_bytes);
        let Ok(most) = usize::try_from(most) else { return Ok(None) };
        let Some(reserved) = cache.reserve(most) else { return Ok(None) };
        let Ok(bytes) = MmapMut::map_anon(most.max(1)) else { return Ok(None) };
        advise(&bytes);
        let mut resident = Self { places: Box::default(), bytes, reserved };
        let mut places = Vec::with_capacity(open.index.len());
        let mut ahead = Readahead::default();
        let mut end = 0;
        for at in 0..open.index.len() {
            if cache.is_closed() {
                return Ok(None);
            }
            let (offset, length) = open.place(at)?;
            let block = open.decode(offset, ahead.stored(open, offset, length)?.into())?;
            let Some(place) = resident.put(&mut end, Block::of(&block)) else { return Ok(None) };
            places.push(place);
        }
        resident.reserved.shrink(end);
        resident.places = places.into();
        Ok(Some(resident))
    }

    /// Copies a block to the first line behind `end`, and moves that.
    fn put(&mut self, end: &mut usize, block: Block<'_>) -> Option<Place> {
        let (start, bytes) = (end.next_multiple_of(LINE_BYTES), block.bytes());
        let place = Place {
            line: u32::try_from(start / LINE_BYTES).ok()?,
            length: u32::try_from(bytes.len()).ok()?,
            header: block.header(),
        };
        *end = start.checked_add(bytes.len())?;
        self.bytes.get_mut(start..*end)?.copy_from_slice(bytes);
        Some(place)
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
fn advise(bytes: &MmapMut) {
    #[cfg(target_os = "linux")]
    let _ = bytes.advise(memmap2::Advice::HugePage);
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}
