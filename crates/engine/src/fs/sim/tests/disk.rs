//! What the simulated disk does while the power is on.

use proptest::prelude::*;

use super::*;
use crate::fs::os::OsFs;

#[derive(Debug, Clone)]
enum Call {
    Create(u8),
    Write(u8, u16, u16),
    SetLen(u8, u16),
    Read(u8, u16, u16),
    Len(u8),
    Rename(u8, u8),
    Remove(u8),
    Sync(u8),
    SyncDir,
    List,
}

fn call() -> impl Strategy<Value = Call> {
    let name = || 0..3u8;
    prop_oneof![
        name().prop_map(Call::Create),
        (name(), 0..3000u16, 0..2000u16).prop_map(|(name, at, length)| Call::Write(name, at, length)),
        (name(), 0..4000u16).prop_map(|(name, length)| Call::SetLen(name, length)),
        (name(), 0..4000u16, 0..2000u16).prop_map(|(name, at, length)| Call::Read(name, at, length)),
        name().prop_map(Call::Len),
        (name(), name()).prop_map(|(from, to)| Call::Rename(from, to)),
        name().prop_map(Call::Remove),
        name().prop_map(Call::Sync),
        Just(Call::SyncDir),
        Just(Call::List),
    ]
}

/// Makes the call, and tells everything it answered.
fn make(dir: &Arc<dyn Dir>, call: &Call) -> Result<String, io::ErrorKind> {
    let name = |n: u8| format!("{n}");
    let open = |n: u8| dir.open(&name(n), OpenMode::ReadWrite);
    let answer = match *call {
        Call::Create(n) => dir.open(&name(n), OpenMode::CreateNew).map(|_| String::new()),
        Call::Write(n, at, length) => {
            let bytes: Vec<u8> = (0..length).map(|i| (i / 7) as u8).collect();
            open(n).and_then(|file| file.write_all_at(&bytes, at.into())).map(|()| String::new())
        }
        Call::SetLen(n, length) => {
            open(n).and_then(|file| file.set_len(length.into())).map(|()| String::new())
        }
        Call::Read(n, at, length) => {
            let mut buffer = vec![0xee; length.into()];
            open(n)
                .and_then(|file| file.read_at(&mut buffer, at.into()))
                .map(|read| format!("{read} {buffer:?}"))
        }
        Call::Len(n) => open(n).and_then(|file| file.len()).map(|length| length.to_string()),
        Call::Rename(from, to) => dir.rename(&name(from), &name(to)).map(|()| String::new()),
        Call::Remove(n) => dir.remove(&name(n)).map(|()| String::new()),
        Call::Sync(n) => open(n).and_then(|file| file.sync_all()).map(|()| String::new()),
        Call::SyncDir => dir.sync().map(|()| String::new()),
        Call::List => dir.list().map(|mut names| {
            names.sort();
            names.join(" ")
        }),
    };
    answer.map_err(|error| error.kind())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn answers_as_the_real_one(calls in proptest::collection::vec(call(), 0..60)) {
        let temp = tempfile::tempdir().unwrap();
        let real = OsFs.open_dir(temp.path(), false).unwrap();
        let fs = SimFs::new();
        let simulated = database(&fs);
        for call in &calls {
            prop_assert_eq!(make(&simulated, call), make(&real, call), "{:?}", call);
        }
        let used: u64 = std::fs::read_dir(temp.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        prop_assert_eq!(fs.used(), used);
        let killed = fs.kill_image();
        let killed = killed.open_dir(Path::new("/data/db"), false).unwrap();
        let every = (0..3).map(|n| Call::Read(n, 0, 5000)).chain([Call::List]);
        for call in every {
            prop_assert_eq!(make(&killed, &call), make(&real, &call), "{:?}", call);
        }
    }
}

#[test]
fn a_removed_file_lives_on_in_its_handles() {
    let fs = SimFs::new();
    let dir = database(&fs);
    let file = create(&dir, "a", b"old");
    dir.remove("a").unwrap();
    create(&dir, "a", b"new");
    file.write_all_at(b"OLD", 0).unwrap();
    assert_eq!(bytes(&*file), b"OLD");
    assert_eq!(content(&fs, "a").unwrap(), b"new");
    assert_eq!(fs.used(), 3);
}

#[test]
fn refuses_what_the_real_one_refuses() {
    let fs = SimFs::new();
    let dir = database(&fs);
    create(&dir, "a", b"data");
    fn kind<T>(result: io::Result<T>) -> io::ErrorKind {
        result.err().expect("an error").kind()
    }
    assert!(dir.open("a", OpenMode::Read).unwrap().write_all_at(b"x", 0).is_err());
    assert!(dir.open("a", OpenMode::Read).unwrap().set_len(0).is_err());
    for name in ["", "..", "../a", "/data/db/a"] {
        assert_eq!(kind(dir.open(name, OpenMode::Read)), io::ErrorKind::InvalidInput);
        assert_eq!(kind(dir.remove(name)), io::ErrorKind::InvalidInput);
        assert_eq!(kind(dir.rename("a", name)), io::ErrorKind::InvalidInput);
        assert_eq!(kind(dir.lock(name)), io::ErrorKind::InvalidInput);
    }
    let data = fs.open_dir(Path::new("/data"), false).unwrap();
    assert_eq!(kind(data.open("db", OpenMode::Read)), io::ErrorKind::InvalidInput);
    assert_eq!(kind(data.remove("db")), io::ErrorKind::IsADirectory);
    assert_eq!(kind(fs.open_dir(Path::new("/data/none"), false)), io::ErrorKind::NotFound);
    assert_eq!(kind(fs.open_dir(Path::new("/data/db/a"), true)), io::ErrorKind::NotADirectory);
    assert_eq!(kind(fs.open_dir(Path::new("/data/../db"), true)), io::ErrorKind::InvalidInput);
}

#[test]
fn a_lock_has_one_holder() {
    let fs = SimFs::new();
    let (one, two) = (database(&fs), database(&fs));
    assert_eq!(one.identity(), two.identity());
    assert_ne!(one.identity(), database(&SimFs::new()).identity());
    let held = one.lock("LOCK").unwrap();
    held.write_owner("a longer owner").unwrap();
    held.write_owner("pid 7").unwrap();
    assert_eq!(two.lock("LOCK").err().unwrap().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(content(&fs, "LOCK").unwrap(), b"pid 7");
    drop(held);
    two.lock("LOCK").unwrap();
}

#[test]
fn only_an_empty_directory_is_removed() {
    let fs = SimFs::new();
    let dir = database(&fs);
    create(&dir, "a", b"");
    let path = Path::new("/data/db");
    assert_eq!(fs.remove_dir(path).unwrap_err().kind(), io::ErrorKind::DirectoryNotEmpty);
    dir.remove("a").unwrap();
    fs.remove_dir(path).unwrap();
    assert_eq!(fs.remove_dir(path).unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(dir.open("a", OpenMode::CreateNew).err().unwrap().kind(), io::ErrorKind::NotFound);
    for (_, image) in images(&fs) {
        assert_eq!(image.open_dir(path, false).err().unwrap().kind(), io::ErrorKind::NotFound);
    }
}

#[test]
fn a_full_disk_takes_what_fits_and_works_again_when_there_is_room() {
    let fs = SimFs::new();
    let dir = database(&fs);
    let old = create(&dir, "old", &[1; 600]);
    fs.set_capacity(1000);
    assert_eq!(dir.free_space().unwrap(), 400);
    let file = dir.open("a", OpenMode::CreateNew).unwrap();
    let full = |result: io::Result<()>| assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
    full(file.write_all_at(&[2; 500], 0));
    assert_eq!((file.len().unwrap(), dir.free_space().unwrap()), (400, 0));
    old.write_all_at(&[3; 600], 0).unwrap();
    full(file.set_len(401));
    full(file.write_all_at(b"x", 1 << 60));
    dir.remove("old").unwrap();
    file.write_all_at(&[2; 500], 0).unwrap();
    assert_eq!((fs.used(), dir.free_space().unwrap()), (500, 500));
    create(&dir, "b", &[4; 300]);
    dir.rename("b", "a").unwrap();
    assert_eq!(fs.used(), 300);
    assert_eq!(fs.crash_image(0, Style::EverythingKept).used(), 300);
}

#[test]
fn the_power_fails_at_the_operation_chosen() {
    let work = |fs: &SimFs| -> io::Result<()> {
        let dir = fs.open_dir(Path::new("/data/db"), true)?;
        let lock = dir.lock("LOCK")?;
        lock.write_owner("me")?;
        let file = dir.open("a", OpenMode::CreateNew)?;
        file.write_all_at(b"data", 0)?;
        file.set_len(3)?;
        file.sync_data()?;
        file.sync_all()?;
        dir.rename("a", "b")?;
        dir.sync()?;
        dir.remove("b")
    };
    let whole = SimFs::new();
    work(&whole).unwrap();
    assert_eq!((whole.operations(), whole.last_operation().as_str()), (15, "remove b"));
    for n in 0..15 {
        let fs = SimFs::new();
        fs.crash_at(n);
        assert!(work(&fs).is_err(), "operation {n}");
        assert!(fs.crashed());
        assert_eq!(fs.operations(), n);
        assert!(work(&fs).is_err());
        assert_eq!(fs.operations(), n);
    }
    let fs = SimFs::new();
    fs.crash_at(15);
    work(&fs).unwrap();
    assert!(!fs.crashed());
}

#[test]
fn a_cold_disk_has_nothing_in_memory() {
    let fs = SimFs::new();
    let file = create(&database(&fs), "a", b"data");
    assert_eq!(file.read_at_nowait(&mut [0; 2], 1).unwrap(), Some(2));
    fs.set_cold(true);
    assert_eq!(file.read_at_nowait(&mut [0; 2], 1).unwrap(), None);
    assert_eq!(file.read_at(&mut [0; 2], 3).unwrap(), 1);
    assert_eq!(file.read_at(&mut [0; 2], u64::MAX).unwrap(), 0);
}

#[test]
fn many_threads_write_while_images_are_taken() {
    let fs = SimFs::new();
    let dir = database(&fs);
    std::thread::scope(|scope| {
        for n in 0..3u8 {
            let dir = &dir;
            scope.spawn(move || {
                let file = create(dir, &format!("{n}"), b"");
                dir.sync().unwrap();
                for i in 0..100 {
                    file.write_all_at(&[n; 100], i * 100).unwrap();
                    file.sync_data().unwrap();
                }
                dir.rename(&format!("{n}"), &format!("{n} done")).unwrap();
            });
        }
        for (_, image) in images(&fs).take(100) {
            let dir = database(&image);
            for name in dir.list().unwrap() {
                let found = bytes(&*dir.open(&name, OpenMode::Read).unwrap());
                assert!(found.iter().all(|byte| name.starts_with(&byte.to_string())));
            }
        }
    });
    assert_eq!(fs.used(), 30_000);
}
