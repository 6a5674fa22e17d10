use super::*;

fn open(path: &Path) -> Arc<dyn Dir> {
    OsFs.open_dir(path, false).unwrap()
}

fn kind<T>(result: io::Result<T>) -> io::ErrorKind {
    result.err().expect("an error").kind()
}

#[test]
fn reads_back_what_was_written() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path());
    let file = dir.open("a", OpenMode::CreateNew).unwrap();
    file.write_all_at(b"hello", 3).unwrap();
    assert_eq!(file.len().unwrap(), 8);
    let mut buffer = [9; 10];
    assert_eq!(file.read_at(&mut buffer, 0).unwrap(), 8);
    assert_eq!(&buffer, b"\0\0\0hello\x09\x09");
    assert_eq!(file.read_at(&mut buffer, 8).unwrap(), 0);
    file.set_len(4).unwrap();
    file.sync_data().unwrap();
    file.sync_all().unwrap();
    dir.sync().unwrap();
    assert_eq!(dir.open("a", OpenMode::Read).unwrap().len().unwrap(), 4);
}

#[test]
fn only_a_writable_file_is_written() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path());
    dir.open("a", OpenMode::CreateNew).unwrap();
    assert_eq!(kind(dir.open("a", OpenMode::CreateNew)), io::ErrorKind::AlreadyExists);
    assert!(dir.open("a", OpenMode::Read).unwrap().write_all_at(b"x", 0).is_err());
    dir.open("a", OpenMode::ReadWrite).unwrap().write_all_at(b"x", 0).unwrap();
    assert_eq!(kind(dir.open("b", OpenMode::ReadWrite)), io::ErrorKind::NotFound);
    assert_eq!(kind(dir.open("b", OpenMode::Read)), io::ErrorKind::NotFound);
}

#[test]
fn absurd_offsets_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let file = open(temp.path()).open("a", OpenMode::CreateNew).unwrap();
    for offset in [u64::MAX, u64::MAX - 1, 1 << 63] {
        assert_eq!(kind(file.read_at(&mut [0; 4], offset)), io::ErrorKind::InvalidInput);
        assert_eq!(kind(file.write_all_at(b"x", offset)), io::ErrorKind::InvalidInput);
    }
}

#[test]
fn directories_streams_and_paths_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let dir = OsFs.open_dir(&temp.path().join("db"), true).unwrap();
    fs::create_dir(temp.path().join("db/sub")).unwrap();
    dir.open("a", OpenMode::CreateNew).unwrap();
    for name in ["sub", "a:stream", "..", "", "..\\outside", "../outside", "C:\\outside"] {
        assert_eq!(kind(dir.open(name, OpenMode::Read)), io::ErrorKind::InvalidInput, "{name}");
        assert_eq!(kind(dir.lock(name)), io::ErrorKind::InvalidInput, "{name}");
    }
}

#[test]
fn a_lock_has_one_holder_that_others_can_read() {
    let temp = tempfile::tempdir().unwrap();
    let (one, two) = (open(temp.path()), open(temp.path()));
    let held = one.lock("LOCK").unwrap();
    held.write_owner("a rather long owner").unwrap();
    held.write_owner("pid 7").unwrap();
    assert_eq!(kind(two.lock("LOCK")), io::ErrorKind::WouldBlock);
    assert_eq!(kind(one.lock("LOCK")), io::ErrorKind::WouldBlock);
    let mut text = [0; 16];
    let length = two.open("LOCK", OpenMode::Read).unwrap().read_at(&mut text, 0).unwrap();
    assert_eq!(text.get(..length), Some(&b"pid 7"[..]));
    drop(held);
    drop(two.lock("LOCK").unwrap());
}

#[test]
fn an_open_file_can_be_replaced_and_removed() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path());
    let old = dir.open("CURRENT", OpenMode::CreateNew).unwrap();
    old.write_all_at(b"old", 0).unwrap();
    dir.open("CURRENT.tmp", OpenMode::CreateNew).unwrap().write_all_at(b"newer", 0).unwrap();
    dir.rename("CURRENT.tmp", "CURRENT").unwrap();
    assert_eq!((old.len().unwrap(), dir.list().unwrap()), (3, vec!["CURRENT".to_owned()]));
    let new = dir.open("CURRENT", OpenMode::Read).unwrap();
    dir.remove("CURRENT").unwrap();
    assert_eq!((new.len().unwrap(), dir.list().unwrap().len()), (5, 0));
}

#[test]
fn one_directory_has_one_identity() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("Db");
    let dir = OsFs.open_dir(&path, true).unwrap();
    assert_eq!(open(&path.join("..\\dB\\.")).identity(), dir.identity());
    assert_ne!(open(temp.path()).identity(), dir.identity());
}

#[test]
fn only_an_empty_directory_is_removed() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("db");
    let dir = OsFs.open_dir(&path, true).unwrap();
    dir.open("file", OpenMode::CreateNew).unwrap();
    assert_eq!(kind(OsFs.remove_dir(&path)), io::ErrorKind::DirectoryNotEmpty);
    dir.remove("file").unwrap();
    OsFs.remove_dir(&path).unwrap();
    assert_eq!(kind(OsFs.open_dir(&path, false)), io::ErrorKind::NotFound);
}
