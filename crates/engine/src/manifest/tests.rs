use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::version::TableMeta;
use crate::wal::WalWriter;
use crate::wal::test_dir::TestDir;

const NAME: &str = "MANIFEST-000003";

fn table(number: u64) -> TableMeta {
    let key = format!("key{number:05}").into_bytes().into_boxed_slice();
    TableMeta { number, smallest: key.clone(), largest: key, entries: 7, ..TableMeta::default() }
}

fn add(number: u64) -> VersionEdit {
    VersionEdit { added: vec![(1, table(number))], next_file: Some(number + 1), ..VersionEdit::default() }
}

fn start() -> VersionEdit {
    VersionEdit { log_number: Some(2), next_file: Some(4), last_seqno: Some(0), ..VersionEdit::default() }
}

fn load(dir: &TestDir) -> Result<Option<(State, u64)>> {
    Ok(Manifest::load(&*dir.as_dir())?.map(|loaded| (loaded.state, loaded.number)))
}

fn tables(state: &State) -> Vec<u64> {
    state.levels[1].iter().map(|t| t.number).collect()
}

/// A manifest with tables 10, 11, ... added one by one; where each of these edits starts and ends.
fn sample(count: u64) -> (TestDir, Manifest, Vec<(u64, u64)>) {
    let dir = TestDir::new();
    let mut manifest = Manifest::create(&dir.as_dir(), 3, &start()).unwrap();
    let mut places = Vec::new();
    for number in 10..10 + count {
        let before = manifest.size();
        manifest.append(&add(number)).unwrap();
        places.push((before, manifest.size() - 48));
    }
    (dir, manifest, places)
}

fn corruption(result: Result<Option<(State, u64)>>, start: &str) {
    let error = result.unwrap_err();
    assert_eq!(error, ErrorKind::Corruption);
    assert!(error.to_string().starts_with(start), "{error}");
}

#[test]
fn what_was_appended_is_loaded() {
    let (dir, mut manifest, _) = sample(3);
    manifest.append(&VersionEdit { removed: vec![(1, 11)], ..VersionEdit::default() }).unwrap();
    assert_eq!((manifest.number(), manifest.size()), (3, dir.bytes(NAME).len() as u64));
    let (state, number) = load(&dir).unwrap().unwrap();
    assert_eq!((number, tables(&state)), (3, vec![10, 12]));
    assert_eq!((state.log_number, state.next_file), (2, 13));
    let next = Manifest::create(&dir.as_dir(), 20, &state.full_edit()).unwrap();
    assert_eq!(next.number(), 20);
    let (again, number) = load(&dir).unwrap().unwrap();
    assert_eq!(number, 20);
    assert_eq!(again, State { next_file: 21, ..state });
}

#[test]
fn an_edit_is_synced_before_it_is_acknowledged() {
    let (dir, mut manifest, _) = sample(0);
    dir.trace();
    manifest.append(&add(10)).unwrap();
    assert_eq!(dir.trace(), ["write MANIFEST-000003", "sync MANIFEST-000003", "write MANIFEST-000003"]);
}

#[test]
fn rocksdb_10573_leveldb_195_the_directory_is_synced_before_and_after_current() {
    let (dir, _, _) = sample(0);
    let wanted = [
        "create MANIFEST-000003",
        "write MANIFEST-000003",
        "write MANIFEST-000003",
        "sync MANIFEST-000003",
        "sync directory",
        "write MANIFEST-000003",
        "create CURRENT.tmp",
        "write CURRENT.tmp",
        "sync CURRENT.tmp",
        "rename CURRENT.tmp CURRENT",
        "sync directory",
    ];
    assert_eq!(dir.trace(), wanted);
    for step in wanted {
        let dir = TestDir::new();
        dir.fail(step);
        let created = Manifest::create(&dir.as_dir(), 3, &start());
        assert!(created.is_err(), "{step} failed and the manifest was created");
    }
}

