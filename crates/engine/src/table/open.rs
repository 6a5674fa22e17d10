//! An open table: its file, its index, filter and range tombstones in memory, and the slots of its cached blocks.
//!
//! Immutable but for the slots; any thread may read it.

#![deny(clippy::indexing_slicing)]

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::{Arc, OnceLock, Weak};

use super::block::{self, Block, Held, Row, SharedBlock};
use super::filter::Filter;
use super::format::{self, FOOTER_BYTES, Footer, Section, SectionKind, corrupt};
use super::index::Index;
use super::properties::{Properties, decode_range_deletes};
use super::resident::{Resident, ResidentBlock, Untold};
use super::{ReadHow, Table, TableContext};
use crate::cache::{BlockCache, BlockSlots, CachedBlock};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::names::FileName;
use crate::fs::{Dir, File, OpenMode};
use crate::key::{self, SeqNo};
use crate::range_del::RangeDels;
use crate::sync::{AtomicBool, AtomicUsize, Ordering};
use crate::version::TableMeta;

/// Tables of fewer blocks are left to the block cache.
const LEAST_RESIDENT: usize = 64;

/// The end of the file is read with one call; contents and footer are mostly all in it.
const TAIL_BYTES: u64 = 1 << 10;

/// The file of a table, read with the table's name in every error.
pub(super) struct TableFile {
    pub(super) number: u64,
    pub(super) size: u64,
    file: Arc<dyn File>,
}

impl TableFile {
    /// Opens the file and checks its size.
    pub(super) fn open(meta: &TableMeta, dir: &dyn Dir) -> Result<Self> {
        let name = FileName::Table(meta.number);
        let file = dir.open(&name.to_string(), OpenMode::Read).map_err(|e| Error::io("open", name, e))?;
        let size = file.len().map_err(|e| Error::io("get the size of", name, e))?;
        if size != meta.size {
            let what = format!("the file has {size} bytes, the manifest says {}", meta.size);
            return Err(corrupt(meta.number, size.min(meta.size), what));
        }
        Ok(Self { number: meta.number, size, file })
    }

    /// Exactly `length` bytes at `offset`. Both must be inside the file, so memory is bounded by its size.
    pub(super) fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        let mut buffer = self.buffer(offset, length)?;
        let count = self.file.read_at(&mut buffer, offset).map_err(|e| self.io_error(offset, length, e))?;
        if count < buffer.len() {
            return Err(corrupt(self.number, offset + count as u64, "the file ends early"));
        }
        Ok(buffer)
    }

    /// Like `read`, without waiting for the disk.
    fn read_nowait(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        let mut buffer = self.buffer(offset, length)?;
        match self.file.read_at_nowait(&mut buffer, offset) {
            Ok(Some(count)) if count == buffer.len() => Ok(buffer),
            Ok(_) => {
                let message = format!("{} at offset {offset} is not in memory", FileName::Table(self.number));
                Err(Error::new(ErrorKind::WouldBlock, message))
            }
            Err(error) => Err(self.io_error(offset, length, error)),
        }
    }

    fn buffer(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        let inside = offset.checked_add(length).is_some_and(|end| end <= self.size);
        let Some(bytes) = usize::try_from(length).ok().filter(|_| inside) else {
            return Err(corrupt(self.number, offset, format!("{length} bytes are not inside the file")));
        };
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(bytes).map_err(|_| {
            let name = FileName::Table(self.number);
            Error::new(
                ErrorKind::Io,
                format!("no memory to read {length} bytes of {name} at offset {offset}"),
            )
        })?;
        buffer.resize(bytes, 0);
        Ok(buffer)
    }

    fn io_error(&self, offset: u64, length: u64, source: std::io::Error) -> Error {
        let action = format!("read {length} bytes at offset {offset} of");
        Error::io(&action, FileName::Table(self.number), source)
    }

    /// The table of contents.
    pub(super) fn contents(&self) -> Result<Vec<Section>> {
        let start = self.size.saturating_sub(TAIL_BYTES);
        let tail = self.read(start, self.size - start)?;
        let footer = tail.len().checked_sub(FOOTER_BYTES).and_then(|at| tail.get(at..)).unwrap_or_default();
        let footer = Footer::read(self.number, self.size, footer)?;
        let inside = footer.offset.checked_sub(start).and_then(|at| {
            let at = usize::try_from(at).ok()?;
            tail.get(at..at.checked_add(footer.length)?)
        });
        match inside {
            Some(bytes) => footer.contents(self.number, bytes),
            None => footer.contents(self.number, &self.read(footer.offset, footer.length as u64)?),
        }
    }
}

