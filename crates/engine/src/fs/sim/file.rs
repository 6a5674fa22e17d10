//! One file of the simulated disk: the bytes now, the durable bytes, and the changes in between.
//!
//! Only `sim` calls this, and changes only under its lock, so that an image is never half a change.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::image::Random;
use crate::sync::Mutex;

/// What a disk writes whole or not at all, in bytes.
pub(super) const SECTOR: u64 = 512;

/// A file, whatever its names.
pub(super) struct FileNode {
    pub(super) inode: u64,
    pub(super) state: Mutex<FileState>,
}

impl FileNode {
    pub(super) fn new(inode: u64) -> Arc<Self> {
        Self::with(inode, FileState::holding(Arc::default()))
    }

    pub(super) fn with(inode: u64, state: FileState) -> Arc<Self> {
        Arc::new(Self { inode, state: Mutex::new(state) })
    }
}

/// A change that no sync has covered.
#[derive(Clone)]
enum Change {
    Write { offset: u64, bytes: Arc<[u8]> },
    SetLen(u64),
}

/// How much of the unsynced content an image keeps.
#[derive(Clone, Copy)]
pub(super) enum Content {
    /// None.
    Synced,
    /// All.
    All,
    /// Any subset of the sectors, and any of the lengths the file had since.
    Random,
    /// As `Random`, but with the bytes of removed files where new sectors were lost.
    Stale,
    /// All but a part of the last write.
    Torn,
}

/// Which changes take effect.
trait Keep {
    /// Whether `sector` of change `i` reaches the disk.
    fn sector(&mut self, i: usize, sector: u64) -> bool;
    /// Whether the length after change `i` does.
    fn length(&mut self, i: usize) -> bool;
}

struct Everything;

impl Keep for Everything {
    fn sector(&mut self, _i: usize, _sector: u64) -> bool {
        true
    }

    fn length(&mut self, _i: usize) -> bool {
        true
    }
}

/// A disk writes a sector from the page cache as it is at that moment: what reaches it is the work of some
/// first writes to the sector, never of a later one without the earlier. Lengths go through a journal, in order.
struct Chosen {
    writes_kept: BTreeMap<u64, u64>,
    lengths_kept: usize,
}

impl Keep for Chosen {
    fn sector(&mut self, _i: usize, sector: u64) -> bool {
        match self.writes_kept.get_mut(&sector) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    fn length(&mut self, i: usize) -> bool {
        i < self.lengths_kept
    }
}

/// The state of a file.
#[derive(Clone)]
pub(super) struct FileState {
    now: Arc<Vec<u8>>,
    durable: Arc<Vec<u8>>,
    unsynced: Vec<Change>,
    linked: bool,
    locked: bool,
}

impl FileState {
    /// A durable file of these bytes.
    pub(super) fn holding(bytes: Arc<Vec<u8>>) -> Self {
        Self { now: Arc::clone(&bytes), durable: bytes, unsynced: Vec::new(), linked: true, locked: false }
    }

