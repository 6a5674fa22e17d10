//! How a table file is put together: data blocks, sections, table of contents, footer.
//!
//! ```text
//! data blocks     each: stored bytes | codec u8 | checksum u64
//! sections        index, filter, properties, range deletes, ...
//! contents        32 bytes a section: kind u16 | flags u8 (1 = must be understood) | codec u8 | 0 u32 |
//!                 offset u64 | length u64 | checksum u64
//! footer          48 bytes: contents offset u64 | contents length u64 | contents checksum u64 |
//!                 checksum of the footer's other 40 bytes u64 | version u32 | 0 u32 | "MOSSTBL1"
//! ```
//!
//! Every checksum is seeded with the file's number and the offset of what it covers ([`checksum::place`]); those of
//! blocks and sections cover the codec too. The data blocks together are the first section. Sections lie without
//! gaps from the start of the file to the contents, the footer follows: no byte of the file goes unchecked.
//!
//! Pure functions; callable from any thread.

#![deny(clippy::indexing_slicing)]

use std::borrow::Cow;

use crate::checksum;
use crate::codec::Reader;
use crate::compress;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::names::FileName;

/// Bytes of the footer.
pub(crate) const FOOTER_BYTES: usize = 48;
/// Bytes of an entry of the table of contents.
const ENTRY_BYTES: usize = 32;
/// More sections than this are not believed.
const MAX_SECTIONS: usize = 256;
const MAGIC: [u8; 8] = *b"MOSSTBL1";
/// The format this code writes, and the only one it reads.
const VERSION: u32 = 1;
const MUST_UNDERSTAND: u8 = 1;

/// What a section holds. The numbers are on disk and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SectionKind(pub(crate) u16);

impl SectionKind {
    /// All data blocks. Its checksum field is zero: each block has its own.
    pub(crate) const DATA: Self = Self(1);
    pub(crate) const INDEX: Self = Self(2);
    pub(crate) const FILTER: Self = Self(3);
    pub(crate) const PROPERTIES: Self = Self(4);
    pub(crate) const RANGE_DELETES: Self = Self(5);
    /// Reserved: which blob files the table refers to.
    pub(crate) const BLOB_REFERENCES: Self = Self(6);
    /// Reserved: an index from key to row.
    pub(crate) const POINT_INDEX: Self = Self(7);

    /// Whether this version reads such sections.
    fn known(self) -> bool {
        self.0 <= Self::RANGE_DELETES.0 && self.0 > 0
    }

    fn name(self) -> &'static str {
        match self {
            Self::DATA => "data",
            Self::INDEX => "index",
            Self::FILTER => "filter",
            Self::PROPERTIES => "properties",
            Self::RANGE_DELETES => "range deletes",
            Self::BLOB_REFERENCES => "blob references",
            Self::POINT_INDEX => "point index",
            _ => "unknown",
        }
    }
}

/// An entry of the table of contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) kind: SectionKind,
    /// Readers that do not know the kind must refuse the table.
    pub(crate) must_understand: bool,
    pub(crate) codec: u8,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) checksum: u64,
}

/// The checksum of a block or section stored at `offset`: over its bytes and its codec.
pub(crate) fn stored_checksum(number: u64, offset: u64, bytes_and_codec: &[u8]) -> u64 {
    checksum::checksum(checksum::place(number, offset), bytes_and_codec)
}