/// The sections of a table, checked and decoded.
pub(super) struct Sections {
    pub(super) index: Index,
    pub(super) filter: Option<Filter>,
    pub(super) range_dels: RangeDels,
    pub(super) data_bytes: u64,
}

impl Sections {
    /// Reads all sections; the table must be the one that `meta` describes.
    pub(super) fn read(file: &TableFile, contents: &[Section], meta: &TableMeta) -> Result<Self> {
        let section = |kind| contents.iter().find(|section| section.kind == kind);
        let needed = |kind| section(kind).ok_or_else(|| corrupt(file.number, 0, "a section is missing"));
        let bytes = |section: &Section| {
            format::open_section(file.number, section, file.read(section.offset, section.length)?)
        };
        let bad = |section: &Section, what: &str| corrupt(file.number, section.offset, what);

        let properties = needed(SectionKind::PROPERTIES)?;
        let found =
            Properties::decode(&bytes(properties)?).ok_or_else(|| bad(properties, "malformed properties"))?;
        if !found.describe(meta) {
            return Err(bad(properties, "the table is not the one the manifest describes"));
        }
        let data = needed(SectionKind::DATA)?;
        if data.offset != 0 {
            return Err(bad(data, "the data is not at the start of the file"));
        }
        let section_of_index = needed(SectionKind::INDEX)?;
        let index =
            Index::decode(&bytes(section_of_index)?, data.length).map_err(|e| bad(section_of_index, e))?;
        if index.len() as u64 != found.data_blocks {
            return Err(bad(section_of_index, "an index with a wrong number of blocks"));
        }
        let filter = match section(SectionKind::FILTER) {
            Some(section) => {
                let filter = Filter::decode(&bytes(section)?);
                Some(filter.ok_or_else(|| bad(section, "a filter of impossible size"))?)
            }
            None => None,
        };
        let range_dels = match section(SectionKind::RANGE_DELETES) {
            Some(section) => {
                let tombstones = decode_range_deletes(&bytes(section)?);
                let tombstones = tombstones.ok_or_else(|| bad(section, "malformed range deletes"))?;
                if tombstones.len() as u64 != meta.range_deletes {
                    return Err(bad(section, "a wrong number of range deletes"));
                }
                RangeDels::new(tombstones)
            }
            None if meta.range_deletes > 0 => {
                return Err(corrupt(file.number, 0, "the range deletes are missing"));
            }
            None => RangeDels::default(),
        };
        Ok(Self { index, filter, range_dels, data_bytes: data.length })
    }
}

/// A table whose file is open.
pub(crate) struct OpenTable {
    pub(super) file: TableFile,
    pub(super) index: Index,
    filter: Option<Filter>,
    pub(super) range_dels: Arc<RangeDels>,
    pub(super) data_bytes: u64,
    slots: Arc<BlockSlots>,
    resident: OnceLock<Arc<Resident>>,
    /// So many more blocks have to be read before all are.
    patience: AtomicUsize,
    ctx: Arc<TableContext>,
    table: Weak<Table>,
    paranoid: bool,
    used: AtomicBool,
}

/// Where a lookup looks for its record.
pub(crate) enum Spot<'a> {
    /// In a row of a table that is wholly in memory; if the record is not there, in a block of it.
    Row(&'a [u8], &'a OpenTable),
    /// In a block of such a table.
    Block(Block<'a>),
    /// In a block of the cache.
    Cached(CachedBlock),
}

