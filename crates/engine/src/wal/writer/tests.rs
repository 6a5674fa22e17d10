use super::super::test_dir::TestDir;
use super::super::{Tail, replay};
use super::*;
use crate::batch::MAX_BATCH_BYTES;
use crate::error::ErrorKind;

fn groups(dir: &TestDir, number: u64) -> Vec<(SeqNo, u32, Vec<u8>)> {
    let mut out = Vec::new();
    replay(&*dir.as_dir(), number, Tail::MayBeTorn, |first, count, bytes| {
        out.push((first, count, bytes.to_vec()));
        Ok(())
    })
    .unwrap();
    out
}

#[test]
fn a_new_log_and_its_name_are_durable_before_the_first_append() {
    let dir = TestDir::new();
    let wal = WalWriter::create(&dir.as_dir(), 7, Some((6, 100))).unwrap();
    assert_eq!(dir.trace(), ["create 000007.wal", "write 000007.wal", "sync 000007.wal", "sync directory"]);
    assert_eq!((wal.number(), wal.size(), wal.log_sync().synced()), (7, 64, 64));
    assert_eq!(dir.bytes("000007.wal").len(), 64);
}

#[test]
fn a_log_is_never_created_over_another() {
    let dir = TestDir::new();
    WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    assert_eq!(WalWriter::create(&dir.as_dir(), 7, None).err().unwrap(), ErrorKind::Io);
}

#[test]
fn a_group_is_one_frame_and_one_write() {
    let dir = TestDir::new();
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    dir.trace();
    assert_eq!(wal.append(5, 3, &[b"one", b"", b"three"]).unwrap(), 64 + 48 + 8);
    assert_eq!(dir.trace(), ["write 000007.wal"]);
    assert_eq!(wal.append(8, 1, &[b"x"]).unwrap(), wal.size());
    assert_eq!(groups(&dir, 7), [(5, 3, b"onethree".to_vec()), (8, 1, b"x".to_vec())]);
}

#[test]
fn a_frame_carries_how_far_the_log_is_synced() {
    let dir = TestDir::new();
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    let end = wal.append(1, 1, &[b"x"]).unwrap();
    assert!(wal.log_sync().up_to(end).unwrap());
    wal.mark().unwrap();
    let mark = &dir.bytes("000007.wal")[end as usize..];
    assert_eq!(mark[24..32], end.to_le_bytes());
    assert_eq!(groups(&dir, 7).len(), 1, "a mark is no group");
}

#[test]
fn leveldb_1180_nothing_is_appended_after_a_failed_append() {
    let dir = TestDir::new();
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    let good = wal.append(1, 1, &[b"good"]).unwrap();
    dir.fail("write 000007.wal");
    assert_eq!(wal.append(2, 1, &[b"lost"]).unwrap_err(), ErrorKind::DiskFull);
    dir.heal();
    let after = dir.bytes("000007.wal");
    let error = wal.append(2, 1, &[b"more"]).unwrap_err();
    assert_eq!(error, ErrorKind::DiskFull);
    assert!(error.to_string().contains("000007.wal takes no appends"), "{error}");
    assert!(wal.mark().is_err());
    assert_eq!(dir.bytes("000007.wal"), after);
    assert_eq!(wal.size(), good);
    assert_eq!(groups(&dir, 7), [(1, 1, b"good".to_vec())]);
}

#[test]
fn a_group_beyond_the_limit_is_refused_and_changes_nothing() {
    let dir = TestDir::new();
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    let piece = vec![0; 1 << 20];
    let pieces = vec![&piece[..]; MAX_BATCH_BYTES / piece.len() + 1];
    assert_eq!(wal.append(1, 1, &pieces).unwrap_err(), ErrorKind::InvalidArgument);
    assert_eq!(wal.size(), 64);
    wal.append(1, 1, &[b"x"]).unwrap();
    assert_eq!(groups(&dir, 7).len(), 1);
}

#[test]
fn a_creation_that_fails_at_any_step_is_an_error() {
    for step in ["create 000007.wal", "write 000007.wal", "sync 000007.wal", "sync directory"] {
        let dir = TestDir::new();
        dir.fail(step);
        let error = WalWriter::create(&dir.as_dir(), 7, None).err().unwrap();
        assert!(error.to_string().contains("000007.wal"), "{step}: {error}");
    }
}

#[test]
fn room_is_made_when_it_is_used_up_and_frames_overwrite_it() {
    let dir = TestDir::new();
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    let mut wanted = Vec::new();
    let mut lengths = Vec::new();
    for group in 1..=40 {
        let payload = vec![group as u8; 600];
        let end = wal.append(group, 1, &[&payload]).unwrap();
        dir.trace();
        let zeros = wal.make_room(10_000);
        let length = dir.bytes("000007.wal").len() as u64;
        assert!(zeros == 0 || zeros == length - end);
        assert_eq!(
            dir.trace().len(),
            usize::from(lengths.last() != Some(&length)),
            "one write, and only when needed"
        );
        assert!(length > end && length.is_multiple_of(4096) && wal.size() == end);
        lengths.push(length);
        wanted.push((group, 1, payload));
    }
    lengths.dedup();
    assert_eq!(lengths, [12_288, 24_576, 36_864], "a frame that reaches beyond the room makes the next");
    assert_eq!(groups(&dir, 7), wanted);
    assert!(dir.bytes("000007.wal")[wal.size() as usize..].iter().all(|byte| *byte == 0));
}

#[test]
fn room_is_written_in_pieces_of_64_kib() {
    let dir = TestDir::new();
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    wal.append(1, 1, &[b"x"]).unwrap();
    dir.trace();
    wal.make_room(200 << 10);
    assert_eq!(dir.trace(), ["write 000007.wal"; 4]);
}

#[test]
fn room_that_cannot_be_made_is_not_asked_for_again_and_costs_no_write() {
    let dir = TestDir::new();
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    wal.append(1, 1, &[b"one"]).unwrap();
    dir.fail("write 000007.wal");
    assert_eq!(wal.make_room(10_000), 0);
    dir.heal();
    dir.trace();
    wal.append(2, 1, &[&[2; 20_000]]).unwrap();
    wal.make_room(10_000);
    assert_eq!(dir.trace(), ["write 000007.wal"]);
    assert_eq!(groups(&dir, 7).len(), 2);
}

#[test]
fn no_room_is_made_behind_a_failed_append() {
    let dir = TestDir::new();
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    dir.fail("write 000007.wal");
    wal.append(1, 1, &[b"lost"]).unwrap_err();
    dir.heal();
    let before = dir.bytes("000007.wal");
    wal.make_room(10_000);
    assert_eq!(dir.bytes("000007.wal"), before);
}
