use super::*;

/// Logs 3, 5 and 8, each naming the one before it; returns their sizes.
fn three_logs(dir: &TestDir) -> [u64; 3] {
    let mut before = Some((2, 64));
    [3u64, 5, 8].map(|number| {
        let frames = write(dir, number, before, &[(vec![number as u8; 9], true), (vec![0; 5], false)]);
        let size = frames[1].end;
        before = Some((number, size));
        size
    })
}

fn read_all(dir: &TestDir, from: u64) -> (Vec<u64>, Result<Recovered>) {
    let mut logs = Vec::new();
    let result = replay_all(&*dir.as_dir(), from, |log, first, _, bytes| {
        if first == 0 {
            assert_eq!(bytes, [log as u8; 9]);
            logs.push(log);
        }
        Ok(())
    });
    (logs, result)
}

fn refused(dir: &TestDir, from: u64, start: &str) {
    let (logs, result) = read_all(dir, from);
    let error = result.unwrap_err();
    assert_eq!(error, ErrorKind::Corruption);
    assert!(error.to_string().starts_with(start), "{error}");
    assert!(!logs.contains(&8), "the newest log was replayed in spite of: {error}");
}

#[test]
fn logs_are_read_oldest_first_from_the_first_that_matters() {
    let dir = TestDir::new();
    let sizes = three_logs(&dir);
    for (from, wanted) in [(3, &[3, 5, 8][..]), (4, &[5, 8]), (6, &[8]), (9, &[])] {
        let (logs, result) = read_all(&dir, from);
        assert_eq!(logs, wanted);
        let last = (from < 9).then_some((8, sizes[2]));
        assert_eq!(result.unwrap().last, last);
    }
}

#[test]
fn pebble_864_rocksdb_6288_a_bad_frame_in_an_older_log_is_not_its_end() {
    let dir = TestDir::new();
    let sizes = three_logs(&dir);
    for log in ["000003.wal", "000005.wal"] {
        let original = dir.bytes(log);
        for position in 0..sizes[0] as usize {
            let mut bytes = original.clone();
            bytes[position] ^= 4;
            dir.set(log, &bytes);
            refused(&dir, 3, log);
        }
        for length in 0..original.len() {
            dir.set(log, &original[..length]);
            refused(&dir, 3, log);
        }
        dir.set(log, &original);
    }
    assert!(read_all(&dir, 3).1.is_ok());
}

#[test]
fn a_missing_older_log_is_damage_that_names_it() {
    for missing in ["000003.wal", "000005.wal"] {
        let dir = TestDir::new();
        three_logs(&dir);
        dir.remove(missing).unwrap();
        refused(&dir, 3, missing);
    }
    let dir = TestDir::new();
    write(&dir, 8, Some((5, 100)), &[]);
    refused(&dir, 5, "000005.wal");
    assert!(read_all(&dir, 6).1.is_ok(), "log 5 no longer matters");
}

#[test]
fn an_older_log_that_grew_counts_only_up_to_the_recorded_size() {
    let dir = TestDir::new();
    let sizes = three_logs(&dir);
    let mut bytes = dir.bytes("000005.wal");
    bytes.extend([0xee; 30]);
    dir.set("000005.wal", &bytes);
    let recovered = read_all(&dir, 3).1.unwrap();
    assert_eq!(recovered.logs[1].1.end, sizes[1]);
}

#[test]
fn a_newest_log_that_was_never_finished_is_skipped_and_the_one_before_it_may_be_torn() {
    let dir = TestDir::new();
    let sizes = three_logs(&dir);
    dir.set("000011.wal", &[]);
    dir.set("000012.wal", &[0; 64]);
    let mut bytes = dir.bytes("000008.wal");
    bytes.pop();
    dir.set("000008.wal", &bytes);
    let (logs, result) = read_all(&dir, 3);
    assert_eq!(logs, [3, 5, 8]);
    let recovered = result.unwrap();
    assert_eq!(recovered.last, Some((8, sizes[2] - 48 - 5)));
    // The next open finds them between the old logs and its own.
    let after = recovered.last;
    write(&dir, 13, after, &[(vec![13; 9], false)]);
    assert_eq!(read_all(&dir, 3).0, [3, 5, 8, 13]);
}

#[test]
fn a_log_outside_the_chain_must_be_empty() {
    let dir = TestDir::new();
    let sizes = three_logs(&dir);
    write(&dir, 9, Some((8, sizes[2])), &[]);
    write(&dir, 10, Some((8, sizes[2])), &[(vec![10; 9], false)]);
    assert_eq!(read_all(&dir, 3).0, [3, 5, 8, 10]);
    write(&dir, 12, Some((8, sizes[2])), &[(vec![12; 9], false)]);
    refused(&dir, 3, "000010.wal");
}

#[test]
fn a_log_that_names_itself_or_a_newer_one_is_damage() {
    for older in [8, 9] {
        let dir = TestDir::new();
        write(&dir, 8, Some((older, 64)), &[]);
        refused(&dir, 3, "000008.wal");
    }
}

#[test]
fn sealing_syncs_the_log_and_its_name() {
    let dir = TestDir::new();
    three_logs(&dir);
    dir.trace();
    seal(&*dir.as_dir(), 8).unwrap();
    assert_eq!(dir.trace(), ["sync 000008.wal", "sync directory"]);
    dir.fail("sync 000008.wal");
    assert_eq!(seal(&*dir.as_dir(), 8).unwrap_err(), ErrorKind::DiskFull);
}
