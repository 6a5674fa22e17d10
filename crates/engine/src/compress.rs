//! Block codecs: how the bytes of a block are stored.
//!
//! Pure functions over bytes; a [`Compressor`] keeps its scratch memory between blocks and belongs to one
//! thread at a time. Stored forms, by codec id:
//!
//! ```text
//! 0 raw    the bytes
//! 1 LZ4    u32 uncompressed length | LZ4 block
//! 2 zstd   u32 uncompressed length | zstd frame
//! ```
//!
//! Invariants: a block is compressed only when that saves at least an eighth of it, and never when it is larger
//! than [`MAX_COMPRESSED_INPUT`]; so no reader allocates more than that on the word of a length field.

#![deny(clippy::indexing_slicing)]

use std::borrow::Cow;
use std::cell::RefCell;

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};

use crate::error::{Error, ErrorKind, Result};
use crate::options::Compression;

#[cfg(test)]
mod tests;

/// The codec id of bytes stored as they are.
pub const RAW: u8 = 0;
/// The codec id of the LZ4 block format.
pub const LZ4: u8 = 1;
/// The codec id of a Zstandard frame.
pub const ZSTD: u8 = 2;

/// Larger blocks are stored raw. 64 MiB: far above any sensible block, and what a hostile length field can make
/// a reader allocate at most.
pub const MAX_COMPRESSED_INPUT: usize = 64 << 20;

/// Compresses block after block with one setting.
pub struct Compressor(Method);

enum Method {
    Raw,
    Lz4(Box<CompressTable>),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Compressor {
    /// A compressor for `setting`. Fails when zstd cannot have its memory or does not know the level.
    pub fn new(setting: Compression) -> Result<Self> {
        Ok(Self(match setting {
            Compression::None => Method::Raw,
            Compression::Lz4 => Method::Lz4(Box::default()),
            Compression::Zstd(level) => Method::Zstd(zstd::bulk::Compressor::new(level).map_err(|e| {
                Error::io("start compression of", format!("blocks at zstd level {level}"), e)
            })?),
        }))
    }

    /// Appends the stored form of `raw` to `out` and returns its codec id. Anything that goes wrong while
    /// compressing stores the bytes raw instead.
    pub fn compress(&mut self, raw: &[u8], out: &mut Vec<u8>) -> u8 {
        let start = out.len();
        if raw.len() <= MAX_COMPRESSED_INPUT {
            let codec = match &mut self.0 {
                Method::Raw => None,
                Method::Lz4(table) => {
                    append(raw, out, |room| compress_into_with_table(raw, room, table).ok()).map(|()| LZ4)
                }
                Method::Zstd(context) => {
                    append(raw, out, |room| context.compress_to_buffer(raw, room).ok()).map(|()| ZSTD)
                }
            };
            let limit = raw.len() - raw.len() / 8;
            match codec {
                Some(codec) if out.len() - start <= limit => return codec,
                _ => out.truncate(start),
            }
        }
        out.extend_from_slice(raw);
        RAW
    }
}

/// Appends the length of `raw` and what `fill` writes into the room behind it.
fn append(raw: &[u8], out: &mut Vec<u8>, fill: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<()> {
    out.extend_from_slice(&u32::try_from(raw.len()).ok()?.to_le_bytes());
    let start = out.len();
    let room = get_maximum_output_size(raw.len()).max(zstd::zstd_safe::compress_bound(raw.len()));
    out.resize(start + room, 0);
    let length = fill(out.get_mut(start..)?)?;
    out.truncate(start + length);
    Some(())
}

thread_local! {
    static UNZSTD: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The bytes that were stored as `stored` under `codec`. Errors say what is wrong but not where; the caller
/// knows the file and offset. Allocates at most [`MAX_COMPRESSED_INPUT`]; raw bytes that are owned stay where they
/// are.
pub fn decompress(codec: u8, stored: Cow<'_, [u8]>) -> Result<Vec<u8>> {
    if codec == RAW {
        return Ok(stored.into_owned());
    }
    let (length, packed) = stored.split_first_chunk::<4>().ok_or_else(|| damaged("is too short"))?;
    let length = u32::from_le_bytes(*length) as usize;
    // LZ4 expands at most 255 times; zstd has no useful bound, so only the cap holds for it.
    let most = if codec == LZ4 { packed.len().saturating_mul(255) } else { MAX_COMPRESSED_INPUT };
    if length > MAX_COMPRESSED_INPUT || length > most {
        return Err(damaged("claims an impossible length"));
    }
    let mut raw = Vec::new();
    raw.try_reserve_exact(length)
        .map_err(|_| Error::new(ErrorKind::Io, format!("no memory for a block of {length} bytes")))?;
    let written = match codec {
        LZ4 => {
            raw.resize(length, 0);
            decompress_into(packed, &mut raw).ok()
        }
        ZSTD => unzstd(packed, &mut raw),
        _ => return Err(Error::new(ErrorKind::UnsupportedFormat, format!("unknown codec {codec}"))),
    };
    if written == Some(length) && raw.len() == length { Ok(raw) } else { Err(damaged("does not decompress")) }
}

/// Fills `raw`, up to its capacity, with this thread's zstd context.
fn unzstd(packed: &[u8], raw: &mut Vec<u8>) -> Option<usize> {
    UNZSTD.with(|context| {
        let mut context = context.try_borrow_mut().ok()?;
        if context.is_none() {
            *context = zstd::bulk::Decompressor::new().ok();
        }
        context.as_mut()?.decompress_to_buffer(packed, raw).ok()
    })
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Corruption, format!("a compressed block {what}"))
}
