use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

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
fn a_cached_file_is_read_without_waiting() {
    let temp = tempfile::tempdir().unwrap();
    let file = open(temp.path()).open("a", OpenMode::CreateNew).unwrap();
    file.write_all_at(&[7; 5000], 0).unwrap();
    let mut buffer = [0; 100];
    let read = file.read_at_nowait(&mut buffer, 4950).unwrap();
    if cfg!(target_os = "linux") {
        assert_eq!(read, Some(50));
        assert_eq!(buffer[..50], [7; 50]);
    }
}

#[test]
fn absurd_offsets_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let file = open(temp.path()).open("a", OpenMode::CreateNew).unwrap();
    file.write_all_at(b"content", 0).unwrap();
    for offset in [u64::MAX, u64::MAX - 1, 1 << 63] {
        assert_eq!(kind(file.read_at(&mut [0; 4], offset)), io::ErrorKind::InvalidInput);
        assert_eq!(kind(file.write_all_at(b"x", offset)), io::ErrorKind::InvalidInput);
        #[cfg(target_os = "linux")]
        assert_eq!(kind(file.read_at_nowait(&mut [0; 4], offset)), io::ErrorKind::InvalidInput);
    }
}

#[test]
fn symbolic_links_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("target"), "untouched").unwrap();
    symlink("target", temp.path().join("link")).unwrap();
    symlink("nowhere", temp.path().join("dangling")).unwrap();
    let dir = open(temp.path());
    for mode in [OpenMode::Read, OpenMode::ReadWrite, OpenMode::CreateNew] {
        assert!(dir.open("link", mode).is_err(), "{mode:?}");
        assert!(dir.open("dangling", mode).is_err(), "{mode:?}");
    }
    assert!(dir.lock("link").is_err());
    assert!(dir.lock("dangling").is_err());
    assert!(!temp.path().join("nowhere").exists());
    assert_eq!(std::fs::read(temp.path().join("target")).unwrap(), b"untouched");
}

#[test]
fn pipes_and_directories_are_refused_without_hanging() {
    let temp = tempfile::tempdir().unwrap();
    sys::mknodat(sys::CWD, temp.path().join("pipe"), FileType::Fifo, FILE_MODE, 0).unwrap();
    std::fs::create_dir(temp.path().join("dir")).unwrap();
    let dir = open(temp.path());
    assert_eq!(kind(dir.open("pipe", OpenMode::Read)), io::ErrorKind::InvalidInput);
    assert_eq!(kind(dir.open("dir", OpenMode::Read)), io::ErrorKind::InvalidInput);
    assert!(dir.lock("pipe").is_err());
}

#[test]
fn nothing_outside_the_directory_is_named() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("outside"), "x").unwrap();
    let dir = OsFs.open_dir(&temp.path().join("db"), true).unwrap();
    dir.open("a", OpenMode::CreateNew).unwrap();
    let absolute = temp.path().join("outside");
    for name in ["../outside", absolute.to_str().unwrap(), "..", ""] {
        assert_eq!(kind(dir.open(name, OpenMode::Read)), io::ErrorKind::InvalidInput);
        assert_eq!(kind(dir.remove(name)), io::ErrorKind::InvalidInput);
        assert_eq!(kind(dir.rename("a", name)), io::ErrorKind::InvalidInput);
        assert_eq!(kind(dir.rename(name, "b")), io::ErrorKind::InvalidInput);
        assert_eq!(kind(dir.lock(name)), io::ErrorKind::InvalidInput);
    }
}

#[test]
fn a_lock_has_one_holder() {
    let temp = tempfile::tempdir().unwrap();
    let (one, two) = (open(temp.path()), open(temp.path()));
    let held = one.lock("LOCK").unwrap();
    held.write_owner("a rather long owner").unwrap();
    held.write_owner("pid 7").unwrap();
    assert_eq!(kind(two.lock("LOCK")), io::ErrorKind::WouldBlock);
    assert_eq!(kind(one.lock("LOCK")), io::ErrorKind::WouldBlock);
    assert_eq!(std::fs::read(temp.path().join("LOCK")).unwrap(), b"pid 7");
    drop(held);
    drop(two.lock("LOCK").unwrap());
}

