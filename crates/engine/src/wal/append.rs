//! Appending frames to one log file: the part the write-ahead log and the manifest share.
//!
//! An `Appender` belongs to one thread at a time. Its [`LogSync`] is shared with whoever syncs the file.
//! Invariant: after an append failed, nobody knows what is behind the last good frame, so every later append is
//! refused (leveldb #1180 appended behind the garbage, and the reader stopped at it).

use std::io;
use std::sync::Arc;

use super::frame::{FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, FrameHeader, payload_checksum};
use super::sync::LogSync;
use crate::batch::MAX_BATCH_BYTES;
use crate::error::{Error, Result};
use crate::fs::{Dir, File, FileName, OpenMode};

/// Memory kept between appends; what a larger frame needed is given back.
const KEPT_BUFFER_BYTES: usize = 4 << 20;
/// Room is written in pieces of this size. Larger ones make the small syncs that follow slower (ext4).
static ROOM_PIECE: [u8; 64 << 10] = [0; 64 << 10];
/// Room ends where a block of the file system does.
const BLOCK_BYTES: u64 = 4096;

pub(crate) struct Appender {
    file: Arc<dyn File>,
    name: FileName,
    number: u64,
    size: u64,
    /// Up to where the file has been written, room included; `u64::MAX` once no room could be made.
    written: u64,
    sync: Arc<LogSync>,
    buffer: Vec<u8>,
    failed: Option<Error>,
}

impl Appender {
    /// Creates the file `name` and writes its header. Nothing is durable yet.
    pub(crate) fn create(dir: &dyn Dir, name: FileName, header: &FileHeader) -> Result<Self> {
        let file =
            dir.open(&name.to_string(), OpenMode::CreateNew).map_err(|e| Error::io("create", name, e))?;
        file.write_all_at(&header.encode(), 0).map_err(|e| Error::io("write the header of", name, e))?;
        let size = FILE_HEADER_BYTES as u64;
        let sync = Arc::new(LogSync::new(file.clone(), name));
        let (number, buffer) = (header.number, Vec::new());
        Ok(Self { file, name, number, size, written: size, sync, buffer, failed: None })
    }

    /// Makes the new file, what was written so far, and its name durable.
    pub(crate) fn persist(&mut self, dir: &dyn Dir) -> Result<()> {
        self.sync.with_metadata(self.size).map_err(|e| self.fail(e))?;
        dir.sync().map_err(|e| self.fail(Error::io("sync the directory after creating", self.name, e)))
    }

    /// Writes one frame in one write; returns the offset behind it.
    pub(crate) fn append(&mut self, first: u64, count: u32, payloads: &[&[u8]]) -> Result<u64> {
        if let Some(error) = &self.failed {
            return Err(error.context(format!("{} takes no appends after a failed one", self.name)));
        }
        self.fill(first, count, payloads)?;
        let written = self.file.write_all_at(&self.buffer, self.size);
        let length = self.buffer.len() as u64;
        if self.buffer.capacity() > KEPT_BUFFER_BYTES {
            self.buffer = Vec::new();
        }
        match written {
            Ok(()) => self.size += length,
            Err(e) => return Err(self.fail(Error::io("append to", self.name, e))),
        }
        Ok(self.size)
    }

    /// Writes `bytes` zeros behind the last frame, unless there is room left: the frames that come overwrite them, and to
    /// sync an overwritten block costs the disk one write, a new block also one to the journal of the file system.
    /// After an attempt that failed there is no other: room is never needed, and whatever is wrong with the disk, the next
    /// append finds out. Returns how many zeros were written.
    pub(crate) fn make_room(&mut self, bytes: u64) -> u64 {
        if self.failed.is_some() || self.size <= self.written {
            return 0;
        }
        let end = (self.size + bytes).next_multiple_of(BLOCK_BYTES);
        if zero(self.file.as_ref(), self.size, end).is_err() {
            self.written = u64::MAX;
            return 0;
        }
        self.written = end;
        end - self.size
    }

    /// Puts the frame into the buffer. When it fails, nothing has happened yet.
    fn fill(&mut self, first: u64, count: u32, payloads: &[&[u8]]) -> Result<()> {
        let total: usize = payloads.iter().map(|p| p.len()).sum();
        if total > MAX_BATCH_BYTES {
            return Err(Error::invalid(format!(
                "a frame of {total} bytes for {}: at most {MAX_BATCH_BYTES} are allowed",
                self.name
            )));
        }
        self.buffer.clear();
        self.buffer
            .try_reserve(total + FRAME_HEADER_BYTES)
            .map_err(|e| Error::io("find memory to append to", self.name, e.into()))?;
        self.buffer.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        for payload in payloads {
            self.buffer.extend_from_slice(payload);
        }
        let (head, payload) = self.buffer.split_at_mut(FRAME_HEADER_BYTES);
        let header = FrameHeader {
            length: total as u32,
            count,
            number: self.number,
            first,
            synced: self.sync.synced(),
            payload_checksum: payload_checksum(self.number, self.size, payload),
        };
        head.copy_from_slice(&header.encode(self.size));
        Ok(())
    }

    /// Syncs all that was appended; a failure is as final as a failed append.
    pub(crate) fn sync(&mut self) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.context(format!("{} is not synced after a failure", self.name)));
        }
        self.sync.up_to(self.size).map_err(|e| self.fail(e))?;
        Ok(())
    }

    fn fail(&mut self, error: Error) -> Error {
        self.failed = Some(error.clone());
        error
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn log_sync(&self) -> &Arc<LogSync> {
        &self.sync
    }
}

/// Overwrites the bytes from `start` to `end` with zeros.
fn zero(file: &dyn File, start: u64, end: u64) -> io::Result<()> {
    let mut at = start;
    while at < end {
        let piece = ROOM_PIECE.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
        file.write_all_at(ROOM_PIECE.get(..piece).unwrap_or_default(), at)?;
        at += piece as u64;
    }
    Ok(())
}
