//! Reading frames from one log file, and telling a torn tail from damage: the part the write-ahead log and the
//! manifest share.
//!
//! Streams through a window of [`CHUNK_BYTES`]; a larger frame makes it larger, but only once the frame's header
//! passed its checksum and the file is long enough to hold it. So memory is bounded by the file.

#![deny(clippy::indexing_slicing)]

use std::io;
use std::sync::Arc;

use super::frame::{FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, FrameHeader, payload_checksum};
use crate::error::{Error, Result};
use crate::fs::{Dir, File, FileName, OpenMode};

/// Bytes read at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// A log file opened for reading.
pub(crate) struct LogFile {
    name: FileName,
    number: u64,
    length: u64,
    file: Arc<dyn File>,
}

impl LogFile {
    pub(crate) fn open(dir: &dyn Dir, name: FileName, number: u64) -> Result<Self> {
        let file = dir.open(&name.to_string(), OpenMode::Read).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Error::corruption(name, 0, "the file is missing"),
            _ => Error::io("open", name, e),
        })?;
        let length = file.len().map_err(|e| Error::io("find the size of", name, e))?;
        Ok(Self { name, number, length, file })
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The file header; `None` when the file does not start with one.
    pub(crate) fn header(&self, magic: [u8; 8]) -> Result<Option<FileHeader>> {
        let mut bytes = [0; FILE_HEADER_BYTES];
        let read = self.file.read_at(&mut bytes, 0).map_err(|e| Error::io("read", self.name, e))?;
        FileHeader::decode(bytes.get(..read).unwrap_or_default(), magic, self.number, &self.name.to_string())
    }

    /// The frames, from the first. With `complete`, that many bytes of the file must be nothing but frames, and the rest
    /// does not count. Without, the tail may be torn.
    pub(crate) fn frames(&self, complete: Option<u64>) -> Result<Frames> {
        let limit = complete.unwrap_or(self.length);
        if self.length < limit || limit < FILE_HEADER_BYTES as u64 {
            let length = self.length;
            let what = format!("the file has {length} bytes, and {limit} were recorded: bytes are missing");
            return Err(Error::corruption(self.name, length, what));
        }
        Ok(Frames {
            window: Window {
                file: self.file.clone(),
                name: self.name,
                length: limit,
                start: 0,
                bytes: Vec::new(),
                held: 0,
            },
            number: self.number,
            offset: FILE_HEADER_BYTES as u64,
            complete: complete.is_some(),
            torn: false,
        })
    }
}

/// Walks the frames of a log, front to back, once.
pub(crate) struct Frames {
    window: Window,
    number: u64,
    offset: u64,
    complete: bool,
    torn: bool,
}

/// A frame that was read and checked.
pub(crate) struct Frame<'a> {
    pub(crate) offset: u64,
    pub(crate) header: FrameHeader,
    pub(crate) payload: &'a [u8],
}