impl Spot<'_> {
    /// The newest version of `user_key` with a seqno of at most `snapshot`: its trailer and value. The arguments are those
    /// it was found with.
    #[inline]
    pub(crate) fn get(&self, user_key: &[u8], hash: u64, snapshot: SeqNo) -> Option<(u64, &[u8])> {
        let block = match self {
            Self::Row(row, open) => {
                if let Some(row) = Row::read(row)
                    && row.suffix == user_key
                    && key::seqno_of(row.trailer) <= snapshot
                {
                    return Some((row.trailer, row.value));
                }
                open.resident_block(user_key)?
            }
            Self::Block(block) => *block,
            Self::Cached(block) => Block::of(block.get()?),
        };
        block.get(user_key, hash, snapshot)
    }

    /// The bytes that [`Spot::get`] reads to find its row, if that is not known.
    pub(crate) fn columns(&self) -> &[u8] {
        match self {
            Self::Row(..) => &[],
            Self::Block(block) => block.columns(),
            Self::Cached(block) => block.get().map_or(&[], |block| Block::of(block).columns()),
        }
    }

    /// The bytes of the row that [`Spot::get`] is going to look at first.
    pub(crate) fn candidate(&self, hash: u64) -> Option<&[u8]> {
        match self {
            Self::Row(row, _) => Some(row),
            Self::Block(block) => block.candidate(hash),
            Self::Cached(block) => Block::of(block.get()?).candidate(hash),
        }
    }
}

/// A block that a cursor stands in.
pub(super) enum KeptBlock {
    Resident(ResidentBlock),
    Shared(SharedBlock),
}

impl Held for KeptBlock {
    #[inline]
    fn block(&self) -> Option<Block<'_>> {
        match self {
            Self::Resident(block) => block.block(),
            Self::Shared(block) => block.block(),
        }
    }
}

impl OpenTable {
    /// Opens the file and reads all but the blocks.
    pub(super) fn open(meta: &TableMeta, ctx: &Arc<TableContext>, table: Weak<Table>) -> Result<Self> {
        let file = TableFile::open(meta, &*ctx.dir)?;
        let Sections { index, filter, range_dels, data_bytes } =
            Sections::read(&file, &file.contents()?, meta)?;
        let pinned = index.memory() + filter.as_ref().map_or(0, Filter::memory);
        let slots = ctx.blocks.slots(meta.number, index.len(), pinned, ctx.paranoid);
        let range_dels = Arc::new(range_dels);
        let patience = index.len() / 2;
        Ok(Self {
            file,
            index,
            filter,
            range_dels,
            data_bytes,
            slots,
            resident: OnceLock::new(),
            patience: AtomicUsize::new(patience),
            ctx: ctx.clone(),
            table,
            paranoid: ctx.paranoid,
            used: AtomicBool::new(false),
        })
    }

    #[inline]
    pub(super) fn mark_used(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    /// Where a key is, if it is there; `None` when surely not.
    #[inline]
    pub(super) fn probe(&self, user_key: &[u8], hash: u64, how: ReadHow) -> Result<Option<Spot<'_>>> {
        // Before the point index, which would do without: the filter is a tenth of its size.
        if !self.filter.as_ref().is_none_or(|filter| filter.may_contain(hash)) {
            return Ok(None);
        }
        if let Some(resident) = self.resident.get() {
            self.slots.count_hit();
            return Ok(match resident.point(hash) {
                Ok(row) => row.map(|row| Spot::Row(row, self)),
                Err(Untold) => self.resident_block(user_key).map(Spot::Block),
            });
        }
        let Some(at) = self.index.find(user_key) else { return Ok(None) };
        self.cached(at, how).map(|block| Some(Spot::Cached(block)))
    }

