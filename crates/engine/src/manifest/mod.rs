//! The manifest: the durable order of tables, as a log of edits. CURRENT names the one in use.
//!
//! [`Manifest::load`] is called by the thread that opens the database; [`Manifest::append`] by whoever installs a
//! Version, one at a time.
//!
//! ```text
//! MANIFEST-000014 = file header | frame | frame | ...      as in a write-ahead log (see wal::frame), where
//!                   `first` is the number of the edit: 1, 2, 3, ...
//!                   `count` is 1, and the payload is the edit (see codec)
//!                   or both length and count are 0: the frame only says how far the file is synced
//! CURRENT         = "MANIFEST-000014 " | XXH3-64 of "MANIFEST-000014", 16 lower-case hex digits | "\n"
//! ```
//!
//! The first edit is the whole state. Every edit is synced before it is acknowledged, and a mark follows it, so
//! that damage in the last edit is told from a torn one. A manifest that was loaded is never appended to: who has an
//! edit starts a new one. After a failed append or sync nobody knows what the file holds, so nothing more goes into it
//! (rocksdb #6316).

#![deny(clippy::indexing_slicing)]

pub mod codec;
mod state;

use std::io;
use std::sync::Arc;

pub use state::State;
use state::{Alive, Builder};

use crate::checksum::checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Dir, FileName, OpenMode, read_exact_at};
use crate::version::VersionEdit;
use crate::wal::append::Appender;
use crate::wal::frame::{FILE_HEADER_BYTES, FileHeader, MANIFEST_MAGIC};
use crate::wal::scan::LogFile;

/// What [`Manifest::load`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The sum of the edits.
    pub state: State,
    /// The number in the file's name.
    pub number: u64,
    /// The file ends in a mark that covers every edit: all of `state` is known to survive power loss.
    pub durable: bool,
}

/// A manifest being written.
pub struct Manifest {
    log: Appender,
    alive: Alive,
    edits: u64,
}

impl Manifest {
    /// Reads the manifest CURRENT names. `None` when there is no database: no CURRENT, no table,
    /// and no log with anything in it.
    ///
    /// A last edit that a crash tore off is dropped; it was never acknowledged. Everything else that is not as it was
    /// written is `Corruption` naming file and offset; a field from a newer version is `UnsupportedFormat`. Memory
    /// is bounded by the file's size.
    pub fn load(dir: &dyn Dir) -> Result<Option<Loaded>> {
        let Some(number) = read_current(dir)? else { return Ok(None) };
        let name = FileName::Manifest(number);
        let file = LogFile::open(dir, name, number)?;
        if file.header(MANIFEST_MAGIC)?.is_none() {
            return Err(Error::corruption(name, 0, "the file header is damaged"));
        }
        let mut builder = Builder::default();
        let mut edits = 0;
        let mut durable = false;
        let mut frames = file.frames(None)?;
        while let Some(frame) = frames.next()? {
            let mark = frame.header.count == 0 && frame.payload.is_empty();
            durable = mark && frame.header.synced >= frame.offset;
            if mark {
                continue;
            }
            let damaged = |what: String| Error::corruption(name, frame.offset, what);
            if frame.header.first != edits + 1 {
                return Err(damaged(format!("edit {} follows edit {edits}", frame.header.first)));
            }
            edits += 1;
            let edit = codec::decode(frame.payload)
                .map_err(|e| e.context(format!("{name} at offset {}", frame.offset)))?;
            builder.apply(edit).map_err(damaged)?;
        }
        let end = frames.end();
        if edits == 0 {
            // The first edit is durable before CURRENT names the file.
            return Err(Error::corruption(name, end, "the first edit is missing or damaged"));
        }
        let state = builder.finish(number).map_err(|what| Error::corruption(name, end, what))?;
        Ok(Some(Loaded { state, number, durable: durable && frames.torn_bytes() == 0 }))
    }