#[test]
fn a_lock_on_a_removed_file_is_no_lock() {
    let temp = tempfile::tempdir().unwrap();
    let (taken, holders) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let dir = open(temp.path());
                while taken.load(SeqCst) < 300 {
                    let Ok(lock) = dir.lock("LOCK") else { continue };
                    assert_eq!(holders.fetch_add(1, SeqCst), 0, "two hold the lock");
                    std::thread::yield_now();
                    taken.fetch_add(1, SeqCst);
                    holders.fetch_sub(1, SeqCst);
                    dir.remove("LOCK").unwrap();
                    drop(lock);
                }
            });
        }
    });
}

#[test]
fn lists_the_same_twice_and_what_came_since() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path());
    for n in 0..300 {
        dir.open(&format!("{n:03}"), OpenMode::CreateNew).unwrap();
    }
    let sorted = || {
        let mut names = dir.list().unwrap();
        names.sort();
        names
    };
    let first = sorted();
    assert_eq!(first.len(), 300);
    assert_eq!(sorted(), first);
    dir.remove("000").unwrap();
    dir.rename("001", "zzz").unwrap();
    let last = sorted();
    assert_eq!((last.len(), last[0].as_str(), last[298].as_str()), (299, "002", "zzz"));
}

#[test]
fn directories_and_files_are_private() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("a/./b//c/.");
    assert_eq!(kind(OsFs.open_dir(&path, false)), io::ErrorKind::NotFound);
    let dir = OsFs.open_dir(&path, true).unwrap();
    OsFs.open_dir(&path, true).unwrap();
    dir.open("file", OpenMode::CreateNew).unwrap();
    let _lock = dir.lock("LOCK").unwrap();
    let mode = |name: &str| temp.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("a"), mode("a/b"), mode("a/b/c")), (0o700, 0o700, 0o700));
    assert_eq!((mode("a/b/c/file"), mode("a/b/c/LOCK")), (0o600, 0o600));
    let metadata = temp.path().join("a/b/c").metadata().unwrap();
    assert_eq!(dir.identity(), (metadata.dev(), metadata.ino()));
    assert!(dir.free_space().unwrap() > 0);
}

#[test]
fn a_path_that_cannot_be_made_is_an_error() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("file"), "").unwrap();
    symlink("nowhere", temp.path().join("dangling")).unwrap();
    assert!(OsFs.open_dir(&temp.path().join("file"), true).is_err());
    assert!(OsFs.open_dir(&temp.path().join("file/db"), true).is_err());
    assert!(OsFs.open_dir(&temp.path().join("dangling/db"), true).is_err());
    assert!(OsFs.open_dir(Path::new(""), true).is_err());
    OsFs.open_dir(Path::new("./"), true).unwrap();
    OsFs.open_dir(Path::new("/"), true).unwrap();
}

#[test]
fn only_an_empty_directory_is_removed() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("db");
    let dir = OsFs.open_dir(&path, true).unwrap();
    dir.open("file", OpenMode::CreateNew).unwrap();
    assert_eq!(kind(OsFs.remove_dir(&path)), io::ErrorKind::DirectoryNotEmpty);
    dir.remove("file").unwrap();
    OsFs.remove_dir(&path.join(".")).unwrap();
    assert!(!path.exists());
    assert_eq!(kind(OsFs.remove_dir(&path)), io::ErrorKind::NotFound);
}

#[test]
fn a_large_file_that_is_removed_is_freed_but_not_under_another_name() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path());
    let bytes = vec![7; 3 * FREED_BYTES as usize + 1];
    for name in ["alone", "linked"] {
        dir.open(name, OpenMode::CreateNew).unwrap().write_all_at(&bytes, 0).unwrap();
    }
    std::fs::hard_link(temp.path().join("linked"), temp.path().join("other")).unwrap();
    let alone = dir.open("alone", OpenMode::Read).unwrap();
    dir.remove("alone").unwrap();
    dir.remove("linked").unwrap();
    assert_eq!(dir.list().unwrap(), ["other"]);
    assert_eq!(alone.len().unwrap(), 1, "what the last close frees");
    assert!(std::fs::read(temp.path().join("other")).unwrap() == bytes);
}
