//! Plain objects of the cold calls, and what the engine makes of them. `ts/options.ts` has checked every value; what
//! arrives here wrong all the same is refused by the engine's own `validate`.

use mosskv::{Compression, Durability, LevelStats, Options, Stats, VerifyReport};
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
        compression: given
            .compression
            .map_or(default.compression, |levels| levels.into_iter().map(compression).collect()),
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

/// One level of the tree.
#[napi(object)]
pub struct NativeLevel {
    /// Tables in the level.
    pub tables: f64,
    /// Their bytes on disk.
    pub bytes: f64,
    /// Records in them, tombstones and old versions included.
    pub entries: f64,
    /// Sorted runs a read may have to look into: the sublevels of L0, one for any other level that is not empty.
    pub runs: f64,
}

/// What the engine counts. Sizes in bytes, times in microseconds; counters begin when it is opened.
#[napi(object)]
pub struct NativeStats {
    /// The levels, from the newest to the oldest data.
    pub levels: Vec<NativeLevel>,
    /// Bytes in the memtable that takes writes.
    pub memtable_bytes: f64,
    /// Records in it.
    pub memtable_entries: f64,
    /// Full memtables that wait to be flushed.
    pub immutable_memtables: f64,
    /// Bytes of the current write-ahead log.
    pub wal_bytes: f64,
    /// Blocks found in the cache.
    pub cache_hits: f64,
    /// Blocks that had to be read.
    pub cache_misses: f64,
    /// Bytes in the cache.
    pub cache_bytes: f64,
    /// Snapshots held, those of iterators included.
    pub snapshots: f64,
    /// The sequence number of the last visible write.
    pub last_seqno: f64,
    /// Bytes on disk that compaction is behind.
    pub pending_compaction_bytes: f64,
    /// Bytes of keys and values the program wrote.
    pub bytes_written_by_user: f64,
    /// Bytes written to write-ahead logs.
    pub bytes_logged: f64,
    /// Bytes written by flushes.
    pub bytes_flushed: f64,
    /// Bytes written by compactions.
    pub bytes_compacted: f64,
    /// Memtables flushed.
    pub flushes: f64,
    /// Compactions finished.
    pub compactions: f64,
    /// Tables moved down a level without being rewritten.
    pub trivial_moves: f64,
    /// Groups of writes, each one frame of the log.
    pub groups: f64,
    /// Times a log was forced to the disk.
    pub syncs: f64,
    /// Records replayed from logs when the database was opened.
    pub recovered: f64,
    /// How often writers were stopped.
    pub stalls: f64,
    /// For how long writers were stopped or delayed, added up.
    pub stall_micros: f64,
    /// Bytes written to disk for each byte the program wrote; 0 before the first write.
    pub write_amplification: f64,
}

/// `s` for JavaScript, whose numbers are exact up to 2^53.
pub fn stats(s: &Stats) -> NativeStats {
    let level = |level: &LevelStats| NativeLevel {
        tables: level.tables as f64,
        bytes: level.bytes as f64,
        entries: level.entries as f64,
        runs: level.runs as f64,
    };
    NativeStats {
        levels: s.levels.iter().map(level).collect(),
        memtable_bytes: s.memtable_bytes as f64,
        memtable_entries: s.memtable_entries as f64,
        immutable_memtables: s.immutable_memtables as f64,
        wal_bytes: s.wal_bytes as f64,
        cache_hits: s.cache_hits as f64,
        cache_misses: s.cache_misses as f64,
        cache_bytes: s.cache_bytes as f64,
        snapshots: s.snapshots as f64,
        last_seqno: s.last_seqno as f64,
        pending_compaction_bytes: s.pending_compaction_bytes as f64,
        bytes_written_by_user: s.counters.user_bytes as f64,
        bytes_logged: s.counters.wal_bytes as f64,
        bytes_flushed: s.counters.flushed_bytes as f64,
        bytes_compacted: s.counters.compacted_bytes_written as f64,
        flushes: s.counters.flushes as f64,
        compactions: s.counters.compactions as f64,
        trivial_moves: s.counters.trivial_moves as f64,
        groups: s.counters.groups as f64,
        syncs: s.counters.syncs as f64,
        recovered: s.counters.recovered_ops as f64,
        stalls: s.counters.stalls as f64,
        stall_micros: s.counters.stall_micros as f64,
        write_amplification: s.counters.write_amplification(),
    }
}

/// The report of the checker, as JSON.
pub fn report(report: &VerifyReport) -> String {
    let problems: Vec<String> = report
        .problems
        .iter()
        .map(|error| format!("{{\"code\":\"{}\",\"message\":{}}}", error.code(), json(&error.to_string())))
        .collect();
    format!(
        "{{\"tables\":{},\"tableBytes\":{},\"blocks\":{},\"logRecords\":{},\"problems\":[{}]}}",
        report.tables,
        report.table_bytes,
        report.blocks,
        report.log_records,
        problems.join(",")
    )
}

/// `text` as a JSON string.
pub fn json(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", control as u32)),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