/// Appends the envelope to a block whose stored bytes are `out[start..]`, and which will lie at `offset`.
pub(crate) fn seal_block(number: u64, offset: u64, codec: u8, out: &mut Vec<u8>, start: usize) {
    out.push(codec);
    let checksum = stored_checksum(number, offset, out.get(start..).unwrap_or_default());
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// Checks a stored block and takes it out of its envelope. Owned raw bytes are not copied.
pub(crate) fn open_block(number: u64, offset: u64, stored: Cow<'_, [u8]>) -> Result<Vec<u8>> {
    let Some((body, sum)) = stored.split_last_chunk::<8>() else {
        return Err(corrupt(number, offset, "a block too short for its checksum"));
    };
    if stored_checksum(number, offset, body) != u64::from_le_bytes(*sum) {
        return Err(corrupt(number, offset, "a block does not match its checksum"));
    }
    let Some((&codec, bytes)) = body.split_last() else {
        return Err(corrupt(number, offset, "a block without a codec"));
    };
    let length = bytes.len();
    let bytes = match stored {
        Cow::Borrowed(stored) => Cow::Borrowed(stored.get(..length).unwrap_or_default()),
        Cow::Owned(mut stored) => {
            stored.truncate(length);
            Cow::Owned(stored)
        }
    };
    decompress(number, offset, codec, bytes)
}

/// Checks a section's bytes and decompresses them.
pub(crate) fn open_section(number: u64, section: &Section, mut stored: Vec<u8>) -> Result<Vec<u8>> {
    stored.push(section.codec);
    if stored_checksum(number, section.offset, &stored) != section.checksum {
        let what = format!("the {} section does not match its checksum", section.kind.name());
        return Err(corrupt(number, section.offset, what));
    }
    stored.pop();
    decompress(number, section.offset, section.codec, stored.into())
}

fn decompress(number: u64, offset: u64, codec: u8, stored: Cow<'_, [u8]>) -> Result<Vec<u8>> {
    compress::decompress(codec, stored)
        .map_err(|e| e.context(format!("{} at offset {offset}", FileName::Table(number))))
}

/// Damage in table `number`.
pub(crate) fn corrupt(number: u64, offset: u64, what: impl std::fmt::Display) -> Error {
    Error::corruption(FileName::Table(number), offset, what)
}

/// Appends contents and footer of a table to `out`, which will lie at `offset`.
pub(crate) fn put_contents(number: u64, offset: u64, sections: &[Section], out: &mut Vec<u8>) {
    let start = out.len();
    for section in sections {
        out.extend_from_slice(&section.kind.0.to_le_bytes());
        out.push(if section.must_understand { MUST_UNDERSTAND } else { 0 });
        out.push(section.codec);
        out.extend_from_slice(&[0; 4]);
        for number in [section.offset, section.length, section.checksum] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
    let length = (out.len() - start) as u64;
    let sum = stored_checksum(number, offset, out.get(start..).unwrap_or_default());
    let head = [offset, length, sum].map(u64::to_le_bytes).concat();
    let mut tail = VERSION.to_le_bytes().to_vec();
    tail.extend_from_slice(&[0; 4]);
    tail.extend_from_slice(&MAGIC);
    let sum = footer_checksum(number, offset + length, &head, &tail);
    out.extend_from_slice(&head);
    out.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(&tail);
}

fn footer_checksum(number: u64, offset: u64, head: &[u8], tail: &[u8]) -> u64 {
    stored_checksum(number, offset, &[head, tail].concat())
}

/// Where the contents are, as the footer says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Footer {
    pub(crate) offset: u64,
    pub(crate) length: usize,
    checksum: u64,
}

impl Footer {
    /// Reads the footer of a table of `size` bytes; `bytes` are its last 48.
    pub(crate) fn read(number: u64, size: u64, bytes: &[u8]) -> Result<Self> {
        let Some(at) = size.checked_sub(FOOTER_BYTES as u64) else {
            return Err(corrupt(number, 0, "the file is shorter than a table's footer"));
        };
        let parts =
            bytes.split_at_checked(24).and_then(|(head, rest)| Some((head, rest.split_at_checked(8)?)));
        let (head, (sum, tail)) = parts.ok_or_else(|| corrupt(number, at, "the footer ends early"))?;
        if tail.get(8..) != Some(&MAGIC[..]) {
            return Err(corrupt(number, at, "this is not a table (wrong magic number)"));
        }
        if sum != footer_checksum(number, at, head, tail).to_le_bytes() {
            return Err(corrupt(number, at, "the footer does not match its checksum"));
        }
        let version = Reader::new(tail).u32();
        if version != Some(VERSION) {
            let message = format!(
                "{} has table format {}; this version reads {VERSION}: open it with a newer MossKV",
                FileName::Table(number),
                version.unwrap_or_default(),
            );
            return Err(Error::new(ErrorKind::UnsupportedFormat, message));
        }
        let mut reader = Reader::new(head);
        let fields = (|| Some((reader.u64()?, reader.u64()?, reader.u64()?)))();
        let (offset, length, checksum) =
            fields.ok_or_else(|| corrupt(number, at, "the footer ends early"))?;
        if offset.checked_add(length) != Some(at) || length > (MAX_SECTIONS * ENTRY_BYTES) as u64 {
            return Err(corrupt(number, at, "the footer points outside the file"));
        }
        Ok(Self { offset, length: length as usize, checksum })
    }

    /// Reads the table of contents. Sections of unknown kinds are left out when they may be ignored.
    pub(crate) fn contents(&self, number: u64, bytes: &[u8]) -> Result<Vec<Section>> {
        let bad = |what| corrupt(number, self.offset, what);
        if stored_checksum(number, self.offset, bytes) != self.checksum {
            return Err(bad("the table of contents does not match its checksum"));
        }
        let mut sections: Vec<Section> = Vec::new();
        let mut reader = Reader::new(bytes);
        let mut end = 0;
        while !reader.is_empty() {
            let section = read_entry(&mut reader).ok_or_else(|| bad("a malformed table of contents"))?;
            if section.offset != end {
                return Err(bad("the sections do not follow one another"));
            }
            end = section.offset.checked_add(section.length).ok_or_else(|| bad("a section past the end"))?;
            if section.kind.known() {
                if sections.iter().any(|other| other.kind == section.kind) {
                    return Err(bad("a section is there twice"));
                }
                sections.push(section);
            } else if section.must_understand {
                let message = format!(
                    "{} has a section of kind {} ({}) that this version does not understand: open it with a newer MossKV",
                    FileName::Table(number),
                    section.kind.0,
                    section.kind.name(),
                );
                return Err(Error::new(ErrorKind::UnsupportedFormat, message));
            }
        }
        if end != self.offset {
            return Err(bad("the sections do not reach the table of contents"));
        }
        Ok(sections)
    }
}

fn read_entry(reader: &mut Reader<'_>) -> Option<Section> {
    let kind = SectionKind(reader.u16()?);
    let must_understand = match reader.u8()? {
        0 => false,
        MUST_UNDERSTAND => true,
        _ => return None,
    };
    let codec = reader.u8()?;
    if reader.u32()? != 0 {
        return None;
    }
    let (offset, length, checksum) = (reader.u64()?, reader.u64()?, reader.u64()?);
    Some(Section { kind, must_understand, codec, offset, length, checksum })
}
