//! Replacing a small file as a whole: after a crash it is the old one or the new one, never a mix.
//!
//! Write `temp`, sync it, rename it over `name`, sync the directory (what leveldb #195 and rocksdb #10573
//! forgot). Callable from any thread; two replacements of one name must not overlap.

use std::io;

use super::{Dir, OpenMode};
use crate::error::{Error, Result};

/// Makes `bytes` the whole durable content of `name`, by way of `temp` (a leftover `temp` is removed
/// first). When it fails, `name` is the old file or the new one, and it may be the new one without being
/// durable yet; the error says which step failed. Costs two syncs.
pub fn replace(dir: &dyn Dir, temp: &str, name: &str, bytes: &[u8]) -> Result<()> {
    match dir.remove(temp) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("remove", temp, error)),
    }
    let file = dir.open(temp, OpenMode::CreateNew).map_err(|error| Error::io("create", temp, error))?;
    file.write_all_at(bytes, 0).map_err(|error| Error::io("write", temp, error))?;
    file.sync_all().map_err(|error| Error::io("sync", temp, error))?;
    drop(file);
    dir.rename(temp, name).map_err(|error| Error::io("rename", format!("{temp} to {name}"), error))?;
    dir.sync().map_err(|error| Error::io("sync the directory after replacing", name, error))
}

#[cfg(test)]
mod tests;
