use proptest::collection::vec;
use proptest::prelude::*;

use super::super::WalWriter;
use super::super::frame::{FRAME_HEADER_BYTES, FrameHeader, payload_checksum};
use super::super::test_dir::TestDir;
use super::*;
use crate::error::ErrorKind;

const LOG: &str = "000007.wal";

/// A frame that was written: where it is, what it knew, what it holds.
#[derive(Debug, Clone)]
struct Written {
    start: u64,
    end: u64,
    synced: u64,
    payload: Vec<u8>,
}

/// Writes log `number`: each payload, and whether the log is synced right after it.
fn write(dir: &TestDir, number: u64, before: Option<(u64, u64)>, groups: &[(Vec<u8>, bool)]) -> Vec<Written> {
    let mut wal = WalWriter::create(&dir.as_dir(), number, before).unwrap();
    let mut out = Vec::new();
    for (i, (payload, sync)) in groups.iter().enumerate() {
        let (start, synced) = (wal.size(), wal.log_sync().synced());
        let end = wal.append(i as u64, 1, &[payload]).unwrap();
        if *sync {
            wal.log_sync().up_to(end).unwrap();
        }
        out.push(Written { start, end, synced, payload: payload.clone() });
    }
    out
}

fn read(dir: &TestDir, number: u64, tail: Tail) -> (Vec<Vec<u8>>, Result<Replayed>) {
    let mut out = Vec::new();
    let result = replay(&*dir.as_dir(), number, tail, |first, count, bytes| {
        assert_eq!((first, count), (out.len() as u64, 1));
        out.push(bytes.to_vec());
        Ok(())
    });
    (out, result)
}

fn payloads(frames: &[Written]) -> Vec<Vec<u8>> {
    frames.iter().map(|f| f.payload.clone()).collect()
}

fn sample() -> Vec<(Vec<u8>, bool)> {
    [(3, false), (0, true), (40, false), (9, true), (1, false), (25, false)]
        .iter()
        .map(|&(n, sync)| ((0..n).map(|i| i as u8).collect(), sync))
        .collect()
}

fn is_corruption_at(result: Result<Replayed>, offset: u64) {
    let error = result.unwrap_err();
    assert_eq!(error, ErrorKind::Corruption);
    assert!(error.to_string().starts_with(&format!("{LOG} at offset {offset}:")), "{error}");
}

