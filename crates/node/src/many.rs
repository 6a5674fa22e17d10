//! Many keys in, many answers out, packed. Any thread.
//!
//! ```text
//! keys:    [length varint, key]*
//! answers: flags u32 (bit 0: values were asked for as text, and all are ASCII), [offset u32, length u32]* one a key,
//!          then the values; offsets count from the start of the answers
//! ```
//! A length of `u32::MAX` is a missing key; when only presence is asked for, lengths are right and offsets 0.

use mosskv::codec::Reader;
use mosskv::{Engine, ErrorKind, ReadOptions};

use crate::failure::{Failure, Result};

const MISSING: u32 = u32::MAX;
const ASCII: u32 = 1;
const HEADER: usize = 4;
const ENTRY: usize = 8;

/// The keys in `packed`.
pub fn keys(packed: &[u8]) -> Result<Vec<&[u8]>> {
    let mut reader = Reader::new(packed);
    let mut keys = Vec::new();
    while !reader.is_empty() {
        keys.push(reader.bytes().ok_or_else(|| Failure::internal("malformed packed keys"))?);
    }
    Ok(keys)
}

/// What is wanted of the values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Their bytes.
    Bytes,
    /// JavaScript makes strings of them.
    Text,
    /// Their lengths only.
    Presence,
}

/// The packed answers for `keys`. Fails with `WOULD_BLOCK` when the disk is needed and `options` forbid it.
pub fn answers(
    engine: &Engine,
    keys: &[impl AsRef<[u8]>],
    options: &ReadOptions<'_>,
    wanted: Wanted,
) -> Result<Vec<u8>> {
    let mut packed = vec![0; HEADER];
    for _ in keys {
        packed.extend_from_slice(&0u32.to_le_bytes());
        packed.extend_from_slice(&MISSING.to_le_bytes());
    }
    let mut too_large = false;
    let presence = wanted == Wanted::Presence;
    let mut ascii = wanted == Wanted::Text;
    engine.get_many(keys, options, |index, value| {
        let (Ok(offset), Ok(length)) = (u32::try_from(packed.len()), u32::try_from(value.len())) else {
            too_large = true;
            return;
        };
        let entry = packed.get_mut(HEADER + index * ENTRY..HEADER + (index + 1) * ENTRY);
        if let Some((place, size)) = entry.and_then(|entry| entry.split_at_mut_checked(4)) {
            place.copy_from_slice(&if presence { 0 } else { offset }.to_le_bytes());
            size.copy_from_slice(&length.to_le_bytes());
        }
        if !presence {
            packed.extend_from_slice(value);
            ascii = ascii && value.is_ascii();
        }
    })?;
    if too_large {
        let message = "the values of one getMany exceed 4 GiB: ask for fewer keys at a time";
        return Err(Failure::new(ErrorKind::InvalidArgument, message));
    }
    if let Some(place) = packed.first_chunk_mut() {
        *place = if ascii { ASCII } else { 0 }.to_le_bytes();
    }
    Ok(packed)
}