    /// The block that may hold `user_key`, if all blocks are in memory.
    fn resident_block(&self, user_key: &[u8]) -> Option<Block<'_>> {
        self.resident.get()?.block(self.index.find(user_key)?)
    }

    /// Waits for what [`OpenTable::probe`] looks at first.
    #[inline]
    pub(super) fn touch(&self, hash: u64) {
        black_box(self.filter.as_ref().map(|filter| filter.may_contain(hash)));
        if let Some(resident) = self.resident.get() {
            black_box(resident.point(hash).is_ok());
        }
    }

    /// Block `at` for a cursor, if all blocks are in memory.
    pub(super) fn resident(&self, at: usize) -> Option<KeptBlock> {
        self.resident.get()?.keep(at).map(KeptBlock::Resident)
    }

    /// Block `at` for a cursor, from the cache or from the file.
    pub(super) fn keep(&self, at: usize, how: ReadHow) -> Result<KeptBlock> {
        let block = self.cached(at, how)?.into_shared();
        block
            .map(KeptBlock::Shared)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a block was not there after its load"))
    }

    /// Whether all blocks are in memory.
    pub(super) fn is_resident(&self) -> bool {
        self.resident.get().is_some()
    }

    #[inline]
    fn cached(&self, at: usize, how: ReadHow) -> Result<CachedBlock> {
        match self.slots.get(at) {
            Some(hit) if self.paranoid => self.check_hit(at, hit),
            Some(hit) => Ok(hit),
            None => self.miss(at, how).map(CachedBlock::owned),
        }
    }

    /// A block was read. Once half as many were as there are, all of them shall be in memory.
    fn count_read(&self) {
        let worth_it = !self.paranoid && self.index.len() >= LEAST_RESIDENT;
        if worth_it && self.patience.fetch_sub(1, Ordering::Relaxed) == 1 {
            (self.ctx.on_hot)(self.table.clone());
        }
    }

    /// There was no room for all blocks: as many reads later it may be tried again.
    pub(super) fn be_patient(&self) {
        self.patience.store(self.index.len() / 2, Ordering::Relaxed);
    }

    /// Answers from `resident` from now on.
    pub(super) fn settle(&self, resident: Resident) {
        let resident = Arc::new(resident);
        if self.resident.set(resident.clone()).is_ok() {
            self.slots.clear();
            resident.loaded();
        }
    }

    /// Block `at` if it is cached.
    pub(super) fn peek(&self, at: usize) -> Option<SharedBlock> {
        self.slots.peek(at)
    }

    /// The cache its blocks are in.
    pub(super) fn cache(&self) -> &Arc<BlockCache> {
        self.slots.cache()
    }

    #[cold]
    fn check_hit(&self, at: usize, hit: CachedBlock) -> Result<CachedBlock> {
        if hit.get().is_some_and(|block| self.slots.intact(at, block)) {
            return Ok(hit);
        }
        let offset = self.index.block(at).map_or(0, |(offset, _)| offset);
        Err(corrupt(self.file.number, offset, "a cached block changed in memory"))
    }

    #[cold]
    fn miss(&self, at: usize, how: ReadHow) -> Result<SharedBlock> {
        let (offset, length) = self.place(at)?;
        if !how.may_block {
            let block = self.decode(offset, self.file.read_nowait(offset, length)?.into())?;
            if how.fill_cache {
                self.slots.offer(at, &block);
                self.count_read();
            }
            return Ok(block);
        }
        let read = || self.decode(offset, self.file.read(offset, length)?.into());
        if how.fill_cache { self.slots.load(at, || read().inspect(|_| self.count_read())) } else { read() }
    }

    /// Offset and stored length of block `at`.
    pub(super) fn place(&self, at: usize) -> Result<(u64, u64)> {
        self.index.block(at).ok_or_else(|| {
            let name = FileName::Table(self.file.number);
            Error::new(ErrorKind::Internal, format!("{name} has no block {at}"))
        })
    }

    /// Checks and takes apart a stored block.
    pub(super) fn decode(&self, offset: u64, stored: Cow<'_, [u8]>) -> Result<SharedBlock> {
        let bad = |what| corrupt(self.file.number, offset, what);
        let bytes = format::open_block(self.file.number, offset, stored)?;
        let block = block::decode(&bytes).map_err(bad)?;
        if self.paranoid {
            Block::of(&block).check(|_, _, _| {}).map_err(bad)?;
        }
        Ok(block)
    }
}