    pub(super) fn len(&self) -> u64 {
        self.now.len() as u64
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.now.get(from..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        for (to, byte) in buffer.iter_mut().zip(rest) {
            *to = *byte;
        }
        length
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        if !bytes.is_empty() {
            put(Arc::make_mut(&mut self.now), bytes, offset);
            self.unsynced.push(Change::Write { offset, bytes: bytes.into() });
        }
    }

    pub(super) fn set_len(&mut self, length: u64) {
        Arc::make_mut(&mut self.now).resize(length as usize, 0);
        self.unsynced.push(Change::SetLen(length));
    }

    pub(super) fn sync(&mut self) {
        let changes = std::mem::take(&mut self.unsynced);
        replay(Arc::make_mut(&mut self.durable), &changes, &mut Everything);
    }

    /// After a failed sync the kernel takes the pages for clean: readable, and never written again.
    pub(super) fn forget_unsynced(&mut self) {
        self.unsynced.clear();
    }

    /// Notes that the last name is gone; yields the bytes.
    pub(super) fn unlink(&mut self) -> Arc<Vec<u8>> {
        self.linked = false;
        Arc::clone(&self.now)
    }

    pub(super) fn linked(&self) -> bool {
        self.linked
    }

    /// Takes the lock; false when it is held.
    pub(super) fn lock(&mut self) -> bool {
        !std::mem::replace(&mut self.locked, true)
    }

    pub(super) fn unlock(&mut self) {
        self.locked = false;
    }

    /// The bytes a power loss may leave.
    pub(super) fn image(
        &self,
        content: Content,
        graves: &[Arc<Vec<u8>>],
        random: &mut Random,
    ) -> Arc<Vec<u8>> {
        if self.unsynced.is_empty() {
            return Arc::clone(&self.durable);
        }
        let mut bytes = Vec::clone(&self.durable);
        match content {
            Content::Synced => {}
            Content::All => replay(&mut bytes, &self.unsynced, &mut Everything),
            Content::Random => {
                let mut chosen = self.choose(random);
                replay(&mut bytes, &self.unsynced, &mut chosen);
            }
            Content::Stale => {
                let mut chosen = self.choose(random);
                let lost: Vec<u64> = chosen
                    .writes_kept
                    .iter()
                    .filter(|(_, kept)| **kept == 0)
                    .map(|(sector, _)| *sector)
                    .collect();
                replay(&mut bytes, &self.unsynced, &mut chosen);
                haunt(&mut bytes, self.durable.len() as u64, &lost, graves, random);
            }
            Content::Torn => self.tear(&mut bytes, random),
        }
        Arc::new(bytes)
    }

    /// For each sector how many of its writes are kept, and how many length changes.
    fn choose(&self, random: &mut Random) -> Chosen {
        let mut writes_kept = BTreeMap::new();
        for change in &self.unsynced {
            if let Change::Write { offset, bytes } = change {
                for (at, _) in pieces(bytes, *offset) {
                    *writes_kept.entry(at / SECTOR).or_insert(0) += 1;
                }
            }
        }
        // From "nearly all lost" to "nearly all kept", so that a single lost sector is common, too.
        let mercy = random.below(9);
        for writes in writes_kept.values_mut() {
            if random.below(8) >= mercy {
                *writes = random.below(*writes);
            }
        }
        let changes = self.unsynced.len();
        let lengths_kept =
            if random.below(2) == 0 { changes } else { random.below(changes as u64 + 1) as usize };
        Chosen { writes_kept, lengths_kept }
    }

    /// Everything before the last write, and a first part of it.
    fn tear(&self, durable: &mut Vec<u8>, random: &mut Random) {
        let last = self.unsynced.iter().rposition(|change| matches!(change, Change::Write { .. }));
        let (before, torn) = self.unsynced.split_at(last.unwrap_or(self.unsynced.len()));
        replay(durable, before, &mut Everything);
        let Some(Change::Write { offset, bytes }) = torn.first() else { return };
        let length = durable.len() as u64;
        let cut = random.below(bytes.len() as u64);
        let sectors_cut = ((offset + cut) / SECTOR * SECTOR).saturating_sub(*offset);
        // A file can end anywhere, but only a new end may fall inside a sector.
        let cut_end = random.below(2) == 0 && *offset >= length;
        let kept = if cut_end { cut } else { sectors_cut };
        put(durable, bytes.get(..kept as usize).unwrap_or_default(), *offset);
        if !cut_end && random.below(2) == 0 {
            let end = (offset + bytes.len() as u64).max(length);
            durable.resize(end as usize, 0);
        }
    }
}

/// `bytes` at `offset`, cut at sector borders.
fn pieces(bytes: &[u8], offset: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let head = (SECTOR - offset % SECTOR).min(bytes.len() as u64) as usize;
    let (head, rest) = bytes.split_at(head);
    let body = offset + head.len() as u64;
    std::iter::once((offset, head)).chain(
        rest.chunks(SECTOR as usize).enumerate().map(move |(i, piece)| (body + i as u64 * SECTOR, piece)),
    )
}

fn put(content: &mut Vec<u8>, bytes: &[u8], offset: u64) {
    let (from, to) = (offset as usize, offset as usize + bytes.len());
    if content.len() < to && !bytes.is_empty() {
        content.resize(to, 0);
    }
    if let Some(place) = content.get_mut(from..to) {
        place.copy_from_slice(bytes);
    }
}

/// Carries out the changes that are kept.
fn replay(content: &mut Vec<u8>, changes: &[Change], keep: &mut dyn Keep) {
    let mut length = content.len() as u64;
    for (i, change) in changes.iter().enumerate() {
        match change {
            Change::Write { offset, bytes } => {
                for (at, piece) in pieces(bytes, *offset) {
                    if keep.sector(i, at / SECTOR) {
                        put(content, piece, at);
                    }
                }
                if keep.length(i) {
                    length = length.max(offset + bytes.len() as u64);
                }
            }
            Change::SetLen(new) => {
                if keep.length(i) {
                    content.truncate(*new as usize);
                    length = *new;
                }
            }
        }
    }
    content.resize(length as usize, 0);
}

/// Fills each `lost` sector that begins beyond the durable end with what a removed file held at that place.
fn haunt(content: &mut [u8], end: u64, lost: &[u64], graves: &[Arc<Vec<u8>>], random: &mut Random) {
    for at in lost.iter().map(|sector| sector * SECTOR).filter(|at| *at >= end) {
        let Some(grave) = graves.get(random.below(graves.len() as u64) as usize) else { return };
        let (to, stale) = (content.get_mut(at as usize..), grave.get(at as usize..));
        let pairs = to.unwrap_or_default().iter_mut().zip(stale.unwrap_or_default());
        pairs.take(SECTOR as usize).for_each(|(to, byte)| *to = *byte);
    }
}