#[test]
fn rocksdb_6316_nothing_is_appended_after_a_failed_append_or_sync() {
    for step in ["write MANIFEST-000003", "sync MANIFEST-000003"] {
        let (dir, mut manifest, _) = sample(1);
        dir.fail(step);
        assert_eq!(manifest.append(&add(20)).unwrap_err(), ErrorKind::DiskFull);
        dir.heal();
        let after = dir.bytes(NAME);
        dir.trace();
        assert_eq!(manifest.append(&add(21)).unwrap_err(), ErrorKind::DiskFull);
        assert_eq!((dir.bytes(NAME), dir.trace()), (after, vec![]), "{step}");
        let (state, _) = load(&dir).unwrap().unwrap();
        assert!([vec![10], vec![10, 20]].contains(&tables(&state)), "{step}");
    }
}

#[test]
fn an_edit_that_makes_no_sense_is_refused_and_changes_nothing() {
    let (dir, mut manifest, _) = sample(2);
    let before = dir.bytes(NAME);
    let remove = VersionEdit { removed: vec![(1, 99)], ..VersionEdit::default() };
    for edit in [remove, add(10)] {
        assert_eq!(manifest.append(&edit).unwrap_err(), ErrorKind::Internal);
    }
    assert_eq!(dir.bytes(NAME), before);
    manifest.append(&add(12)).unwrap();
    assert_eq!(tables(&load(&dir).unwrap().unwrap().0), [10, 11, 12]);
}

#[test]
fn every_flipped_byte_is_detected() {
    let (dir, _, places) = sample(3);
    let original = dir.bytes(NAME);
    let last_mark = places[2].1;
    for position in 0..original.len() {
        let mut bytes = original.clone();
        bytes[position] ^= 0x20;
        dir.set(NAME, &bytes);
        if position as u64 >= last_mark {
            let (state, _) = load(&dir).unwrap().unwrap();
            assert_eq!(tables(&state), [10, 11, 12], "only the mark was lost");
        } else {
            corruption(load(&dir), NAME);
        }
    }
}

#[test]
fn an_edit_that_was_torn_off_is_dropped() {
    let (dir, _, places) = sample(3);
    let original = dir.bytes(NAME);
    for length in places[1].1..places[2].1 {
        dir.set(NAME, &original[..length as usize]);
        assert_eq!(tables(&load(&dir).unwrap().unwrap().0), [10, 11], "length {length}");
        let mut bytes = original[..places[2].1 as usize].to_vec();
        bytes[length.max(places[2].0) as usize] ^= 1;
        dir.set(NAME, &bytes);
        assert_eq!(tables(&load(&dir).unwrap().unwrap().0), [10, 11], "length {length}");
    }
}

#[test]
fn a_manifest_is_durable_when_nothing_follows_the_mark_of_its_last_edit() {
    let (dir, _, places) = sample(2);
    let original = dir.bytes(NAME);
    let marked = [places[0].0, places[1].0, original.len() as u64];
    for length in places[0].0..=original.len() as u64 {
        dir.set(NAME, &original[..length as usize]);
        let loaded = Manifest::load(&*dir.as_dir()).unwrap().unwrap();
        assert_eq!(loaded.durable, marked.contains(&length), "length {length}");
    }
    dir.set(NAME, &[original, vec![0]].concat());
    assert!(!Manifest::load(&*dir.as_dir()).unwrap().unwrap().durable);
}

#[test]
fn every_truncation_loads_the_edits_before_it_or_is_refused() {
    let (dir, _, places) = sample(3);
    let original = dir.bytes(NAME);
    let first_edit_ends = places[0].0 - 48;
    for length in 0..original.len() as u64 {
        dir.set(NAME, &original[..length as usize]);
        if length < first_edit_ends {
            corruption(load(&dir), NAME);
        } else {
            let whole = places.iter().filter(|(_, end)| *end <= length).count() as u64;
            assert_eq!(tables(&load(&dir).unwrap().unwrap().0), (10..10 + whole).collect::<Vec<_>>());
        }
    }
}

#[test]
fn an_edit_out_of_order_is_refused() {
    let dir = TestDir::new();
    let header = FileHeader { magic: MANIFEST_MAGIC, number: 3, predecessor: None };
    let mut log = Appender::create(&*dir.as_dir(), FileName::Manifest(3), &header).unwrap();
    let mut bytes = Vec::new();
    codec::encode(&start(), &mut bytes);
    log.append(1, 1, &[&bytes]).unwrap();
    let at = log.append(1, 1, &[&bytes]).unwrap();
    dir.set("CURRENT", current_text(3).as_bytes());
    let start = format!("{NAME} at offset {}: edit 1 follows edit 1", at - 48 - bytes.len() as u64);
    corruption(load(&dir), &start);
}

