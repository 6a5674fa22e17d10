//! Writes a table: entries come in order, blocks go out through one large buffer.
//!
//! Used by one thread at a time (flush or a compaction). Invariants: all versions of a user key are in one block, so
//! a block may grow past its target; what `finish` returned describes a file that is complete and synced. After an error
//! every later call returns that error, and the file is not a table.

use std::sync::Arc;

use crate::checksum::Running;
use crate::compress::{Compressor, RAW};
use crate::error::{Error, ErrorKind, Result};
use crate::expiry;
use crate::fs::File;
use crate::fs::names::FileName;
use crate::key::{self, Kind, MAX_KEY_BYTES, MAX_VALUE_BYTES};
use crate::options::Compression;
use crate::range_del::RangeTombstone;
use crate::version::TableMeta;

use super::block::BlockBuilder;
use super::filter::Filter;
use super::format::{self, Section, SectionKind};
use super::index::{IndexBuilder, separator};
use super::properties::{Properties, encode_range_deletes};

/// Bytes gathered before they are written.
const WRITE_BYTES: usize = 256 << 10;

/// How a table is built.
#[derive(Debug, Clone, Copy)]
pub struct BuildOptions {
    /// Compression of data blocks, index and range deletes.
    pub compression: Compression,
    /// Filter bits per key; 0 builds no filter.
    pub filter_bits_per_key: u32,
    /// Bytes of a data block, before compression, at which the next one begins.
    pub block_bytes: usize,
}

/// Builds one table.
pub struct TableBuilder {
    options: BuildOptions,
    sink: Sink,
    compressor: Option<Compressor>,
    block: BlockBuilder,
    /// The stored form of a block, before compression.
    scratch: Vec<u8>,
    /// The separator of the block being filled.
    separator: Vec<u8>,
    index: IndexBuilder,
    hashes: Vec<u64>,
    range_deletes: Vec<RangeTombstone>,
    last_user_key: Vec<u8>,
    last_trailer: u64,
    meta: TableMeta,
    failure: Option<Error>,
}

impl TableBuilder {
    /// A builder that writes table `number` into the empty `file`.
    pub fn new(file: Arc<dyn File>, number: u64, options: BuildOptions) -> Self {
        let meta = TableMeta { number, min_seqno: u64::MAX, ..TableMeta::default() };
        Self {
            options,
            sink: Sink { file, number, buffer: Vec::new(), written: 0, checksum: Running::new(0) },
            compressor: None,
            block: BlockBuilder::default(),
            scratch: Vec::new(),
            separator: Vec::new(),
            index: IndexBuilder::default(),
            hashes: Vec::new(),
            range_deletes: Vec::new(),
            last_user_key: Vec::new(),
            last_trailer: 0,
            meta,
            failure: None,
        }
    }

    /// Adds a point record. It must come after the one before in internal order; anything else is an error of kind
    /// `Internal`. `trailer` is [`key::trailer`]. Writes to the file now and then.
    pub fn add(&mut self, user_key: &[u8], trailer: u64, value: &[u8]) -> Result<()> {
        self.guard(|builder| builder.try_add(user_key, trailer, value))
    }

    /// Adds a range tombstone; they may come in any order, at any time.
    pub fn add_range_del(&mut self, tombstone: &RangeTombstone) -> Result<()> {
        self.guard(|builder| {
            let longest = tombstone.start.len().max(tombstone.end.len());
            if tombstone.start >= tombstone.end || longest > MAX_KEY_BYTES {
                return Err(builder.misuse("got an empty or oversized range tombstone"));
            }
            builder.count(tombstone.seqno, tombstone.start.len() + tombstone.end.len());
            builder.range_deletes.push(tombstone.clone());
            Ok(())
        })
    }

    /// About how large the file would be if it were finished now, without index and filter.
    pub fn estimated_bytes(&self) -> u64 {
        self.sink.offset() + self.block.size() as u64
    }

