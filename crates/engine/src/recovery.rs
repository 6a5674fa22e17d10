//! Recovery: from the files in a directory to the state a crash left behind.
//!
//! [`read`] only reads: the manifest, then every log it still needs, oldest first, into memtables. [`settle`] makes the
//! result durable: it writes the memtables as tables, then a **new** manifest that names them and gives up all old logs
//! in one edit, and only then begins a new log. A crash anywhere in between leaves the old manifest and the old logs
//! untouched, so recovery can simply run again; old logs are never appended to or cut. The files that nothing names are
//! deleted last.
//!
//! Creating a database is the same path with nothing to read. A database that was closed cleanly has nothing to settle:
//! then the open writes nothing, and the directory stays as it is until the first write begins a log and the first flush or
//! compaction begins a manifest, in either order (see [`Recovered::settled`]).

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::compaction::Below;
use crate::error::{Error, ErrorKind, Result};
use crate::flush;
use crate::fs::{Dir, FileName};
use crate::key::SeqNo;
use crate::manifest::{Loaded, Manifest, State};
use crate::memtable::Memtable;
use crate::options::Options;
use crate::store::Store;
use crate::table::{ReadHow, Table, TableContext};
use crate::version::{TableRef, VersionEdit};
use crate::view::{ReadView, Tables};
use crate::wal::{self, WalWriter};

/// How often a read-only open starts over because the writer beside it deleted a file meanwhile.
const READ_ONLY_TRIES: usize = 10;

/// What the files say.
pub(crate) struct Recovered {
    pub version: Tables,
    /// What the logs hold, newest first.
    pub memtables: Vec<Arc<Memtable>>,
    pub last_seqno: SeqNo,
    /// Larger than every number in use, also by files that nothing names.
    pub next_file: u64,
    /// Files that are not needed once there is a new manifest.
    pub garbage: Vec<FileName>,
    /// The directory is as a clean close leaves it: the manifest is whole and known to be synced, no log that matters
    /// holds an operation, and nothing lies about. A log without a predecessor may follow at once, and the manifest goes on
    /// being true.
    pub settled: bool,
}

/// The error for a directory without a database.
pub(crate) fn not_found(path: &Path) -> Error {
    let message =
        format!("there is no database in {}: check the path, or allow createIfMissing", path.display());
    Error::new(ErrorKind::DatabaseNotFound, message)
}

/// Reads the directory's state. Writes nothing.
pub(crate) fn read(
    path: &Path,
    dir: &Arc<dyn Dir>,
    options: &Options,
    tables: &Arc<TableContext>,
) -> Result<Recovered> {
    let mut tries = if options.read_only { READ_ONLY_TRIES } else { 1 };
    loop {
        tries -= 1;
        match read_once(path, dir, options, tables) {
            Err(error) if tries > 0 && error.kind() != ErrorKind::DatabaseNotFound => {}
            result => return result,
        }
    }
}

fn read_once(
    path: &Path,
    dir: &Arc<dyn Dir>,
    options: &Options,
    tables: &Arc<TableContext>,
) -> Result<Recovered> {
    let names = dir.list().map_err(|error| Error::io("list", path.display(), error))?;
    let files: BTreeSet<FileName> = names.iter().filter_map(|name| FileName::parse(name)).collect();
    let loaded = match Manifest::load(dir.as_ref())? {
        Some(_) if options.error_if_exists => {
            let message = format!("{} holds a database, and errorIfExists was set", path.display());
            return Err(Error::new(ErrorKind::DatabaseExists, message));
        }
        Some(loaded) => loaded,
        None => nothing_yet(path, options, &files)?,
    };
    let Loaded { state, number, durable } = loaded;
    let version = version_of(&state, &files, tables)?;
    if options.read_only {
        let how = ReadHow { may_block: true, fill_cache: true, sequential: false };
        version.tables().try_for_each(|table| table.cursor(how).map(drop))?;
    }
    let mut replay =
        Replay { memtables: Vec::new(), last_seqno: state.last_seqno, limit: options.memtable_bytes };
    wal::replay_all(dir.as_ref(), state.log_number, |log, first, count, payload| {
        replay.apply(log, first, count, payload)
    })?;
    let highest = files.iter().filter_map(|name| name.number()).max().unwrap_or(0);
    let live = |name: &FileName| match name {
        FileName::Table(number) => version.tables().any(|table| table.meta().number == *number),
        FileName::Current | FileName::Lock => true,
        FileName::Wal(_) | FileName::Manifest(_) | FileName::CurrentTemp => false,
    };
    let garbage: Vec<FileName> = files.iter().filter(|name| !live(name)).copied().collect();
    let left_by_close = |name: &FileName| match name {
        FileName::Manifest(other) => *other == number,
        FileName::Wal(log) => *log >= state.log_number,
        _ => false,
    };
    let settled = durable && replay.memtables.is_empty() && garbage.iter().all(left_by_close);
    replay.memtables.reverse();
    Ok(Recovered {
        memtables: replay.memtables,
        last_seqno: replay.last_seqno,
        next_file: state.next_file.max(highest + 1),
        garbage,
        settled,
        version,
    })
}

