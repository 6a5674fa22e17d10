//! Settings: plain data, checked once by [`Options::validate`] before anything touches the disk.

use crate::error::{Error, Result};

/// What an acknowledged write survives. Chosen per database, and per write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Durability {
    /// Not logged: survives nothing until the next flush or a clean close. The fastest.
    Memory,
    /// Written to the operating system: survives the death of the process, not of the machine.
    #[default]
    Os,
    /// Forced to the disk: survives power loss.
    Disk,
}

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Stored as they are.
    None,
    /// LZ4 block format: fast both ways. A block that shrinks by less than an eighth is stored raw.
    #[default]
    Lz4,
    /// Zstandard at this level (1 to 19): smaller and slower.
    Zstd(i32),
}

/// How an engine is opened. `Options::default()` is meant to be good.
#[derive(Debug, Clone)]
pub struct Options {
    /// Create the directory and an empty database when there is none. Default: true.
    pub create_if_missing: bool,
    /// Refuse to open when there is a database already. Default: false.
    pub error_if_exists: bool,
    /// Open beside a writer without writing or deleting anything. Default: false.
    pub read_only: bool,
    /// The durability of writes that do not name their own. Default: [`Durability::Os`].
    pub durability: Durability,
    /// Bytes a memtable may hold before it is frozen and flushed; 64 KiB to 4 GiB. Larger memtables make fewer, larger
    /// tables and longer recoveries. Default: 64 MiB.
    pub memtable_bytes: usize,
    /// How many L0 tables may stand before compaction is due; 1 to 1,000. Default: 10.
    pub max_tables: usize,
    /// Bytes of decoded blocks, indexes and filters kept in memory; up to three quarters of them for tables that are so much
    /// read that they are kept whole, which makes their reads about twice as fast. Default: 256 MiB.
    pub cache_bytes: usize,
    /// How many files may be open at once; 16 or more. `None`: half of what the process may open, at most 4,096.
    pub max_open_files: Option<usize>,
    /// The compression of each level, the last one repeated for all deeper levels; 1 to 7 of them. A table that only
    /// changes its level keeps the compression it was written with, unless [`crate::Engine::compact`] moves it. Default: LZ4
    /// for levels 0 to 5, zstd at level 1 for the deepest, level 6, where nine tenths of a large database are.
    pub compression: Vec<Compression>,
    /// Filter bits per key for each level, the last one repeated; 0 (no filter) to 32. Default: 10.
    pub filter_bits_per_key: Vec<u32>,
    /// Uncompressed bytes of a data block; 512 B to 1 MiB. Smaller blocks read less per get, larger ones compress
    /// better. Default: 8 KiB.
    pub block_bytes: usize,
    /// Bytes of a table made by compaction; 64 KiB to 1 GiB. Default: 64 MiB.
    pub table_bytes: usize,
    /// Threads that compact; 1 to 64. `None`: one less than there are cores, at least one.
    pub compaction_threads: Option<usize>,
    /// Check every block's checksum also when it is served from memory-resident pages, and verify each table whole
    /// after it is written. Slower. Default: false.
    pub paranoid: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            create_if_missing: true,
            error_if_exists: false,
            read_only: false,
            durability: Durability::Os,
            memtable_bytes: 64 << 20,
            max_tables: 10,
            cache_bytes: 256 << 20,
            max_open_files: None,
            compression: [vec![Compression::Lz4; 6], vec![Compression::Zstd(1)]].concat(),
            filter_bits_per_key: vec![10],
            block_bytes: 8 << 10,
            table_bytes: 64 << 20,
            compaction_threads: None,
            paranoid: false,
        }
    }
}

impl Options {
    /// Checks every range; the error names the option, the value and what is allowed.
    pub fn validate(&self) -> Result<()> {
        within("memtableBytes", self.memtable_bytes, 64 << 10, 4 << 30)?;
        within("maxTables", self.max_tables, 1, 1_000)?;
        within("cacheBytes", self.cache_bytes, 0, 1 << 46)?;
        within("blockBytes", self.block_bytes, 512, 1 << 20)?;
        within("tableBytes", self.table_bytes, 64 << 10, 1 << 30)?;
        within("compression.length", self.compression.len(), 1, 7)?;
        within("filterBitsPerKey.length", self.filter_bits_per_key.len(), 1, 7)?;
        for bits in &self.filter_bits_per_key {
            within("filterBitsPerKey", *bits as usize, 0, 32)?;
        }
        for codec in &self.compression {
            if let Compression::Zstd(level) = codec {
                within("compression (zstd level)", usize::try_from(*level).unwrap_or(0), 1, 19)?;
            }
        }
        if let Some(files) = self.max_open_files {
            within("maxOpenFiles", files, 16, 1 << 20)?;
        }
        if let Some(threads) = self.compaction_threads {
            within("compactionThreads", threads, 1, 64)?;
        }
        if self.read_only && self.error_if_exists {
            return Err(Error::invalid("readOnly and errorIfExists exclude each other: drop one of them"));
        }
        Ok(())
    }

    /// How many table files may be open at once: `max_open_files`, or what the process is allowed.
    pub fn open_files(&self) -> usize {
        self.max_open_files.unwrap_or_else(crate::fs::os::default_open_files)
    }

    /// The compression of tables in `level`.
    pub fn compression_of(&self, level: usize) -> Compression {
        self.compression.get(level).or(self.compression.last()).copied().unwrap_or_default()
    }

    /// The filter bits per key of tables in `level`.
    pub fn filter_bits_of(&self, level: usize) -> u32 {
        self.filter_bits_per_key.get(level).or(self.filter_bits_per_key.last()).copied().unwrap_or(10)
    }
}

fn within(name: &str, value: usize, min: usize, max: usize) -> Result<()> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(format!("option {name} is {value}: it must be from {min} to {max}")))
}
