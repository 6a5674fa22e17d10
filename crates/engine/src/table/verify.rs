//! Checks a table file from the first byte to the last.

#![deny(clippy::indexing_slicing)]

use super::block::{self, Block};
use super::format::{self, corrupt};
use super::open::{Sections, TableFile};
use crate::checksum::Running;
use crate::error::Result;
use crate::expiry;
use crate::fs::Dir;
use crate::key::{self, Kind};
use crate::version::{Expiring, TableMeta};

/// Bytes read at once for the checksum of the whole file.
const READ_BYTES: u64 = 512 << 10;

/// Checks the table that `meta` describes; returns how many blocks and sections there were.
pub(super) fn verify(meta: &TableMeta, dir: &dyn Dir) -> Result<u64> {
    let file = TableFile::open(meta, dir)?;
    let contents = file.contents()?;
    let sections = Sections::read(&file, &contents, meta)?;
    let mut points = Points::default();
    for at in 0..sections.index.len() {
        let (offset, length) = sections.index.block(at).unwrap_or_default();
        let stored = file.read(offset, length)?;
        let bad = |what| corrupt(file.number, offset, what);
        let bytes = format::open_block(file.number, offset, stored.into())?;
        let block = block::decode(&bytes).map_err(bad)?;
        Block::of(&block)
            .check(|user_key, trailer, value| points.take(&sections, at, user_key, trailer, value))
            .map_err(bad)?;
        if let Some(what) = points.wrong {
            return Err(bad(what));
        }
    }
    points.agree(&sections, meta)?;
    if whole_checksum(&file)? != meta.checksum {
        return Err(corrupt(file.number, 0, "the file does not match the checksum in the manifest"));
    }
    Ok(sections.index.len() as u64 + contents.len() as u64)
}

/// What the point records add up to.
#[derive(Default)]
struct Points {
    entries: u64,
    tombstones: u64,
    superseded: u64,
    expiring: Expiring,
    bytes: u64,
    seqnos: Option<(u64, u64)>,
    smallest: Vec<u8>,
    largest: Vec<u8>,
    wrong: Option<&'static str>,
}

impl Points {
    /// Takes in a record of block `at`. Separators ascend, so keys that are all in their right blocks are in order.
    fn take(&mut self, sections: &Sections, at: usize, user_key: &[u8], trailer: u64, value: &[u8]) {
        if sections.index.find(user_key) != Some(at) {
            self.wrong = Some("a key outside its block's bounds");
        }
        if sections.filter.as_ref().is_some_and(|filter| !filter.may_contain(key::hash(user_key))) {
            self.wrong = Some("a key that the filter denies");
        }
        match key::kind_of(trailer) {
            None | Some(Kind::RangeDelete) => self.wrong = Some("a record of unknown kind"),
            Some(Kind::Delete) => self.tombstones += 1,
            Some(Kind::SetWithExpiry) => match expiry::split(value) {
                Some((expires_at, _)) => self.expiring.add(expires_at),
                None => self.wrong = Some("a value that is too short for its expiry"),
            },
            Some(_) => {}
        }
        if self.entries > 0 && self.largest == user_key {
            self.superseded += 1;
        }
        if self.entries == 0 {
            self.smallest.extend_from_slice(user_key);
        }
        self.largest.clear();
        self.largest.extend_from_slice(user_key);
        self.entries += 1;
        self.bytes += (user_key.len() + value.len() + 8) as u64;
        self.take_seqno(key::seqno_of(trailer));
    }

    fn take_seqno(&mut self, seqno: u64) {
        let (min, max) = self.seqnos.unwrap_or((seqno, seqno));
        self.seqnos = Some((min.min(seqno), max.max(seqno)));
    }

    /// Compares with the manifest. Pieces of range tombstones that touch are joined when they are read, so with them numbers and
    /// bytes differ, and only bounds can be compared.
    fn agree(mut self, sections: &Sections, meta: &TableMeta) -> Result<()> {
        let no_ranges = sections.range_dels.is_empty();
        let outside = (self.entries > 0)
            && (*self.smallest < *meta.smallest
                || *self.largest > *meta.largest
                || (meta.largest_exclusive && *self.largest == *meta.largest));
        let ranges = sections.range_dels.bounds();
        let points = (self.entries > 0).then_some((&*self.smallest, &*self.largest));
        let first = ranges.iter().chain(&points).map(|bounds| bounds.0).min();
        let end = ranges.iter().chain(&points).map(|bounds| bounds.1).max();
        let bounds = first == Some(&*meta.smallest) && end == Some(&*meta.largest);
        for tombstone in sections.range_dels.iter() {
            self.take_seqno(tombstone.seqno);
        }
        let counts = self.entries == meta.entries
            && self.tombstones == meta.tombstones
            && self.superseded == meta.superseded
            && self.expiring == meta.expiring
            && self.bytes <= meta.raw_bytes
            && (self.bytes == meta.raw_bytes || !no_ranges);
        if counts && bounds && !outside && self.seqnos == Some((meta.min_seqno, meta.max_seqno)) {
            return Ok(());
        }
        Err(corrupt(meta.number, 0, "the records do not add up to what the manifest says"))
    }
}

fn whole_checksum(file: &TableFile) -> Result<u64> {
    let mut running = Running::new(0);
    let mut offset = 0;
    while offset < file.size {
        let bytes = file.read(offset, READ_BYTES.min(file.size - offset))?;
        running.update(&bytes);
        offset += bytes.len() as u64;
    }
    Ok(running.finish())
}