/// The state of a directory without CURRENT: empty, unless there are files that only a database can have left.
fn nothing_yet(path: &Path, options: &Options, files: &BTreeSet<FileName>) -> Result<Loaded> {
    let leftover = files.iter().find(|name| matches!(name, FileName::Table(_) | FileName::Wal(_)));
    if let Some(name) = leftover {
        let what =
            format!("the file is missing although {name} exists: restore it, or move the data files away");
        return Err(Error::corruption(path.join(FileName::Current.to_string()).display(), 0, what));
    }
    if !options.create_if_missing || options.read_only {
        return Err(not_found(path));
    }
    Ok(Loaded { state: State::default(), number: 0, durable: false })
}

/// The Version that the manifest describes; every table it names must be there.
fn version_of(state: &State, files: &BTreeSet<FileName>, tables: &Arc<TableContext>) -> Result<Tables> {
    let mut edit = VersionEdit::default();
    for (level, metas) in state.levels.iter().enumerate() {
        for meta in metas {
            let name = FileName::Table(meta.number);
            if !files.contains(&name) {
                return Err(Error::corruption(name, 0, "the manifest names this table, and it is missing"));
            }
            edit.added.push((level, meta.clone()));
        }
    }
    Tables::empty()
        .apply(&edit, |meta| Table::new(meta.clone(), tables.clone()))
        .map_err(|error| error.with_kind(ErrorKind::Corruption, "the manifest describes an impossible tree"))
}

/// Logs being replayed into memtables, oldest first.
struct Replay {
    memtables: Vec<Arc<Memtable>>,
    last_seqno: SeqNo,
    limit: usize,
}

impl Replay {
    /// Applies one frame.
    fn apply(&mut self, log: u64, first_seqno: SeqNo, count: u32, payload: &[u8]) -> Result<()> {
        if first_seqno <= self.last_seqno {
            let what = format!("sequence number {first_seqno} comes after {}", self.last_seqno);
            return Err(Error::corruption(FileName::Wal(log), 0, what));
        }
        let operations = crate::batch::ops(payload).collect::<Result<Vec<_>>>();
        let operations = operations.map_err(|error| Error::corruption(FileName::Wal(log), 0, error))?;
        if operations.len() != count as usize {
            let what = format!("a frame holds {} operations and says {count}", operations.len());
            return Err(Error::corruption(FileName::Wal(log), 0, what));
        }
        let full = self.memtables.last().is_none_or(|memtable| memtable.bytes() >= self.limit);
        if full {
            self.memtables.push(Arc::new(Memtable::new(log, self.limit)));
        }
        if let Some(memtable) = self.memtables.last() {
            memtable.apply(operations.into_iter(), first_seqno);
        }
        self.last_seqno = first_seqno + u64::from(count) - 1;
        Ok(())
    }
}

/// Makes what was read durable and returns the new log. See the module's header for the order.
pub(crate) fn settle(store: &Store) -> Result<WalWriter> {
    let view = store.view.load_full();
    let mut version = Tables::clone(&view.version);
    for memtable in view.immutables.iter().rev() {
        let below = Below::new(version.tables().map(|table| table.meta().bounds()));
        let table = flush::write_table(store, memtable, &below)?;
        let edit = VersionEdit {
            added: table.into_iter().map(|meta| (0, meta)).collect(),
            ..VersionEdit::default()
        };
        version = version.apply(&edit, |meta| Table::new(meta.clone(), store.tables.clone()))?;
    }
    let log = view.memtable.log_number();
    store.installer.begin(&version)?;
    store.view.store(Arc::new(ReadView {
        memtable: view.memtable.clone(),
        immutables: Vec::new(),
        version: Arc::new(version),
    }));
    WalWriter::create(&store.dir, log, None)
}
