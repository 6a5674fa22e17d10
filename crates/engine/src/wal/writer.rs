//! Writing one write-ahead log. Belongs to one thread at a time (the commit leader); the sync thread only
//! holds the [`LogSync`].

use std::sync::Arc;

use super::append::Appender;
use super::frame::{FileHeader, WAL_MAGIC};
use super::sync::LogSync;
use crate::error::Result;
use crate::fs::{Dir, FileName};
use crate::key::SeqNo;

/// A log being written.
pub struct WalWriter(Appender);

impl WalWriter {
    /// Creates log `number`. `predecessor` is the log before it and how many of its bytes count: its final size, or
    /// for a recovered log [`Recovered::last`](super::Recovered::last). Those bytes must be synced already (see
    /// [`seal`](super::seal)), and every other log that still matters must be older than the predecessor. `None`
    /// means that no older log matters: none holds an operation, or the manifest must say so first (its `log_number`);
    /// otherwise the next open takes them for damage.
    ///
    /// Header and name are durable when it returns. Costs two syncs.
    pub fn create(dir: &Arc<dyn Dir>, number: u64, predecessor: Option<(u64, u64)>) -> Result<Self> {
        let header = FileHeader { magic: WAL_MAGIC, number, predecessor };
        let mut log = Appender::create(dir.as_ref(), FileName::Wal(number), &header)?;
        log.persist(dir.as_ref())?;
        Ok(Self(log))
    }

    /// [`Self::create`], over the file of log `spare`, which no longer matters by the manifest on the disk (see
    /// [`SpareLog`](super::SpareLog)). A crash before the new name is there leaves the file under its old one.
    pub fn create_over(
        dir: &Arc<dyn Dir>,
        spare: u64,
        number: u64,
        predecessor: Option<(u64, u64)>,
    ) -> Result<Self> {
        let header = FileHeader { magic: WAL_MAGIC, number, predecessor };
        let (dir, spare) = (dir.as_ref(), FileName::Wal(spare));
        let mut log = Appender::create_over(dir, spare, FileName::Wal(number), &header)?;
        log.persist(dir)?;
        Ok(Self(log))
    }

    /// Writes one frame: `count` operations, encoded in `payloads` one after another, the first of
    /// them with sequence number `first_seqno`. Returns the offset behind the frame: to sync up to it is to make the
    /// frame durable. Nothing is synced here.
    ///
    /// When it fails the frame may be in the log or not, and every later append fails too: go on with a new
    /// log. A group of more than [`MAX_BATCH_BYTES`](crate::batch::MAX_BATCH_BYTES) is `InvalidArgument`, and
    /// changes nothing. Costs a write for each 64 KiB, and copies only what is smaller.
    pub fn append(&mut self, first_seqno: SeqNo, count: u32, payloads: &[&[u8]]) -> Result<u64> {
        self.0.append(first_seqno, count, payloads)
    }

    /// Sees to it that the next appends overwrite zeros, so that syncing them is cheap: writes `bytes` of them when the
    /// last frame used up those before it. Costs up to 0.1 ms then, and a larger next sync; pays when small frames
    /// are synced one by one. Never fails: without room, a sync takes longer. Returns how many zeros were written.
    pub fn make_room(&mut self, bytes: u64) -> u64 {
        self.0.make_room(bytes)
    }

    /// Writes a frame without operations, so that the log says how far it is synced. Worth its 48 bytes when
    /// nothing follows for a while, above all at close: without a later frame, damage in the last synced frame looks
    /// like a torn tail.
    pub fn mark(&mut self) -> Result<u64> {
        self.0.append(0, 0, &[])
    }

    /// For whoever makes the log durable, on whatever thread.
    pub fn log_sync(&self) -> &Arc<LogSync> {
        self.0.log_sync()
    }

    /// The log's number.
    pub fn number(&self) -> u64 {
        self.0.number()
    }

    /// Bytes in good frames, the file header included.
    pub fn size(&self) -> u64 {
        self.0.size()
    }
}

#[cfg(test)]
mod tests;
