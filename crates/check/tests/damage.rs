//! Torn tail or damage, through the whole engine: every byte of the files of a small database is changed, and its log cut
//! at every length. Damage is an error that names file and offset; what a crash may leave is a prefix; nothing else happens.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::path::Path;
use std::sync::Arc;

use mosskv::fs::sim::SimFs;
use mosskv::fs::{Fs, OpenMode};
use mosskv::{Durability, Engine, Error, ErrorKind};
use mosskv_check::history::{History, Write, contents};
use mosskv_check::workload;

fn open(disk: &SimFs) -> Result<Engine, Error> {
    workload::open(Arc::new(disk.clone()), 11)
}

fn file_bytes(disk: &SimFs, name: &str) -> Vec<u8> {
    let file = disk.open_dir(Path::new("db"), false).unwrap().open(name, OpenMode::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    let read = file.read_at(&mut bytes, 0).unwrap();
    assert_eq!(read, bytes.len());
    bytes
}

/// The disk after a kill, with `change` done to a file.
fn changed(disk: &SimFs, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> SimFs {
    let (image, mut bytes) = (disk.kill_image(), file_bytes(disk, name));
    change(&mut bytes);
    let file = image.open_dir(Path::new("db"), false).unwrap().open(name, OpenMode::ReadWrite).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    image
}

fn names(disk: &SimFs, suffix: &str) -> Vec<String> {
    let names = disk.open_dir(Path::new("db"), false).unwrap().list().unwrap();
    names.into_iter().filter(|name| name.ends_with(suffix)).collect()
}

fn put(i: u8, length: usize) -> Write {
    Write::Put(vec![b'k', i], vec![i; length])
}

/// A database with everything in its log: writes 0 to 19, all acknowledged as durable.
fn logged() -> (SimFs, History, Engine, String) {
    let (disk, mut history) = (SimFs::new(), History::default());
    let engine = open(&disk).unwrap();
    for i in 0..20 {
        history.write(&engine, &[put(i, 20), put(i + 1, 30)], Durability::Disk).unwrap();
    }
    let logs = names(&disk, ".wal");
    assert_eq!(logs.len(), 1);
    (disk, history, engine, logs[0].clone())
}

/// Where the room of a log begins. (No write of these tests ends in a zero.)
fn room_of(log: &[u8]) -> usize {
    log.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

/// The offset an error names.
fn offset_of(error: &Error) -> Option<usize> {
    let digits = error
        .to_string()
        .split("at offset ")
        .nth(1)?
        .chars()
        .take_while(char::is_ascii_digit)
        .collect::<String>();
    digits.parse().ok()
}

#[test]
fn every_changed_byte_of_a_synced_log_is_an_error_that_names_the_place() {
    let (disk, history, _engine, log) = logged();
    let bytes = file_bytes(&disk, &log);
    let (mut refused, mut torn) = (0, 0);
    for at in 0..room_of(&bytes) {
        for flip in [1, 0x80, 0xff] {
            let place = || format!("byte {at} of {} changed by {flip:#x}", bytes.len());
            match open(&changed(&disk, &log, |bytes| bytes[at] ^= flip)) {
                Err(error) => {
                    assert_eq!(error, ErrorKind::Corruption, "{}: {error:?}", place());
                    let named = offset_of(&error).filter(|_| error.to_string().contains(&log));
                    assert!(named.is_some_and(|offset| offset <= at), "{}: {error:?}", place());
                    refused += 1;
                }
                // Only the newest frame's durability is recorded nowhere: damage there looks like a torn write.
                Ok(engine) => {
                    let state = history.check(&contents(&engine).unwrap(), true);
                    let lost_last = state.is_err_and(|wrong| wrong.starts_with("state 19 of 20"));
                    assert!(lost_last, "{}: opens with something else than all but the last write", place());
                    torn += 1;
                }
            }
        }
    }
    assert!(refused > 15 * torn && torn > 0, "{refused} refused, {torn} taken for torn");
}

#[test]
fn a_log_cut_at_any_length_opens_with_a_prefix() {
    let (disk, history, _engine, log) = logged();
    let bytes = file_bytes(&disk, &log);
    let length = room_of(&bytes);
    let mut states = Vec::new();
    for keep in (0..=length).chain([length + 1, length + 4_000, bytes.len()]) {
        let engine = open(&changed(&disk, &log, |bytes| bytes.truncate(keep)))
            .unwrap_or_else(|error| panic!("cut to {keep} of {length} bytes: {error:?}"));
        let found = contents(&engine).unwrap();
        // The history knows that all 20 were acknowledged, and says which state it is nevertheless.
        let state = match history.check(&found, true) {
            Ok(state) => state,
            Err(wrong) => {
                let number =
                    wrong.strip_prefix("state ").and_then(|rest| rest.split(' ').next()?.parse().ok());
                number.unwrap_or_else(|| panic!("cut to {keep} of {length} bytes: {wrong}"))
            }
        };
        states.push(state);
        engine.put("more", "taken").unwrap();
    }
    assert!(states.is_sorted(), "a longer log holds fewer writes: {states:?}");
    states.dedup();
    assert_eq!(states, (0..=20).collect::<Vec<_>>());
}

#[test]
fn whatever_is_in_the_room_behind_the_last_write_is_not_read() {
    let (disk, history, _engine, log) = logged();
    let bytes = file_bytes(&disk, &log);
    let room = room_of(&bytes);
    assert!(bytes.len() > room + 4_000, "the log has no room: {room} of {} bytes", bytes.len());
    // Frames that are good elsewhere, in this very file.
    for at in [room, room + 1, room + 48, room + 512, bytes.len() - room] {
        let end = room.min(bytes.len() - at + 64);
        let image = changed(&disk, &log, |bytes| bytes.copy_within(64..end, at));
        let engine = open(&image).unwrap_or_else(|error| panic!("filled from {at}: {error:?}"));
        assert_eq!(history.check(&contents(&engine).unwrap(), true), Ok(20), "filled from {at}");
    }
}

/// A closed database with tables on several levels.
fn with_tables() -> (SimFs, History) {
    let (disk, mut history) = (SimFs::new(), History::default());
    for round in 0..3 {
        let engine = open(&disk).unwrap();
        for i in 0..15 {
            history.write(&engine, &[put(i * (round + 1), 40), put(200 - i, 40)], Durability::Os).unwrap();
        }
        history.write(&engine, &[Write::Delete(vec![b'k', round])], Durability::Os).unwrap();
        if round == 1 {
            engine.compact(None).unwrap();
        }
        engine.close().unwrap();
    }
    history.settled();
    (disk, history)
}

/// Every byte of the files with this suffix is changed, one at a time: the database shows exactly what it held, or an error of
/// the kind `Corruption` or `UnsupportedFormat` that names the file.
fn sweep(suffix: &str, flips: &[u8]) -> (u64, u64) {
    let (disk, history) = with_tables();
    let (mut refused, mut harmless) = (0, 0);
    for name in names(&disk, suffix) {
        for at in 0..file_bytes(&disk, &name).len() {
            for flip in flips {
                let image = changed(&disk, &name, |bytes| bytes[at] ^= flip);
                let read = open(&image).map_err(|e| format!("{e:?}")).and_then(|engine| contents(&engine));
                let place = format!("byte {at} of {name} changed by {flip:#x}");
                match read {
                    Ok(found) => {
                        history.check(&found, true).unwrap_or_else(|wrong| panic!("{place}: {wrong}"));
                        harmless += 1;
                    }
                    Err(error) => {
                        let kind =
                            ["CORRUPTION", "UNSUPPORTED_FORMAT"].iter().any(|kind| error.starts_with(kind));
                        assert!(kind && error.contains(&name), "{place}: {error}");
                        refused += 1;
                    }
                }
            }
        }
    }
    (refused, harmless)
}

#[test]
fn every_changed_byte_of_a_table_is_noticed_or_harmless() {
    let (refused, harmless) = sweep(".mst", &[1, 0x80]);
    println!("tables: {refused} refused, {harmless} harmless");
    // Harmless are only the filters, which a damaged table does without.
    assert!(refused > 2 * harmless, "{refused} refused, {harmless} harmless");
}

#[test]
fn every_changed_byte_of_the_manifest_is_noticed() {
    for name in ["CURRENT", "MANIFEST"] {
        let (disk, history) = with_tables();
        let named = disk.open_dir(Path::new("db"), false).unwrap().list().unwrap();
        let mut newest: Vec<_> = named.into_iter().filter(|file| file.starts_with(name)).collect();
        newest.sort();
        let file = newest.pop().unwrap();
        let (mut refused, mut torn) = (0, 0);
        for at in 0..file_bytes(&disk, &file).len() {
            let image = changed(&disk, &file, |bytes| bytes[at] ^= 0x10);
            match open(&image) {
                Err(error) => {
                    let kind = error == ErrorKind::Corruption || error == ErrorKind::UnsupportedFormat;
                    assert!(kind && error.to_string().contains(&file), "byte {at} of {file}: {error:?}");
                    refused += 1;
                }
                Ok(engine) => {
                    history.check(&contents(&engine).unwrap(), true).unwrap_or_else(|wrong| {
                        panic!("byte {at} of {file}: {wrong}");
                    });
                    torn += 1;
                }
            }
        }
        println!("{file}: {refused} refused, {torn} harmless");
        assert!(refused > 5 * torn, "{file}: {refused} refused, {torn} opened all the same");
    }
}