proptest! {
    #[test]
    fn groups_round_trip(groups in vec((vec(any::<u8>(), 0..300), any::<bool>()), 0..30)) {
        let dir = TestDir::new();
        let frames = write(&dir, 7, Some((3, 99)), &groups);
        let end = frames.last().map_or(64, |f| f.end);
        for tail in [Tail::MayBeTorn, Tail::Complete { size: end }] {
            let (found, replayed) = read(&dir, 7, tail);
            prop_assert_eq!(&found, &payloads(&frames));
            let wanted = Replayed { end, torn_bytes: 0, predecessor: Some((3, 99)) };
            prop_assert_eq!(replayed.unwrap(), wanted);
        }
    }

    #[test]
    fn whatever_happens_to_the_bytes_the_result_is_a_prefix_or_an_error(
        groups in vec((vec(any::<u8>(), 0..60), any::<bool>()), 1..12),
        damage in vec((any::<prop::sample::Index>(), vec(any::<u8>(), 0..90)), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let dir = TestDir::new();
        let frames = write(&dir, 7, None, &groups);
        let original = dir.bytes(LOG);
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
        dir.set(LOG, &bytes);
        let (found, result) = read(&dir, 7, Tail::MayBeTorn);
        prop_assert_eq!(&found[..], &payloads(&frames)[..found.len()]);
        // Every frame that was handed out, and the whole of it, is what was written.
        if let Ok(replayed) = result && replayed.end > 0 {
            let end = replayed.end as usize;
            prop_assert_eq!(&bytes[..end], &original[..end]);
        }
        let size = original.len() as u64;
        let (_, result) = read(&dir, 7, Tail::Complete { size });
        prop_assert_eq!(result.is_ok(), bytes == original);
    }
}

#[test]
fn every_flipped_byte_is_a_torn_tail_above_the_mark_and_damage_below() {
    let dir = TestDir::new();
    let frames = write(&dir, 7, None, &sample());
    let original = dir.bytes(LOG);
    for position in 0..original.len() as u64 {
        let mut bytes = original.clone();
        bytes[position as usize] ^= 0x10;
        dir.set(LOG, &bytes);
        let (found, result) = read(&dir, 7, Tail::MayBeTorn);
        let Some(hit) = frames.iter().position(|f| (f.start..f.end).contains(&position)) else {
            is_corruption_at(result, 0);
            continue;
        };
        assert_eq!(found, payloads(&frames[..hit]), "byte {position}");
        let bad = frames[hit].start;
        if frames[hit + 1..].iter().any(|later| later.synced > bad) {
            is_corruption_at(result, bad);
        } else {
            let torn_bytes = original.len() as u64 - bad;
            assert_eq!(result.unwrap(), Replayed { end: bad, torn_bytes, predecessor: None });
        }
    }
}

#[test]
fn every_truncation_leaves_the_whole_frames_before_it() {
    let dir = TestDir::new();
    let frames = write(&dir, 7, Some((2, 64)), &sample());
    let original = dir.bytes(LOG);
    for length in 0..original.len() {
        dir.set(LOG, &original[..length]);
        let (found, result) = read(&dir, 7, Tail::MayBeTorn);
        let whole = frames.iter().filter(|f| f.end <= length as u64).count();
        assert_eq!(found, payloads(&frames[..whole]), "length {length}");
        let end = match whole {
            0 if length < 64 => 0,
            0 => 64,
            n => frames[n - 1].end,
        };
        let predecessor = (length >= 64).then_some((2, 64));
        let torn_bytes = length as u64 - end;
        assert_eq!(result.unwrap(), Replayed { end, torn_bytes, predecessor });
        let size = original.len() as u64;
        assert_eq!(read(&dir, 7, Tail::Complete { size }).1.unwrap_err(), ErrorKind::Corruption);
    }
}

#[test]
fn a_complete_log_tolerates_damage_only_behind_its_size() {
    let dir = TestDir::new();
    let frames = write(&dir, 7, None, &sample());
    let original = dir.bytes(LOG);
    let size = frames[3].end;
    for position in 0..original.len() {
        let mut bytes = original.clone();
        bytes[position] ^= 0x80;
        dir.set(LOG, &bytes);
        let (found, result) = read(&dir, 7, Tail::Complete { size });
        if (position as u64) < size {
            assert_eq!(result.unwrap_err(), ErrorKind::Corruption, "byte {position}");
        } else {
            assert_eq!(found, payloads(&frames[..4]));
            assert_eq!(result.unwrap().end, size);
        }
    }
    dir.set(LOG, &original);
    for size in [0, 63, size - 1, size + 1, u64::MAX] {
        let (_, result) = read(&dir, 7, Tail::Complete { size });
        assert_eq!(result.unwrap_err(), ErrorKind::Corruption, "size {size}");
    }
}

#[test]
fn a_hole_that_was_never_synced_is_a_torn_tail_although_good_frames_follow() {
    let dir = TestDir::new();
    let groups: Vec<_> = (0..5).map(|i| (vec![i; 20], i == 1)).collect();
    let frames = write(&dir, 7, None, &groups);
    let mut bytes = dir.bytes(LOG);
    bytes[frames[2].start as usize..frames[2].end as usize].fill(0);
    dir.set(LOG, &bytes);
    let (found, result) = read(&dir, 7, Tail::MayBeTorn);
    assert_eq!(found, payloads(&frames[..2]));
    assert_eq!(result.unwrap().end, frames[2].start);
    // The same hole one frame earlier is below the mark.
    bytes[frames[1].start as usize..frames[1].end as usize].fill(0);
    dir.set(LOG, &bytes);
    is_corruption_at(read(&dir, 7, Tail::MayBeTorn).1, frames[1].start);
}

#[test]
fn a_mark_makes_damage_in_the_last_synced_frame_an_error() {
    let dir = TestDir::new();
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    let end = wal.append(0, 1, &[b"last words"]).unwrap();
    wal.log_sync().up_to(end).unwrap();
    wal.mark().unwrap();
    let mut bytes = dir.bytes(LOG);
    bytes[end as usize - 1] ^= 1;
    dir.set(LOG, &bytes);
    is_corruption_at(read(&dir, 7, Tail::MayBeTorn).1, 64);
}

#[test]
fn frames_of_an_older_log_behind_the_tail_are_not_read() {
    let dir = TestDir::new();
    let old = write(&dir, 5, None, &vec![(vec![5; 52], true); 8]);
    let new = write(&dir, 7, None, &vec![(vec![7; 52], true); 3]);
    // A recycled file: the new log's bytes over the old log's, frame borders in the same places.
    let mut bytes = dir.bytes("000005.wal");
    let fresh = dir.bytes(LOG);
    assert_eq!(old[2].end, new[2].end);
    bytes[..fresh.len()].copy_from_slice(&fresh);
    dir.set(LOG, &bytes);
    let (found, result) = read(&dir, 7, Tail::MayBeTorn);
    assert_eq!(found, payloads(&new));
    let torn_bytes = (bytes.len() - fresh.len()) as u64;
    assert_eq!(result.unwrap(), Replayed { end: new[2].end, torn_bytes, predecessor: None });
}

#[test]
fn a_value_that_is_a_copy_of_the_log_is_no_evidence() {
    let dir = TestDir::new();
    write(&dir, 7, None, &sample());
    let copy = dir.bytes(LOG);
    let dir = TestDir::new();
    let frames = write(&dir, 7, None, &[(vec![1; 10], false), (copy, false)]);
    let mut bytes = dir.bytes(LOG);
    bytes[frames[0].start as usize] ^= 1;
    dir.set(LOG, &bytes);
    assert_eq!(read(&dir, 7, Tail::MayBeTorn).1.unwrap().end, 64);
}

#[test]
fn frames_larger_than_the_window_and_marks_beyond_it_are_read() {
    let dir = TestDir::new();
    let sizes = [3 << 20, 10, (1 << 20) - 150, 700_000, 700_000, 1 << 20];
    let groups: Vec<_> = sizes.iter().map(|&n| (vec![0x5a; n], n == 1 << 20)).collect();
    let mut groups = groups;
    groups.push((Vec::new(), false));
    let frames = write(&dir, 7, None, &groups);
    let (found, result) = read(&dir, 7, Tail::MayBeTorn);
    assert!(found == payloads(&frames));
    assert_eq!(result.unwrap().torn_bytes, 0);
    for hit in 0..6 {
        let mut bytes = dir.bytes(LOG);
        bytes[frames[hit].start as usize + 50] ^= 1;
        let damaged = TestDir::new();
        damaged.set(LOG, &bytes);
        is_corruption_at(read(&damaged, 7, Tail::MayBeTorn).1, frames[hit].start);
    }
}

#[test]
fn a_length_beyond_the_file_is_not_believed() {
    let dir = TestDir::new();
    let frames = write(&dir, 7, None, &sample());
    let mut bytes = dir.bytes(LOG);
    let at = frames[5].start;
    for length in [26, u32::MAX] {
        let checksum = payload_checksum(7, at, &[]);
        let header =
            FrameHeader { length, count: 1, number: 7, first: 5, synced: 64, payload_checksum: checksum };
        bytes[at as usize..at as usize + FRAME_HEADER_BYTES].copy_from_slice(&header.encode(at));
        dir.set(LOG, &bytes);
        assert_eq!(read(&dir, 7, Tail::MayBeTorn).1.unwrap().end, at);
    }
}

#[test]
fn a_log_whose_header_is_damaged_is_empty_only_when_nothing_can_be_behind_it() {
    let dir = TestDir::new();
    for length in [0, 1, 63, 64] {
        dir.set(LOG, &vec![0; length]);
        let (found, result) = read(&dir, 7, Tail::MayBeTorn);
        assert!(found.is_empty());
        assert_eq!(result.unwrap(), Replayed { end: 0, torn_bytes: length as u64, predecessor: None });
    }
    dir.set(LOG, &[0; 65]);
    is_corruption_at(read(&dir, 7, Tail::MayBeTorn).1, 0);
    write(&dir, 8, None, &sample());
    dir.set(LOG, &dir.bytes("000008.wal"));
    is_corruption_at(read(&dir, 7, Tail::MayBeTorn).1, 0);
}

#[test]
fn an_error_of_the_disk_or_of_the_caller_is_not_the_end_of_the_log() {
    let dir = TestDir::new();
    write(&dir, 7, None, &sample());
    dir.fail("read 000007.wal");
    assert_eq!(read(&dir, 7, Tail::MayBeTorn).1.unwrap_err(), ErrorKind::Io);
    dir.heal();
    let refuse = |_, _, _: &[u8]| Err(Error::invalid("no"));
    let error = replay(&*dir.as_dir(), 7, Tail::MayBeTorn, refuse).unwrap_err();
    assert_eq!(error.to_string(), "000007.wal at offset 64: no");
    assert_eq!(read(&dir, 9, Tail::MayBeTorn).1.unwrap_err(), ErrorKind::Corruption);
}

mod chain;

/// Writes the sample, with room made after each frame; returns the frames.
fn write_with_room(dir: &TestDir, room: u64) -> Vec<Written> {
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    let mut out = Vec::new();
    for (i, (payload, sync)) in sample().into_iter().enumerate() {
        let (start, synced) = (wal.size(), wal.log_sync().synced());
        let end = wal.append(i as u64, 1, &[&payload]).unwrap();
        wal.make_room(room);
        if sync {
            wal.log_sync().up_to(end).unwrap();
        }
        out.push(Written { start, end, synced, payload });
    }
    out
}

#[test]
fn room_behind_the_last_frame_is_no_damage_and_hides_none() {
    let dir = TestDir::new();
    let frames = write_with_room(&dir, 9_000);
    let end = frames.last().unwrap().end;
    let original = dir.bytes(LOG);
    let room = original.len() as u64 - end;
    assert!(room > 8_000, "there is no room: {room}");
    let (found, replayed) = read(&dir, 7, Tail::MayBeTorn);
    assert_eq!(
        (found, replayed.unwrap()),
        (payloads(&frames), Replayed { end, torn_bytes: room, predecessor: None })
    );
    let (found, replayed) = read(&dir, 7, Tail::Complete { size: end });
    assert_eq!((found, replayed.unwrap().torn_bytes), (payloads(&frames), 0));
    let mark = frames.last().unwrap().synced;
    for position in 64..end {
        let mut bytes = original.clone();
        bytes[position as usize] ^= 0x10;
        dir.set(LOG, &bytes);
        let hit = frames.iter().position(|f| (f.start..f.end).contains(&position)).unwrap();
        let (found, result) = read(&dir, 7, Tail::MayBeTorn);
        assert_eq!(found, payloads(&frames[..hit]));
        if frames[hit].start < mark {
            is_corruption_at(result, frames[hit].start);
        } else {
            assert_eq!(result.unwrap().end, frames[hit].start);
        }
    }
}

#[test]
fn what_a_writer_puts_into_its_room_meanwhile_is_not_taken_for_damage() {
    let dir = TestDir::new();
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    let end = wal.append(1, 1, &[b"read together with the room behind it"]).unwrap();
    wal.make_room(3 << 20);
    wal.log_sync().up_to(end).unwrap();
    let mut found = Vec::new();
    replay(&*dir.as_dir(), 7, Tail::MayBeTorn, |first, _, _| {
        if found.is_empty() {
            // More than is read at a time, so that the frame behind it is seen and this one was not.
            let end = wal.append(2, 1, &[&vec![2; 1 << 20]])?;
            wal.log_sync().up_to(end)?;
            wal.append(3, 1, &[b"knows what was synced"])?;
        }
        found.push(first);
        Ok(())
    })
    .unwrap();
    assert_eq!(found, [1, 2, 3]);
}

#[test]
fn a_log_that_is_written_over_while_it_is_read_is_an_error() {
    let dir = TestDir::new();
    write(&dir, 7, None, &[(vec![1; 10], false), (vec![2; 10], false)]);
    let over = |first, _, _: &[u8]| match first {
        0 => WalWriter::create_over(&dir.as_dir(), 7, 8, None).map(drop),
        _ => Ok(()),
    };
    let error = replay(&dir, 7, Tail::MayBeTorn, over).unwrap_err();
    assert!(error.to_string().contains("000007.wal"), "{error}");
    assert!(error.to_string().contains("written over while it was read"), "{error}");
}
