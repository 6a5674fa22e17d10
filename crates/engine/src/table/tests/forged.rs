//! Tables whose checksums are right although no builder wrote them: newer formats, and lies.

use std::sync::Arc;

use super::support::{MemoryDir, PLAIN, Record, build, context, open};
use crate::error::{ErrorKind, Result};
use crate::key::{Kind, MAX_SEQNO, hash, trailer};
use crate::table::format::{self, FOOTER_BYTES, Section, SectionKind};
use crate::table::open::TableFile;
use crate::table::{ReadHow, Table};
use crate::version::TableMeta;

fn small_table() -> (Arc<MemoryDir>, TableMeta, Vec<Record>) {
    let records: Vec<Record> = (0..30u64)
        .map(|n| (format!("key{n:03}").into_bytes(), trailer(n + 1, Kind::Set), vec![7; 20]))
        .collect();
    let dir = Arc::new(MemoryDir::default());
    let meta = build(&dir, 5, PLAIN, &records, &[]);
    (dir, meta, records)
}

/// Rewrites what follows the sections, with what `change` makes of the list of sections; `extra` bytes are a new
/// last section.
fn rewrite(
    dir: &MemoryDir,
    meta: &TableMeta,
    extra: &[u8],
    change: impl FnOnce(&mut Vec<Section>),
) -> TableMeta {
    let mut sections = TableFile::open(meta, dir).unwrap().contents().unwrap();
    let end = sections.iter().map(|s| s.offset + s.length).max().unwrap();
    let mut bytes = dir.file(meta.number).bytes.lock().unwrap()[..end as usize].to_vec();
    bytes.extend_from_slice(extra);
    change(&mut sections);
    format::put_contents(meta.number, bytes.len() as u64, &sections, &mut bytes);
    let size = bytes.len() as u64;
    dir.put(meta.number, bytes);
    TableMeta { size, ..meta.clone() }
}

fn extra_section(sections: &mut Vec<Section>, kind: SectionKind, must_understand: bool) {
    let last = sections.last().unwrap();
    let offset = last.offset + last.length;
    sections.push(Section { kind, must_understand, codec: 0, offset, length: 3, checksum: 0 });
}

fn get(table: &Table, record: &Record) -> Result<Option<Vec<u8>>> {
    table.get(&record.0, hash(&record.0), MAX_SEQNO, ReadHow::default(), |_, value| value.to_vec())
}

#[test]
fn unknown_sections_are_passed_over_unless_they_must_be_understood() {
    let (dir, meta, records) = small_table();
    for kind in [SectionKind::BLOB_REFERENCES, SectionKind::POINT_INDEX, SectionKind(900)] {
        let newer = rewrite(&dir, &meta, b"new", |s| extra_section(s, kind, false));
        assert_eq!(get(&open(&dir, &newer), &records[3]).unwrap(), Some(vec![7; 20]));
        build(&dir, 5, PLAIN, &records, &[]);
        let newer = rewrite(&dir, &meta, b"new", |s| extra_section(s, kind, true));
        let error = get(&open(&dir, &newer), &records[3]).unwrap_err();
        assert_eq!(error, ErrorKind::UnsupportedFormat);
        assert!(error.to_string().contains("000005.mst"), "{error}");
        build(&dir, 5, PLAIN, &records, &[]);
    }
}

#[test]
fn contents_that_leave_gaps_overlap_or_lack_a_section_are_damage() {
    type Change = fn(&mut Vec<Section>);
    let changes: [Change; 6] = [
        |s| s[1].offset += 1,
        |s| s[1].length -= 1,
        |s| {
            s.remove(0);
        },
        |s| {
            s.pop();
        },
        |s| s.swap(0, 1),
        |s| s[2].length = u64::MAX,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let (dir, meta, records) = small_table();
        let forged = rewrite(&dir, &meta, b"", change);
        let error = get(&open(&dir, &forged), &records[3]).unwrap_err();
        assert_eq!(error, ErrorKind::Corruption, "change {at}");
    }
}

#[test]
fn a_newer_format_version_is_named() {
    let (dir, meta, records) = small_table();
    let mut bytes = dir.file(5).bytes.lock().unwrap().clone();
    let at = bytes.len() - FOOTER_BYTES;
    bytes[at + 32] = 2;
    let covered = [&bytes[at..at + 24], &bytes[at + 32..]].concat();
    let checksum = format::stored_checksum(5, at as u64, &covered);
    bytes[at + 24..at + 32].copy_from_slice(&checksum.to_le_bytes());
    dir.put(5, bytes);
    let error = get(&open(&dir, &meta), &records[0]).unwrap_err();
    assert_eq!(error, ErrorKind::UnsupportedFormat);
    assert!(error.to_string().contains("table format 2"), "{error}");
}

#[test]
fn a_block_that_lies_about_its_keys_is_noticed_by_the_paranoid_and_by_verification() {
    let (dir, meta, records) = small_table();
    let plain = open(&dir, &meta);
    let (_, length) = plain.open(ReadHow::default()).unwrap().as_deref().unwrap().index.block(0).unwrap();
    let mut block = dir.file(5).bytes.lock().unwrap()[..length as usize - 9].to_vec();
    // The second entry, whose key's suffix becomes that of the first.
    let second = block.windows(21).position(|entry| entry[0] == b'1' && entry[1..] == [7; 20]).unwrap();
    block[second] = b'0';
    format::seal_block(5, 0, 0, &mut block, 0);
    dir.file(5).bytes.lock().unwrap()[..block.len()].copy_from_slice(&block);

    assert_eq!(get(&open(&dir, &meta), &records[1]).unwrap(), None, "checksums cannot tell");
    let paranoid = Table::new(meta.clone(), context(&dir, 1 << 20, 4, true));
    let error = get(&paranoid, &records[0]).unwrap_err();
    assert_eq!(error, ErrorKind::Corruption);
    assert!(error.to_string().contains("out of order"), "{error}");
    assert_eq!(plain.verify().unwrap_err(), ErrorKind::Corruption);
}
