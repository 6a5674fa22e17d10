//! Reading write-ahead logs back: one ([`replay`]), or all that matter, as a checked chain ([`replay_all`]).
//!
//! Called by the thread that opens the database. Nothing here writes: torn bytes are reported and stay where
//! they are.

#![deny(clippy::indexing_slicing)]

use super::frame::{FILE_HEADER_BYTES, WAL_MAGIC};
use super::scan::LogFile;
use crate::error::{Error, Result};
use crate::fs::{Dir, FileName, OpenMode};
use crate::key::SeqNo;

/// What the end of a log may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// The newest log: what was not synced may be missing, in any pattern.
    MayBeTorn,
    /// An older log: its first `size` bytes are all good, and only they count.
    Complete {
        /// The size its successor recorded, in bytes.
        size: u64,
    },
}

/// What [`replay`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// The offset behind the last good frame; 0 when not even the file header was written.
    pub end: u64,
    /// Bytes behind `end` that are dropped: room that was not used, or lost in a crash before they were synced.
    pub torn_bytes: u64,
    /// The log before this one, and how many of its bytes count.
    pub predecessor: Option<(u64, u64)>,
}

/// Reads log `number` front to back and hands `f` the first sequence number, the count and the operations of each
/// group. An error of `f` ends it.
///
/// A bad frame is where the log ends when `tail` is [`Tail::MayBeTorn`] and no later frame knows that offset to be
/// synced; anything else is `Corruption` that names file and offset, after `f` got the frames before it. So is a
/// missing file. A newest log without a whole header, and with nothing behind it, is empty: its creation never
/// finished. Reads the file once; memory is 1 MiB or the largest frame.
pub fn replay(
    dir: &dyn Dir,
    number: u64,
    tail: Tail,
    mut f: impl FnMut(SeqNo, u32, &[u8]) -> Result<()>,
) -> Result<Replayed> {
    let name = FileName::Wal(number);
    let log = LogFile::open(dir, name, number)?;
    let complete = match tail {
        Tail::MayBeTorn => None,
        Tail::Complete { size } => Some(size),
    };
    let Some(header) = log.header(WAL_MAGIC)? else {
        return match complete {
            // The header is synced before the first frame is written.
            None if log.length() <= FILE_HEADER_BYTES as u64 => {
                Ok(Replayed { end: 0, torn_bytes: log.length(), predecessor: None })
            }
            _ => {
                Err(Error::corruption(name, 0, "the file header is damaged: restore the file from a backup"))
            }
        };
    };
    let mut frames = log.frames(complete)?;
    while let Some(frame) = frames.next()? {
        let mark = frame.header.count == 0 && frame.payload.is_empty();
        if !mark {
            f(frame.header.first, frame.header.count, frame.payload)
                .map_err(|e| e.context(format!("{name} at offset {}", frame.offset)))?;
        }
    }
    // Beside a read-only open, the writer may have begun a new log over this one: with its header, so that what was
    // read before this header was read again is of this log.
    if log.header(WAL_MAGIC)? != Some(header) {
        let what = "the log was given up and written over while it was read: open the database again";
        return Err(Error::corruption(name, 0, what));
    }
    let (end, torn_bytes) = (frames.end(), frames.torn_bytes());
    Ok(Replayed { end, torn_bytes, predecessor: header.predecessor })
}

/// What [`replay_all`] found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// The logs that were read, oldest first, with what was found in each.
    pub logs: Vec<(u64, Replayed)>,
    /// The newest log with a header, and where it ends: the predecessor of the next log, after it was
    /// [`seal`]ed.
    pub last: Option<(u64, u64)>,
}

/// Reads all logs with number `from` or higher, oldest first; like [`replay`], with the log's number first.
///
/// The newest log with a whole header leads; it names its predecessor and that one's size, and so on. A log of the
/// chain that is missing, shorter than recorded or damaged is `Corruption`: nothing behind it is handed out. A
/// log outside the chain must hold no operations (its creation, or the open that created it, did not
/// finish). The whole chain is known before `f` is called for the first time.
pub fn replay_all(
    dir: &dyn Dir,
    from: u64,
    mut f: impl FnMut(u64, SeqNo, u32, &[u8]) -> Result<()>,
) -> Result<Recovered> {
    let mut chain: Vec<(u64, Tail)> = Vec::new();
    let mut next = None;
    for number in present(dir, from)?.into_iter().rev() {
        let tail = match next {
            Some((wanted, size)) if wanted == number => Tail::Complete { size },
            Some((wanted, _)) if wanted > number => return Err(missing(wanted)),
            None if chain.is_empty() => Tail::MayBeTorn,
            _ => {
                must_be_empty(dir, number)?;
                continue;
            }
        };
        match LogFile::open(dir, FileName::Wal(number), number)?.header(WAL_MAGIC)? {
            Some(header) => {
                chain.push((number, tail));
                next = header.predecessor.filter(|(older, _)| *older >= from);
                if next.is_some_and(|(older, _)| older >= number) {
                    let what = "the log names a newer log as the one before it";
                    return Err(Error::corruption(FileName::Wal(number), 0, what));
                }
            }
            None if chain.is_empty() => must_be_empty(dir, number)?,
            None => return Err(Error::corruption(FileName::Wal(number), 0, "the file header is damaged")),
        }
    }
    if let Some((wanted, _)) = next {
        return Err(missing(wanted));
    }
    let mut recovered = Recovered::default();
    for (number, tail) in chain.into_iter().rev() {
        let replayed = replay(dir, number, tail, |first, count, payload| f(number, first, count, payload))?;
        recovered.last = Some((number, replayed.end));
        recovered.logs.push((number, replayed));
    }
    Ok(recovered)
}

/// Makes a recovered log durable, so that a new log may name it as its predecessor: what was read back from the
/// operating system's memory may not be on the disk yet. Costs two syncs.
pub fn seal(dir: &dyn Dir, number: u64) -> Result<()> {
    let name = FileName::Wal(number);
    let file = dir.open(&name.to_string(), OpenMode::Read).map_err(|e| Error::io("open", name, e))?;
    file.sync_all().map_err(|e| Error::io("sync", name, e))?;
    dir.sync().map_err(|e| Error::io("sync the directory of", name, e))
}

/// The numbers of the logs in the directory, from `from` on, ascending.
fn present(dir: &dyn Dir, from: u64) -> Result<Vec<u64>> {
    let names = dir.list().map_err(|e| Error::io("list", "the database directory", e))?;
    let mut numbers: Vec<u64> = names
        .iter()
        .filter_map(|name| match FileName::parse(name) {
            Some(FileName::Wal(number)) if number >= from => Some(number),
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn must_be_empty(dir: &dyn Dir, number: u64) -> Result<()> {
    let refuse = |_, _, _: &[u8]| {
        let what = "the log holds writes, but the log after it does not follow it";
        Err(Error::corruption(FileName::Wal(number), FILE_HEADER_BYTES as u64, what))
    };
    replay(dir, number, Tail::MayBeTorn, refuse).map(|_| ())
}

fn missing(number: u64) -> Error {
    let what = "the log is missing, and a newer log follows it: restore the file from a backup";
    Error::corruption(FileName::Wal(number), 0, what)
}

#[cfg(test)]
mod tests;