impl Frames {
    /// The next frame; `None` at the end or where a torn tail begins. Damage is `Corruption`.
    pub(crate) fn next(&mut self) -> Result<Option<Frame<'_>>> {
        let offset = self.offset;
        if self.torn || offset >= self.window.length {
            return Ok(None);
        }
        let Some(header) = self.check_twice(offset)? else {
            self.judge(offset)?;
            self.torn = true;
            return Ok(None);
        };
        self.offset = header.end(offset);
        let payload = self.window.get(offset + FRAME_HEADER_BYTES as u64, header.length as usize)?;
        Ok(Some(Frame { offset, header, payload }))
    }

    /// The offset behind the last good frame.
    pub(crate) fn end(&self) -> u64 {
        self.offset
    }

    /// Bytes behind the last good frame that are no frame.
    pub(crate) fn torn_bytes(&self) -> u64 {
        self.window.length - self.offset
    }

    /// As [`Self::check`], and if that finds no frame, once more on bytes read now: beside a read-only open, a writer may
    /// have filled its room since. Without this, its newest frames would make the place look damaged.
    fn check_twice(&mut self, offset: u64) -> Result<Option<FrameHeader>> {
        match self.check(offset)? {
            None => {
                self.window.held = 0;
                self.check(offset)
            }
            found => Ok(found),
        }
    }

    /// The header of the frame at `offset`, when that frame is whole.
    fn check(&mut self, offset: u64) -> Result<Option<FrameHeader>> {
        let left = self.window.length - offset;
        if left < FRAME_HEADER_BYTES as u64 {
            return Ok(None);
        }
        let bytes = self.window.get(offset, FRAME_HEADER_BYTES)?;
        let header = FrameHeader::decode(bytes, self.number, offset);
        let Some(header) = header.filter(|h| h.end(offset) <= self.window.length) else { return Ok(None) };
        // The whole frame, so that header and payload are read in one piece.
        let frame = self.window.get(offset, FRAME_HEADER_BYTES + header.length as usize)?;
        let payload = frame.get(FRAME_HEADER_BYTES..).unwrap_or_default();
        Ok((payload_checksum(self.number, offset, payload) == header.payload_checksum).then_some(header))
    }

    /// The bytes at `offset` are no frame: fine when a crash can explain it, otherwise `Corruption`.
    fn judge(&mut self, offset: u64) -> Result<()> {
        if self.complete {
            let what = "a frame of a finished log is damaged: restore the file from a backup";
            return Err(Error::corruption(self.window.name, offset, what));
        }
        match self.later_mark(offset)? {
            Some((at, synced)) => Err(Error::corruption(
                self.window.name,
                offset,
                format!(
                    "a frame is damaged that was synced (the frame at offset {at} knows it below {synced}): \
                     restore the file from a backup"
                ),
            )),
            None => Ok(()),
        }
    }

    /// A frame behind `bad` whose mark is above `bad`: its offset and mark. Frames start at any byte, so every
    /// position is tried; nearly all fail on the file number alone. Only the frame's header counts: its mark was true
    /// when it was written, whether or not its payload survived.
    fn later_mark(&mut self, bad: u64) -> Result<Option<(u64, u64)>> {
        let number = self.number.to_le_bytes();
        let mut at = bad + 1;
        while at + FRAME_HEADER_BYTES as u64 <= self.window.length {
            let size = (self.window.length - at).min(CHUNK_BYTES as u64);
            let chunk = self.window.get(at, size as usize)?;
            for (offset, bytes) in (at..).zip(chunk.windows(FRAME_HEADER_BYTES)) {
                if bytes.get(8..16) != Some(&number) {
                    continue;
                }
                match FrameHeader::decode(bytes, self.number, offset) {
                    Some(header) if header.synced > bad => return Ok(Some((offset, header.synced))),
                    _ => {}
                }
            }
            at += size - (FRAME_HEADER_BYTES as u64 - 1);
        }
        Ok(None)
    }
}

/// The part of a file that is in memory.
struct Window {
    file: Arc<dyn File>,
    name: FileName,
    /// Bytes of the file that count.
    length: u64,
    start: u64,
    bytes: Vec<u8>,
    held: usize,
}

impl Window {
    /// `size` bytes at `offset`; the caller has checked that they are within `length`.
    fn get(&mut self, offset: u64, size: usize) -> Result<&[u8]> {
        let inside = offset.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        let mut skip = inside.unwrap_or(usize::MAX);
        if skip.saturating_add(size) > self.held {
            self.fill(offset, skip, size)?;
            skip = 0;
        }
        self.bytes.get(skip..skip + size).ok_or_else(|| self.shrunk())
    }

    /// Moves the window to `offset`, `skip` bytes from its start, and reads `size` bytes or a chunk into it.
    fn fill(&mut self, offset: u64, skip: usize, size: usize) -> Result<()> {
        let kept = self.held.saturating_sub(skip);
        if kept > 0 {
            self.bytes.copy_within(skip..self.held, 0);
        }
        (self.start, self.held) = (offset, kept);
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = size.max(CHUNK_BYTES).min(left);
        let more = wanted.saturating_sub(self.bytes.len());
        self.bytes
            .try_reserve_exact(more)
            .map_err(|e| Error::io("find memory to read", self.name, e.into()))?;
        self.bytes.resize(self.bytes.len() + more, 0);
        let room = self.bytes.get_mut(kept..wanted).unwrap_or_default();
        let read =
            self.file.read_at(room, offset + kept as u64).map_err(|e| Error::io("read", self.name, e))?;
        if read < room.len() {
            return Err(self.shrunk());
        }
        self.held = wanted;
        Ok(())
    }

    fn shrunk(&self) -> Error {
        Error::io("read", self.name, io::ErrorKind::UnexpectedEof.into())
    }
}
