use super::super::WalWriter;
use super::super::test_dir::TestDir;
use crate::error::ErrorKind;

#[test]
fn what_is_durable_is_not_synced_again() {
    let dir = TestDir::new();
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    let (first, second) = (wal.append(1, 1, &[b"a"]).unwrap(), wal.append(2, 1, &[b"b"]).unwrap());
    dir.trace();
    let log = wal.log_sync();
    assert_eq!([second, first, second].map(|offset| log.up_to(offset).unwrap()), [true, false, false]);
    assert_eq!((log.synced(), dir.trace().len()), (second, 1));
}

#[test]
fn a_failed_sync_is_the_last_and_everyone_is_told() {
    let dir = TestDir::new();
    let mut wal = WalWriter::create(&dir.as_dir(), 7, None).unwrap();
    let durable = wal.append(1, 1, &[b"a"]).unwrap();
    let log = wal.log_sync().clone();
    log.up_to(durable).unwrap();
    let lost = wal.append(2, 1, &[b"b"]).unwrap();
    dir.fail("sync 000007.wal");
    assert_eq!(log.up_to(lost).unwrap_err(), ErrorKind::DiskFull);
    dir.heal();
    dir.trace();
    let later = wal.append(3, 1, &[b"c"]).unwrap();
    for offset in [lost, later] {
        let error = log.up_to(offset).unwrap_err();
        assert_eq!(error, ErrorKind::DiskFull);
        assert!(error.to_string().contains("000007.wal is not synced again"), "{error}");
    }
    assert!(!log.up_to(durable).unwrap());
    assert_eq!((log.synced(), dir.trace()), (durable, vec!["write 000007.wal".to_owned()]));
}