    /// Creates manifest `number`, whose first edit is the whole state, and points CURRENT at it.
    ///
    /// When it fails, CURRENT names the old manifest or this one, which hold the same state: append to neither (try a
    /// third), and delete nothing. Costs two file syncs and two directory syncs.
    pub fn create(dir: &Arc<dyn Dir>, number: u64, full_state: &VersionEdit) -> Result<Self> {
        let header = FileHeader { magic: MANIFEST_MAGIC, number, predecessor: None };
        let log = Appender::create(dir.as_ref(), FileName::Manifest(number), &header)?;
        let mut manifest = Self { log, alive: Alive::default(), edits: 0 };
        manifest.write(full_state)?;
        manifest.log.persist(dir.as_ref())?;
        manifest.mark();
        let text = current_text(number);
        let (temp, current) = (FileName::CurrentTemp.to_string(), FileName::Current.to_string());
        fs::replace(dir.as_ref(), &temp, &current, text.as_bytes())?;
        Ok(manifest)
    }

    /// Adds an edit and syncs it. When it returns, the edit survives power loss.
    ///
    /// An edit that does not fit the state (removes a table that is not there, adds one twice) is `Internal` and
    /// changes nothing. After any other failure the edit may survive or not, and every later append is refused: go
    /// on with a new manifest, and delete no file the edit removed. Costs two writes and one sync.
    pub fn append(&mut self, edit: &VersionEdit) -> Result<()> {
        self.write(edit)?;
        self.log.sync()?;
        self.mark();
        Ok(())
    }

    fn write(&mut self, edit: &VersionEdit) -> Result<()> {
        self.alive.check(edit).map_err(|what| {
            let name = FileName::Manifest(self.number());
            Error::new(ErrorKind::Internal, format!("an edit for {name} makes no sense: {what}"))
        })?;
        let mut bytes = Vec::new();
        codec::encode(edit, &mut bytes);
        self.log.append(self.edits + 1, 1, &[&bytes])?;
        self.alive.apply(edit);
        self.edits += 1;
        Ok(())
    }

    /// Says in the file that all of it is synced. The edit before it is safe whether or not this works; the
    /// appender remembers a failure and refuses the next edit.
    fn mark(&mut self) {
        let _ = self.log.append(self.edits, 0, &[]);
    }

    /// The number in the file's name.
    pub fn number(&self) -> u64 {
        self.log.number()
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.log.size()
    }
}

/// The content of CURRENT when manifest `number` is in use.
fn current_text(number: u64) -> String {
    let name = FileName::Manifest(number).to_string();
    format!("{name} {:016x}\n", checksum(0, name.as_bytes()))
}

/// The number of the manifest CURRENT names.
fn read_current(dir: &dyn Dir) -> Result<Option<u64>> {
    /// More than any CURRENT has.
    const LIMIT: u64 = 64;
    let name = FileName::Current;
    let file = match dir.open(&name.to_string(), OpenMode::Read) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return no_database(dir).map(|()| None),
        Err(e) => return Err(Error::io("open", name, e)),
    };
    let length = file.len().map_err(|e| Error::io("find the size of", name, e))?;
    let mut bytes = vec![0; length.min(LIMIT) as usize];
    read_exact_at(file.as_ref(), &mut bytes, 0).map_err(|e| Error::io("read", name, e))?;
    let named =
        std::str::from_utf8(&bytes).ok().and_then(|text| match FileName::parse(text.split_once(' ')?.0)? {
            FileName::Manifest(number) if text == current_text(number) => Some(number),
            _ => None,
        });
    named.map(Some).ok_or_else(|| Error::corruption(name, 0, "it does not name a manifest, or is damaged"))
}

/// Makes sure that a directory without CURRENT is one whose database was never finished: without a table, and
/// without a log that has more than its header.
fn no_database(dir: &dyn Dir) -> Result<()> {
    let names = dir.list().map_err(|e| Error::io("list", "the database directory", e))?;
    for name in names {
        let holds_data = match FileName::parse(&name) {
            Some(FileName::Table(_)) => true,
            Some(file @ FileName::Wal(number)) => {
                LogFile::open(dir, file, number)?.length() > FILE_HEADER_BYTES as u64
            }
            _ => false,
        };
        if holds_data {
            let what = format!("the file is missing, but {name} is there: restore it from a backup");
            return Err(Error::corruption(FileName::Current, 0, what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