    /// The user key added last; empty when there is none.
    pub fn last_user_key(&self) -> &[u8] {
        &self.last_user_key
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.meta.entries == 0 && self.range_deletes.is_empty()
    }

    /// Writes what is left, syncs the file (`sync_all`) and returns what the manifest needs to know. A table without
    /// any record is an error of kind `Internal`. The directory is the caller's to sync.
    pub fn finish(mut self) -> Result<TableMeta> {
        self.guard(Self::try_finish)
    }

    fn guard<R>(&mut self, work: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        work(self).inspect_err(|error| self.failure = Some(error.clone()))
    }

    fn try_add(&mut self, user_key: &[u8], trailer: u64, value: &[u8]) -> Result<()> {
        let first = self.meta.entries == 0;
        let same_key = !first && self.last_user_key == user_key;
        let ascending = match same_key {
            true => trailer < self.last_trailer,
            false => first || *self.last_user_key < *user_key,
        };
        if !ascending {
            return Err(self.misuse("got records out of order"));
        }
        if user_key.len() > MAX_KEY_BYTES || value.len() > MAX_VALUE_BYTES {
            return Err(self.misuse("got an oversized record"));
        }
        if !same_key {
            let full = self.block.size_with(user_key, value) > self.options.block_bytes;
            if first {
                self.separator.extend_from_slice(user_key);
                self.meta.smallest = user_key.into();
            } else if full || self.block.len() >= u32::MAX as usize / 2 {
                self.end_block()?;
                self.separator.clear();
                self.separator.extend_from_slice(separator(&self.last_user_key, user_key));
            }
            if self.options.filter_bits_per_key > 0 {
                self.hashes.push(key::hash(user_key));
            }
            self.last_user_key.clear();
            self.last_user_key.extend_from_slice(user_key);
        } else {
            self.meta.superseded += 1;
        }
        self.last_trailer = trailer;
        self.block.add(user_key, trailer, value);
        self.count(key::seqno_of(trailer), user_key.len() + value.len());
        self.meta.entries += 1;
        match key::kind_of(trailer) {
            Some(Kind::Delete) => self.meta.tombstones += 1,
            Some(Kind::SetWithExpiry) => {
                expiry::split(value).into_iter().for_each(|(at, _)| self.meta.expiring.add(at));
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes a record with `bytes` of key and value into the totals.
    fn count(&mut self, seqno: u64, bytes: usize) {
        self.meta.min_seqno = self.meta.min_seqno.min(seqno);
        self.meta.max_seqno = self.meta.max_seqno.max(seqno);
        self.meta.raw_bytes += bytes as u64 + 8;
    }

    fn misuse(&self, what: &str) -> Error {
        let name = FileName::Table(self.meta.number);
        Error::new(
            ErrorKind::Internal,
            format!("the builder of {name} {what} after {:?}", self.last_user_key),
        )
    }

    /// Stores the block being filled.
    fn end_block(&mut self) -> Result<()> {
        self.scratch.clear();
        self.block.finish(&mut self.scratch);
        let (number, offset) = (self.meta.number, self.sink.offset());
        let raw = std::mem::take(&mut self.scratch);
        let start = self.sink.buffer.len();
        let codec = Self::compressor(&mut self.compressor, self.options.compression)?
            .compress(&raw, &mut self.sink.buffer);
        self.scratch = raw;
        format::seal_block(number, offset, codec, &mut self.sink.buffer, start);
        self.index.add(&self.separator, self.sink.offset() - offset);
        self.sink.write_if_full()
    }

    fn compressor(slot: &mut Option<Compressor>, setting: Compression) -> Result<&mut Compressor> {
        match slot {
            Some(compressor) => Ok(compressor),
            None => Ok(slot.insert(Compressor::new(setting)?)),
        }
    }

    /// Stores a section and returns its entry in the table of contents.
    fn section(
        &mut self,
        kind: SectionKind,
        bytes: &[u8],
        must_understand: bool,
        pack: bool,
    ) -> Result<Section> {
        let offset = self.sink.offset();
        let start = self.sink.buffer.len();
        let codec = match pack {
            true => Self::compressor(&mut self.compressor, self.options.compression)?
                .compress(bytes, &mut self.sink.buffer),
            false => {
                self.sink.buffer.extend_from_slice(bytes);
                RAW
            }
        };
        let length = (self.sink.buffer.len() - start) as u64;
        self.sink.buffer.push(codec);
        let stored = self.sink.buffer.get(start..).unwrap_or_default();
        let checksum = format::stored_checksum(self.meta.number, offset, stored);
        self.sink.buffer.pop();
        self.sink.write_if_full()?;
        Ok(Section { kind, must_understand, codec, offset, length, checksum })
    }

    fn try_finish(&mut self) -> Result<TableMeta> {
        if self.is_empty() {
            return Err(self.misuse("was finished without any record"));
        }
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let data = Section {
            kind: SectionKind::DATA,
            must_understand: true,
            codec: RAW,
            offset: 0,
            length: self.sink.offset(),
            checksum: 0,
        };
        let mut sections = vec![data];
        let index = self.index.encode();
        if index.len() > u32::MAX as usize {
            return Err(self.misuse("has an index of more than 4 GiB"));
        }
        sections.push(self.section(SectionKind::INDEX, &index, true, true)?);
        if !self.hashes.is_empty() {
            let mut bytes = Vec::new();
            Filter::build(&self.hashes, self.options.filter_bits_per_key).encode(&mut bytes);
            sections.push(self.section(SectionKind::FILTER, &bytes, false, false)?);
        }
        self.complete_bounds();
        if !self.range_deletes.is_empty() {
            self.range_deletes.sort_unstable();
            let bytes = encode_range_deletes(&self.range_deletes);
            sections.push(self.section(SectionKind::RANGE_DELETES, &bytes, true, true)?);
        }
        let properties = Properties { meta: self.meta.clone(), data_blocks: self.index.len() };
        sections.push(self.section(SectionKind::PROPERTIES, &properties.encode(), true, false)?);
        let offset = self.sink.offset();
        format::put_contents(self.meta.number, offset, &sections, &mut self.sink.buffer);
        self.sink.write()?;
        self.sink.file.sync_all().map_err(|e| Error::io("sync", FileName::Table(self.meta.number), e))?;
        self.meta.size = self.sink.written;
        self.meta.checksum = self.sink.checksum.finish();
        Ok(std::mem::take(&mut self.meta))
    }

    /// Widens the key bounds by the range tombstones.
    fn complete_bounds(&mut self) {
        self.meta.range_deletes = self.range_deletes.len() as u64;
        self.meta.largest = self.last_user_key.as_slice().into();
        let no_points = self.meta.entries == 0;
        let start = self.range_deletes.iter().map(|tombstone| &tombstone.start).min();
        let end = self.range_deletes.iter().map(|tombstone| &tombstone.end).max();
        if let Some(start) = start.filter(|start| no_points || **start < self.meta.smallest) {
            self.meta.smallest = start.clone();
        }
        if let Some(end) = end.filter(|end| no_points || **end > self.meta.largest) {
            self.meta.largest = end.clone();
            self.meta.largest_exclusive = true;
        }
    }
}

/// The file behind a buffer, and the checksum of all that went through.
struct Sink {
    file: Arc<dyn File>,
    number: u64,
    buffer: Vec<u8>,
    written: u64,
    checksum: Running,
}

impl Sink {
    /// Where in the file the next byte goes.
    fn offset(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn write_if_full(&mut self) -> Result<()> {
        if self.buffer.len() < WRITE_BYTES { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> Result<()> {
        self.file
            .write_all_at(&self.buffer, self.written)
            .map_err(|e| Error::io("write", FileName::Table(self.number), e))?;
        self.checksum.update(&self.buffer);
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
