//! Appending frames to one log file: the part the write-ahead log and the manifest share.
//!
//! An `Appender` belongs to one thread at a time. Its [`LogSync`] is shared with whoever syncs the file.
//! Invariant: after an append failed, nobody knows what is behind the last good frame, so every later append is
//! refused (leveldb #1180 appended behind the garbage, and the reader stopped at it).

use std::io;
use std::sync::Arc;

use super::frame::{
    FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, FrameHeader, payload_checksum, payload_place,
};
use super::sync::LogSync;
use crate::batch::MAX_BATCH_BYTES;
use crate::checksum::Running;
use crate::error::{Error, Result};
use crate::fs::{Dir, File, FileName, OpenMode};

/// A larger frame is written in pieces that end where a multiple of this does in the file: one is still in the
/// processor's cache when it is written after its checksum was computed, and a kernel without preemption can do
/// something else in between.
const PIECE_BYTES: usize = 64 << 10;
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
        Self::begin(file, name, header, 0)
    }

    /// Makes the file `spare` the file `name`, with a header of its own; what it held stays behind that, as room. The
    /// header is durable before the new name is there, the new name is not durable yet.
    pub(crate) fn create_over(
        dir: &dyn Dir,
        spare: FileName,
        name: FileName,
        header: &FileHeader,
    ) -> Result<Self> {
        let file =
            dir.open(&spare.to_string(), OpenMode::ReadWrite).map_err(|e| Error::io("open", spare, e))?;
        let written = file.len().map_err(|e| Error::io("find the size of", spare, e))?;
        let mut log = Self::begin(file, name, header, written)?;
        log.sync()?;
        dir.rename(&spare.to_string(), &name.to_string())
            .map_err(|e| log.fail(Error::io("rename a spare log to", name, e)))?;
        Ok(log)
    }

    fn begin(file: Arc<dyn File>, name: FileName, header: &FileHeader, written: u64) -> Result<Self> {
        file.write_all_at(&header.encode(), 0).map_err(|e| Error::io("write the header of", name, e))?;
        let size = FILE_HEADER_BYTES as u64;
        let sync = Arc::new(LogSync::new(file.clone(), name));
        let (number, buffer) = (header.number, Vec::new());
        Ok(Self { file, name, number, size, written: written.max(size), sync, buffer, failed: None })
    }

    /// Makes the new file, what was written so far, and its name durable.
    pub(crate) fn persist(&mut self, dir: &dyn Dir) -> Result<()> {
        self.sync.with_metadata(self.size).map_err(|e| self.fail(e))?;
        dir.sync().map_err(|e| self.fail(Error::io("sync the directory after creating", self.name, e)))
    }

    /// Writes one frame; returns the offset behind it. Its header is written with the last write, so that nothing is a
    /// frame before all of it is written.
    pub(crate) fn append(&mut self, first: u64, count: u32, payloads: &[&[u8]]) -> Result<u64> {
        if let Some(error) = &self.failed {
            return Err(error.context(format!("{} takes no appends after a failed one", self.name)));
        }
        let length: usize = payloads.iter().map(|p| p.len()).sum();
        if length > MAX_BATCH_BYTES {
            return Err(Error::invalid(format!(
                "a frame of {length} bytes for {}: at most {MAX_BATCH_BYTES} are allowed",
                self.name
            )));
        }
        let (number, synced) = (self.number, self.sync.synced());
        let header = FrameHeader { length: length as u32, count, number, first, synced, payload_checksum: 0 };
        let written = if FRAME_HEADER_BYTES + length <= PIECE_BYTES {
            self.write_at_once(header, payloads)
        } else {
            self.write_in_pieces(header, payloads)
        };
        written.map_err(|e| self.fail(Error::io("append to", self.name, e)))?;
        self.size = header.end(self.size);
        Ok(self.size)
    }

    fn write_at_once(&mut self, mut header: FrameHeader, payloads: &[&[u8]]) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        for payload in payloads {
            self.buffer.extend_from_slice(payload);
        }
        let (head, payload) = self.buffer.split_at_mut(FRAME_HEADER_BYTES);
        header.payload_checksum = payload_checksum(self.number, self.size, payload);
        head.copy_from_slice(&header.encode(self.size));
        self.file.write_all_at(&self.buffer, self.size)
    }

    /// The payload first: whole pieces from where they are, what is smaller by way of the buffer.
    fn write_in_pieces(&mut self, mut header: FrameHeader, payloads: &[&[u8]]) -> io::Result<()> {
        let mut sum = Running::new(payload_place(self.number, self.size));
        let mut at = self.size + FRAME_HEADER_BYTES as u64;
        self.buffer.clear();
        for payload in payloads {
            let mut rest = *payload;
            while !rest.is_empty() {
                let end = (at + self.buffer.len() as u64 + 1).next_multiple_of(PIECE_BYTES as u64);
                let room = (end - at) as usize - self.buffer.len();
                let (piece, more) = rest.split_at(room.min(rest.len()));
                rest = more;
                sum.update(piece);
                let whole = if self.buffer.is_empty() && piece.len() == room {
                    piece
                } else {
                    self.buffer.extend_from_slice(piece);
                    &self.buffer
                };
                if piece.len() == room {
                    self.file.write_all_at(whole, at)?;
                    at = end;
                    self.buffer.clear();
                }
            }
        }
        if !self.buffer.is_empty() {
            self.file.write_all_at(&self.buffer, at)?;
        }
        header.payload_checksum = sum.finish();
        self.file.write_all_at(&header.encode(self.size), self.size)
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