#[test]
fn a_field_of_a_newer_version_is_not_called_damage() {
    let dir = TestDir::new();
    let header = FileHeader { magic: MANIFEST_MAGIC, number: 3, predecessor: None };
    let mut log = Appender::create(&*dir.as_dir(), FileName::Manifest(3), &header).unwrap();
    log.append(1, 1, &[&[0x06, 1, 1]]).unwrap();
    dir.set("CURRENT", current_text(3).as_bytes());
    let error = load(&dir).unwrap_err();
    assert_eq!(error, ErrorKind::UnsupportedFormat);
    assert!(error.to_string().starts_with(NAME), "{error}");
}

#[test]
fn current_is_as_documented_and_every_change_in_it_is_damage() {
    let (dir, _, _) = sample(0);
    let original = dir.bytes("CURRENT");
    let hash = checksum(0, NAME.as_bytes());
    assert_eq!(original, format!("MANIFEST-000003 {hash:016x}\n").into_bytes());
    for position in 0..original.len() {
        for bit in 0..8 {
            let mut bytes = original.clone();
            bytes[position] ^= 1 << bit;
            dir.set("CURRENT", &bytes);
            corruption(load(&dir), "CURRENT");
        }
        dir.set("CURRENT", &original[..position]);
        corruption(load(&dir), "CURRENT");
    }
    dir.set("CURRENT", &[&original[..], b"\n"].concat());
    corruption(load(&dir), "CURRENT");
    dir.set("CURRENT", &vec![b'0'; 1 << 20]);
    corruption(load(&dir), "CURRENT");
}

#[test]
fn a_missing_manifest_is_damage_that_names_it() {
    let (dir, _, _) = sample(1);
    dir.remove(NAME).unwrap();
    corruption(load(&dir), NAME);
}

#[test]
fn without_current_there_is_no_database_unless_there_is_data() {
    let (dir, _, _) = sample(1);
    dir.remove("CURRENT").unwrap();
    let mut wal = WalWriter::create(&dir.as_dir(), 2, None).unwrap();
    dir.set("CURRENT.tmp", b"half");
    dir.set("notes.txt", b"not ours");
    assert_eq!(load(&dir).unwrap(), None);
    wal.append(1, 1, &[b"x"]).unwrap();
    corruption(load(&dir), "CURRENT at offset 0: the file is missing, but 000002.wal");
    dir.remove("000002.wal").unwrap();
    dir.set("000010.mst", b"");
    corruption(load(&dir), "CURRENT at offset 0: the file is missing, but 000010.mst");
}

#[test]
fn a_disk_error_is_not_the_end_of_the_manifest() {
    let (dir, _, _) = sample(1);
    for file in ["CURRENT", NAME] {
        dir.fail(&format!("read {file}"));
        assert_eq!(load(&dir).unwrap_err(), ErrorKind::Io);
    }
}

proptest! {
    #[test]
    fn whatever_happens_to_the_bytes_the_result_is_a_prefix_or_an_error(
        damage in vec((any::<prop::sample::Index>(), vec(any::<u8>(), 1..90)), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let (dir, _, places) = sample(4);
        let original = dir.bytes(NAME);
        let mut bytes = original.clone();
        for (at, patch) in damage {
            let at = at.index(bytes.len());
            for (to, from) in bytes[at..].iter_mut().zip(patch) {
                *to = from;
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        dir.set(NAME, &bytes);
        if let Ok(loaded) = load(&dir) {
            let found = tables(&loaded.unwrap().0);
            prop_assert_eq!(&found, &(10..10 + found.len() as u64).collect::<Vec<_>>());
            let good = found.len().checked_sub(1).map_or(places[0].0 - 48, |last| places[last].1) as usize;
            prop_assert_eq!(&bytes[..good], &original[..good]);
        }
    }
}

mod crash;
