//! The bytes of one edit. Pure functions.
//!
//! ```text
//! edit  = field field ...
//! field = tag u8 | length varint | body, `length` bytes
//!
//! tag  body
//!  1   log_number varint
//!  2   next_file varint
//!  3   last_seqno varint
//!  4   removed: level u8 | file number varint
//!  5   added:   level u8 | file number varint | size varint | checksum u64
//!               | smallest length varint | smallest | largest length varint | largest
//!               | flags u8 (bit 0: largest is exclusive; the others are zero)
//!               | min_seqno | max_seqno | entries | tombstones | range_deletes | raw_bytes   (varints)
//!               | field field ...                                                (see below)
//!  6   reserved: the keyspace that the fields after it belong to
//! ```
//!
//! field of `added`: tag 0x81, superseded varint; left out when it is zero
//!                   tag 0x82, expiring: count, first, last (varints); left out when count is zero
//!
//! A reader that meets an unknown tag with bit `0x80` skips the field; without that bit it must refuse the
//! file. The same holds for the fields at the end of `added`. 1, 2 and 3 come at most once; 4 and 5 any number
//! of times, and all removals of an edit happen before its additions.

#![deny(clippy::indexing_slicing)]

use crate::codec::{Reader, put_bytes, put_varint};
use crate::error::{Error, ErrorKind, Result};
use crate::version::{Expiring, TableMeta, VersionEdit};

const LOG_NUMBER: u8 = 1;
const NEXT_FILE: u8 = 2;
const LAST_SEQNO: u8 = 3;
const REMOVED: u8 = 4;
const ADDED: u8 = 5;
/// Of a table.
const SUPERSEDED: u8 = 0x81;
/// Of a table.
const EXPIRING: u8 = 0x82;
/// Set in the tag of a field that older readers may skip.
const MAY_IGNORE: u8 = 0x80;

/// Appends the bytes of `edit`.
pub fn encode(edit: &VersionEdit, out: &mut Vec<u8>) {
    let mut body = Vec::new();
    for (tag, number) in
        [(LOG_NUMBER, edit.log_number), (NEXT_FILE, edit.next_file), (LAST_SEQNO, edit.last_seqno)]
    {
        if let Some(number) = number {
            put_varint(&mut body, number);
            field(out, tag, &mut body);
        }
    }
    for (level, number) in &edit.removed {
        body.push(*level as u8);
        put_varint(&mut body, *number);
        field(out, REMOVED, &mut body);
    }
    for (level, table) in &edit.added {
        body.push(*level as u8);
        put_table(&mut body, table);
        field(out, ADDED, &mut body);
    }
}

/// Moves `body` behind its tag and length.
fn field(out: &mut Vec<u8>, tag: u8, body: &mut Vec<u8>) {
    out.push(tag);
    put_bytes(out, body);
    body.clear();
}

fn put_table(out: &mut Vec<u8>, table: &TableMeta) {
    put_varint(out, table.number);
    put_varint(out, table.size);
    out.extend_from_slice(&table.checksum.to_le_bytes());
    put_bytes(out, &table.smallest);
    put_bytes(out, &table.largest);
    out.push(u8::from(table.largest_exclusive));
    for number in [
        table.min_seqno,
        table.max_seqno,
        table.entries,
        table.tombstones,
        table.range_deletes,
        table.raw_bytes,
    ] {
        put_varint(out, number);
    }
    if table.superseded > 0 {
        let mut body = Vec::new();
        put_varint(&mut body, table.superseded);
        field(out, SUPERSEDED, &mut body);
    }
    if table.expiring.count > 0 {
        let mut body = Vec::new();
        let Expiring { count, first, last } = table.expiring;
        [count, first, last].into_iter().for_each(|number| put_varint(&mut body, number));
        field(out, EXPIRING, &mut body);
    }
}

/// The edit in `bytes`, all of them. `Corruption` when they are no edit; `UnsupportedFormat` when they hold a field
/// that must be understood and is not.
pub fn decode(bytes: &[u8]) -> Result<VersionEdit> {
    let mut edit = VersionEdit::default();
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let start = reader.position();
        let broken = || malformed(start);
        let tag = reader.u8().ok_or_else(broken)?;
        let body = reader.bytes().ok_or_else(broken)?;
        match tag {
            LOG_NUMBER => once(&mut edit.log_number, body).ok_or_else(broken)?,
            NEXT_FILE => once(&mut edit.next_file, body).ok_or_else(broken)?,
            LAST_SEQNO => once(&mut edit.last_seqno, body).ok_or_else(broken)?,
            REMOVED => edit.removed.push(removed(body).ok_or_else(broken)?),
            ADDED => {
                let mut fields = Reader::new(body);
                let (level, mut table) = added(&mut fields).ok_or_else(broken)?;
                extensions(fields, &mut table).ok_or_else(broken)??;
                edit.added.push((level, table));
            }
            unknown => may_ignore(unknown)?,
        }
    }
    Ok(edit)
}

fn once(slot: &mut Option<u64>, body: &[u8]) -> Option<()> {
    let mut fields = Reader::new(body);
    let number = fields.varint()?;
    (fields.is_empty() && slot.replace(number).is_none()).then_some(())
}

fn removed(body: &[u8]) -> Option<(usize, u64)> {
    let mut fields = Reader::new(body);
    let removed = (usize::from(fields.u8()?), fields.varint()?);
    fields.is_empty().then_some(removed)
}

fn added(fields: &mut Reader<'_>) -> Option<(usize, TableMeta)> {
    let level = usize::from(fields.u8()?);
    let table = TableMeta {
        number: fields.varint()?,
        size: fields.varint()?,
        checksum: fields.u64()?,
        smallest: fields.bytes()?.into(),
        largest: fields.bytes()?.into(),
        largest_exclusive: match fields.u8()? {
            0 => false,
            1 => true,
            _ => return None,
        },
        min_seqno: fields.varint()?,
        max_seqno: fields.varint()?,
        entries: fields.varint()?,
        tombstones: fields.varint()?,
        range_deletes: fields.varint()?,
        raw_bytes: fields.varint()?,
        superseded: 0,
        expiring: Expiring::default(),
    };
    Some((level, table))
}

/// Reads the fields behind a table, and skips what a newer version wrote there; `None` when they are malformed.
fn extensions(mut fields: Reader<'_>, table: &mut TableMeta) -> Option<Result<()>> {
    let (mut superseded, mut expires) = (None, None);
    while !fields.is_empty() {
        let tag = fields.u8()?;
        let body = fields.bytes()?;
        if tag == SUPERSEDED {
            once(&mut superseded, body)?;
        } else if tag == EXPIRING {
            let read = expiring(body)?;
            if expires.replace(read).is_some() {
                return None;
            }
        } else if let Err(error) = may_ignore(tag) {
            return Some(Err(error));
        }
    }
    table.superseded = superseded.unwrap_or(0);
    table.expiring = expires.unwrap_or_default();
    Some(Ok(()))
}

fn expiring(body: &[u8]) -> Option<Expiring> {
    let mut fields = Reader::new(body);
    let read = Expiring { count: fields.varint()?, first: fields.varint()?, last: fields.varint()? };
    fields.is_empty().then_some(read)
}

fn may_ignore(tag: u8) -> Result<()> {
    if tag & MAY_IGNORE != 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::UnsupportedFormat,
        format!("an edit has a field of the unknown kind {tag}: open the database with a newer version"),
    ))
}

#[cold]
fn malformed(position: usize) -> Error {
    Error::new(ErrorKind::Corruption, format!("the field at byte {position} of the edit is malformed"))
}

#[cfg(test)]
mod tests;
