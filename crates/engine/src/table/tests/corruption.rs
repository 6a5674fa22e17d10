use std::sync::Arc;

use super::support::{MemoryDir, PLAIN, Record, build, open, range};
use crate::error::{Error, ErrorKind, Result};
use crate::iter::Cursor;
use crate::key::{self, Kind, hash, trailer};
use crate::options::Compression;
use crate::table::{BuildOptions, ReadHow, Table};
use crate::version::TableMeta;

fn small_table(compression: Compression) -> (Arc<MemoryDir>, TableMeta, Vec<Record>) {
    let mut records: Vec<Record> = Vec::new();
    for n in 0..40u64 {
        let key = format!("user:{n:04}").into_bytes();
        if n % 7 == 0 {
            records.push((key.clone(), trailer(n + 100, Kind::Delete), vec![]));
        }
        records.push((key, trailer(n + 1, Kind::Set), format!("value {n} ").repeat(3).into_bytes()));
    }
    let dir = Arc::new(MemoryDir::default());
    let options = BuildOptions { compression, block_bytes: 300, ..PLAIN };
    let meta = build(&dir, 5, options, &records, &[range(b"user:0003", b"user:0005", 90)]);
    (dir, meta, records)
}

/// Reads everything there is in all ways; every answer must be right, or the first error is returned.
fn read_all(table: &Arc<Table>, records: &[Record]) -> Result<()> {
    let mut first_error = None;
    let mut note = |error: Error| {
        assert!(
            matches!(error.kind(), ErrorKind::Corruption | ErrorKind::UnsupportedFormat),
            "unexpected {error:?}"
        );
        assert!(error.to_string().contains("000005.mst"), "{error} names no file");
        first_error.get_or_insert(error);
    };
    let how = ReadHow::default();
    for (key, trailer, value) in records {
        match table.get(key, hash(key), key::seqno_of(*trailer), how, |t, v| (t, v.to_vec())) {
            Ok(found) => assert_eq!(found, Some((*trailer, value.clone()))),
            Err(error) => note(error),
        }
    }
    for sequential in [false, true] {
        let walk = || {
            let mut cursor = table.cursor(ReadHow { sequential, ..how })?;
            let mut seen = Vec::new();
            let mut moved = cursor.seek_to_first();
            while cursor.valid() {
                seen.push((cursor.user_key().to_vec(), cursor.trailer(), cursor.value().to_vec()));
                moved = cursor.next();
            }
            match moved {
                Ok(()) => assert_eq!(seen, records),
                Err(_) => {
                    assert_eq!(seen, records[..seen.len()]);
                    // The error stays.
                    assert!(cursor.seek_to_first().is_err() && cursor.next().is_err() && !cursor.valid());
                }
            }
            moved
        };
        if let Err(error) = walk() {
            note(error);
        }
    }
    match table.covering(b"user:0004", 1000, how) {
        Ok(seqno) => assert_eq!(seqno, 90),
        Err(error) => note(error),
    }
    first_error.map_or(Ok(()), Err)
}

#[test]
fn no_flipped_byte_gives_a_wrong_answer_or_passes_verification() {
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd(1)] {
        let (dir, meta, records) = small_table(compression);
        read_all(&open(&dir, &meta), &records).unwrap();
        let good = dir.file(5).bytes.lock().unwrap().clone();
        for at in 0..good.len() {
            for flip in [1u8, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[at] ^= flip;
                dir.put(5, bytes);
                let table = open(&dir, &meta);
                assert!(read_all(&table, &records).is_err(), "byte {at} ^ {flip} went unnoticed");
                assert_eq!(table.verify().unwrap_err(), ErrorKind::Corruption);
            }
        }
    }
}

#[test]
fn no_truncation_or_extension_goes_unnoticed() {
    let (dir, meta, records) = small_table(Compression::Lz4);
    let good = dir.file(5).bytes.lock().unwrap().clone();
    for length in 0..good.len() {
        dir.put(5, good[..length].to_vec());
        let error = read_all(&open(&dir, &meta), &records).unwrap_err();
        assert_eq!(error, ErrorKind::Corruption);
        // Even if the manifest agreed with the length.
        let error =
            read_all(&open(&dir, &TableMeta { size: length as u64, ..meta.clone() }), &records).unwrap_err();
        assert_eq!(error, ErrorKind::Corruption);
    }
    dir.put(5, [&good[..], &[0]].concat());
    assert!(open(&dir, &meta).verify().is_err());
}

#[test]
fn a_file_cut_while_it_is_open_is_reported() {
    let (dir, meta, records) = small_table(Compression::None);
    let table = open(&dir, &meta);
    assert!(table.cursor(ReadHow::default()).is_ok());
    dir.file(5).bytes.lock().unwrap().truncate(100);
    assert_eq!(read_all(&table, &records).unwrap_err(), ErrorKind::Corruption);
}

#[test]
fn swapped_and_zeroed_stretches_are_noticed() {
    let (dir, meta, records) = small_table(Compression::None);
    let good = dir.file(5).bytes.lock().unwrap().clone();
    let open_good = open(&dir, &meta);
    let mut offsets = vec![0u64];
    for (key, ..) in &records {
        offsets.push(open_good.approximate_offset(key).unwrap());
    }
    offsets.dedup();
    assert!(offsets.len() > 4);
    // Two blocks of equal length, or as much of them as fits, exchanged.
    for pair in offsets.windows(3) {
        let length = (pair[1] - pair[0]).min(pair[2] - pair[1]) as usize;
        let (a, b) = (pair[0] as usize, pair[1] as usize);
        let mut bytes = good.clone();
        bytes[a..a + length].copy_from_slice(&good[b..b + length]);
        bytes[b..b + length].copy_from_slice(&good[a..a + length]);
        dir.put(5, bytes);
        assert_eq!(read_all(&open(&dir, &meta), &records).unwrap_err(), ErrorKind::Corruption);
    }
    for start in (0..good.len() - 64).step_by(64) {
        let mut bytes = good.clone();
        bytes[start..start + 64].fill(0);
        dir.put(5, bytes);
        assert!(read_all(&open(&dir, &meta), &records).is_err());
    }
}

#[test]
fn another_tables_file_is_refused() {
    let (dir, meta, records) = small_table(Compression::None);
    let good = dir.file(5).bytes.lock().unwrap().clone();
    // The same content under another number.
    dir.put(6, good);
    let error =
        open(&dir, &TableMeta { number: 6, ..meta.clone() }).cursor(ReadHow::default()).err().unwrap();
    assert_eq!(error, ErrorKind::Corruption);
    // Another table under the same number: the manifest knows better.
    let other = Arc::new(MemoryDir::default());
    let mut changed = records.clone();
    changed[3].2[0] ^= 1;
    changed[3].1 += 1 << 8;
    build(
        &other,
        5,
        BuildOptions { block_bytes: 300, ..PLAIN },
        &changed,
        &[range(b"user:0003", b"user:0005", 90)],
    );
    let error = open(&other, &TableMeta { raw_bytes: 1, ..meta }).cursor(ReadHow::default()).err().unwrap();
    assert_eq!(error, ErrorKind::Corruption);
}

#[test]
fn a_stale_table_of_the_same_shape_fails_verification() {
    let (dir, meta, mut records) = small_table(Compression::None);
    records[3].2[0] ^= 1;
    build(
        &dir,
        5,
        BuildOptions { block_bytes: 300, ..PLAIN },
        &records,
        &[range(b"user:0003", b"user:0005", 90)],
    );
    let error = open(&dir, &meta).verify().unwrap_err();
    assert!(error.to_string().contains("checksum in the manifest"), "{error}");
}
