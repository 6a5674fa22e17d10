//! Plain objects of the cold calls, and what the engine makes of them. `ts/options.ts` has checked every value; what
//! arrives here wrong all the same is refused by the engine's own `validate`.

use std::ops::Bound;

use mosskv::{Compression, Durability, Options, Stats};
use napi_derive::napi;

/// The options of `open`, each optional.
#[napi(object)]
pub struct NativeOptions {
    /// `createIfMissing`.
    pub create_if_missing: Option<bool>,
    /// `errorIfExists`.
    pub error_if_exists: Option<bool>,
    /// `readOnly`.
    pub read_only: Option<bool>,
    /// 0 memory, 1 os, 2 disk.
    pub durability: Option<u32>,
    /// `memtableBytes`.
    pub memtable_bytes: Option<f64>,
    /// `maxTables`.
    pub max_tables: Option<f64>,
    /// `cacheBytes`.
    pub cache_bytes: Option<f64>,
    /// `maxOpenFiles`.
    pub max_open_files: Option<f64>,
    /// -1 none, 0 LZ4, 1 and above the level of zstd; one a level of the tree.
    pub compression: Option<Vec<i32>>,
    /// `filterBitsPerKey`, one a level of the tree.
    pub filter_bits_per_key: Option<Vec<u32>>,
    /// `blockBytes`.
    pub block_bytes: Option<f64>,
    /// `tableBytes`.
    pub table_bytes: Option<f64>,
    /// `compactionThreads`.
    pub compaction_threads: Option<f64>,
    /// `paranoid`.
    pub paranoid: Option<bool>,
}

/// The durability with this number.
pub const fn durability(number: u32) -> Durability {
    match number {
        0 => Durability::Memory,
        2 => Durability::Disk,
        _ => Durability::Os,
    }
}

/// The engine's options: defaults where nothing was said.
pub fn options(given: NativeOptions) -> Options {
    let default = Options::default();
    let size = |given: Option<f64>, otherwise: usize| given.map_or(otherwise, |number| number as usize);
    Options {
        create_if_missing: given.create_if_missing.unwrap_or(default.create_if_missing),
        error_if_exists: given.error_if_exists.unwrap_or(default.error_if_exists),
        read_only: given.read_only.unwrap_or(default.read_only),
        durability: given.durability.map_or(default.durability, durability),
        memtable_bytes: size(given.memtable_bytes, default.memtable_bytes),
        max_tables: size(given.max_tables, default.max_tables),
        cache_bytes: size(given.cache_bytes, default.cache_bytes),
        max_open_files: given.max_open_files.map(|number| number as usize),
        compression: given.compression.map_or(default.compression, |levels| {
            levels.into_iter().map(compression).collect()
        }),
        filter_bits_per_key: given.filter_bits_per_key.unwrap_or(default.filter_bits_per_key),
        block_bytes: size(given.block_bytes, default.block_bytes),
        table_bytes: size(given.table_bytes, default.table_bytes),
        compaction_threads: given.compaction_threads.map(|number| number as usize),
        paranoid: given.paranoid.unwrap_or(default.paranoid),
    }
}

const fn compression(number: i32) -> Compression {
    match number {
        0 => Compression::Lz4,
        level if level > 0 => Compression::Zstd(level),
        _ => Compression::None,
    }
}

/// What an iterator walks over. Bounds are `Buffer`s, each with whether the key itself belongs to the range.
#[napi(object)]
pub struct NativeRange {
    /// Where keys begin.
    pub lower: Option<napi::bindgen_prelude::Buffer>,
    /// Whether the key `lower` is part of the range.
    pub lower_inclusive: bool,
    /// Where keys end.
    pub upper: Option<napi::bindgen_prelude::Buffer>,
    /// Whether the key `upper` is part of the range.
    pub upper_inclusive: bool,
    /// From the end to the beginning.
    pub reverse: bool,
    /// Whether keys are wanted.
    pub keys: bool,
    /// Whether values are wanted.
    pub values: bool,
    /// Whether blocks that are read enter the cache.
    pub fill_cache: bool,
}

/// One end of a range.
pub fn bound(key: Option<&[u8]>, inclusive: bool) -> Bound<Vec<u8>> {
    match key {
        None => Bound::Unbounded,
        Some(key) if inclusive => Bound::Included(key.to_vec()),
        Some(key) => Bound::Excluded(key.to_vec()),
    }
}

/// One level of the tree.
#[napi(object)]
pub struct NativeLevel {
    /// Tables in the level.
    pub tables: f64,
    /// Their bytes on disk.
    pub bytes: f64,
    /// Records in them, tombstones and old versions included.
    pub entries: f64,
    /// Sorted runs a read may have to look into.
    pub sublevels: f64,
}

/// What the engine counts. Sizes in bytes; counters since the engine was opened.
#[napi(object)]
pub struct NativeStats {
    /// The levels, from the newest to the oldest data.
    pub levels: Vec<NativeLevel>,
    /// Bytes in the memtable that takes writes.
    pub memtable_bytes: f64,
    /// Full memtables that wait to be flushed.
    pub immutable_memtables: f64,
    /// Bytes of write-ahead logs that recovery would read.
    pub wal_bytes: f64,
    /// Blocks found in the cache.
    pub cache_hits: f64,
    /// Blocks read from files.
    pub cache_misses: f64,
    /// Bytes in the cache.
    pub cache_bytes: f64,
    /// Memtables flushed.
    pub flushes: f64,
    /// Compactions finished.
    pub compactions: f64,
    /// Bytes of keys and values written by the program.
    pub bytes_written_by_user: f64,
    /// Bytes written by flushes.
    pub bytes_flushed: f64,
    /// Bytes written by compactions.
    pub bytes_compacted: f64,
    /// Bytes written to disk for each byte the program wrote.
    pub write_amplification: f64,
    /// How often writers had to wait.
    pub stalls: f64,
    /// For how long, in microseconds, added up.
    pub stall_micros: f64,
    /// The sequence number of the last visible write.
    pub last_seqno: f64,
    /// Snapshots held.
    pub snapshots: f64,
}

/// `stats` for JavaScript, whose numbers are exact up to 2^53.
pub fn stats(stats: Stats) -> NativeStats {
    NativeStats {
        levels: stats
            .levels
            .iter()
            .map(|level| NativeLevel {
                tables: level.tables as f64,
                bytes: level.bytes as f64,
                entries: level.entries as f64,
                sublevels: level.sublevels as f64,
            })
            .collect(),
        memtable_bytes: stats.memtable_bytes as f64,
        immutable_memtables: stats.immutable_memtables as f64,
        wal_bytes: stats.wal_bytes as f64,
        cache_hits: stats.cache_hits as f64,
        cache_misses: stats.cache_misses as f64,
        cache_bytes: stats.cache_bytes as f64,
        flushes: stats.flushes as f64,
        compactions: stats.compactions as f64,
        bytes_written_by_user: stats.bytes_written_by_user as f64,
        bytes_flushed: stats.bytes_flushed as f64,
        bytes_compacted: stats.bytes_compacted as f64,
        write_amplification: stats.write_amplification,
        stalls: stats.stalls as f64,
        stall_micros: stats.stall_micros as f64,
        last_seqno: stats.last_seqno as f64,
        snapshots: stats.snapshots as f64,
    }
}
