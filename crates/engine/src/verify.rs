//! The offline checker: reads every byte a database needs and says what is wrong with it. Changes nothing.

use std::path::Path;
use std::sync::Arc;

use crate::cache::{BlockCache, TableCache};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::Dir;
use crate::options::Options;
use crate::recovery;
use crate::table::{Table, TableContext};
use crate::version::TableRef;

/// Files the checker holds open at once.
const OPEN_FILES: usize = 64;

/// What the checker read and found.
#[derive(Debug, Clone, Default)]
pub struct VerifyReport {
    /// Tables read, every byte of them.
    pub tables: u64,
    /// Their bytes.
    pub table_bytes: u64,
    /// Data blocks checked.
    pub blocks: u64,
    /// Records replayed from logs.
    pub log_records: u64,
    /// What is wrong, each with the file and the offset. Empty: nothing.
    pub problems: Vec<Error>,
}

/// Checks the database in `dir`, which nobody may be writing to.
pub(crate) fn verify(path: &Path, dir: &Arc<dyn Dir>) -> Result<VerifyReport> {
    let mut report = VerifyReport::default();
    let options = Options { create_if_missing: false, ..Options::default() };
    let (blocks, files) = (BlockCache::new(0), TableCache::new(OPEN_FILES));
    let context = TableContext::new(dir.clone(), blocks, files, true, Box::new(|_| ()), Box::new(|_| ()));
    let recovered = match recovery::read(path, dir, &options, &context) {
        Err(error) if matches!(error.kind(), ErrorKind::Corruption | ErrorKind::UnsupportedFormat) => {
            report.problems.push(error);
            return Ok(report);
        }
        result => result?,
    };
    report.log_records = recovered.memtables.iter().map(|memtable| memtable.len() as u64).sum();
    for table in recovered.version.tables() {
        check(table, &mut report)?;
    }
    Ok(report)
}

fn check(table: &Arc<Table>, report: &mut VerifyReport) -> Result<()> {
    report.tables += 1;
    report.table_bytes += table.meta().size;
    match table.verify() {
        Ok(blocks) => report.blocks += blocks,
        Err(error) if matches!(error.kind(), ErrorKind::Corruption | ErrorKind::UnsupportedFormat) => {
            report.problems.push(error);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
