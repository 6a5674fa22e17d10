//! What power loss leaves.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::fs::replace;

#[test]
fn synced_bytes_under_a_synced_name_are_in_every_image() {
    let fs = SimFs::new();
    let dir = database(&fs);
    let file = create(&dir, "a", &[1; 3000]);
    file.sync_data().unwrap();
    dir.sync().unwrap();
    file.write_all_at(&[2; 5000], 3000).unwrap();
    for (style, image) in images(&fs) {
        let found = content(&image, "a").expect("the file");
        assert_eq!(found[..3000], [1; 3000], "{style:?}");
    }
}

#[test]
fn syncing_a_file_does_not_keep_its_name() {
    let fs = SimFs::new();
    let dir = database(&fs);
    create(&dir, "a", b"data").sync_all().unwrap();
    assert_eq!(contents(&fs, Style::OnlySynced, "a"), BTreeSet::from([None]));
    assert_eq!(contents(&fs, Style::OnlyContent, "a"), BTreeSet::from([None]));
    assert_eq!(contents(&fs, Style::EverythingKept, "a"), BTreeSet::from([Some(b"data".to_vec())]));
    assert_eq!(contents(&fs, Style::OnlyNames, "a"), BTreeSet::from([Some(b"data".to_vec())]));
    let both = BTreeSet::from([None, Some(b"data".to_vec())]);
    assert_eq!(contents(&fs, Style::DirectoryPrefix, "a"), both);
    assert_eq!(contents(&fs, Style::DirectorySubset, "a"), both);
    assert_eq!(contents(&fs, Style::Anything, "a"), both);
}

#[test]
fn a_rename_before_the_directory_sync_may_be_undone() {
    let fs = SimFs::new();
    let dir = database(&fs);
    create(&dir, "new", b"new").sync_all().unwrap();
    create(&dir, "name", b"old").sync_all().unwrap();
    dir.sync().unwrap();
    dir.rename("new", "name").unwrap();
    let mut seen = BTreeSet::new();
    for (_, image) in images(&fs) {
        seen.insert((content(&image, "name").unwrap(), content(&image, "new").is_some()));
    }
    // Whole or not at all: never without the name, never under both.
    assert_eq!(seen, BTreeSet::from([(b"old".to_vec(), true), (b"new".to_vec(), false)]));
    dir.sync().unwrap();
    for (_, image) in images(&fs) {
        assert_eq!((content(&image, "name").unwrap(), content(&image, "new")), (b"new".to_vec(), None));
    }
}

#[test]
fn a_rename_before_the_files_sync_may_leave_an_empty_file() {
    let fs = SimFs::new();
    let dir = database(&fs);
    create(&dir, "temp", b"content");
    dir.rename("temp", "name").unwrap();
    assert_eq!(contents(&fs, Style::OnlyNames, "name"), BTreeSet::from([Some(Vec::new())]));
}

#[test]
fn a_removal_may_be_undone_or_come_before_an_earlier_creation() {
    let fs = SimFs::new();
    let dir = database(&fs);
    create(&dir, "old", b"old").sync_all().unwrap();
    dir.sync().unwrap();
    create(&dir, "new", b"new").sync_all().unwrap();
    dir.remove("old").unwrap();
    let both = |style| {
        let images = images(&fs).filter(|(found, _)| *found == style);
        let there =
            images.map(|(_, image)| (content(&image, "old").is_some(), content(&image, "new").is_some()));
        there.collect::<BTreeSet<_>>()
    };
    assert_eq!(both(Style::OnlySynced), BTreeSet::from([(true, false)]));
    assert_eq!(both(Style::DirectoryPrefix), BTreeSet::from([(true, false), (true, true), (false, true)]));
    let all = BTreeSet::from([(true, false), (true, true), (false, true), (false, false)]);
    assert_eq!(both(Style::DirectorySubset), all);
    dir.sync().unwrap();
    assert_eq!(both(Style::Anything), BTreeSet::from([(false, true)]));
}

/// Of which of the two writes each sector of an image is.
fn sectors(found: &[u8]) -> Vec<u8> {
    found
        .chunks(512)
        .map(|sector| {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "a torn sector");
            sector[0]
        })
        .collect()
}

#[test]
fn unsynced_sectors_survive_in_any_subset_but_whole() {
    let fs = SimFs::new();
    let dir = database(&fs);
    let file = create(&dir, "a", &[1; 4 * 512]);
    file.sync_all().unwrap();
    dir.sync().unwrap();
    file.write_all_at(&[2; 4 * 512], 0).unwrap();
    let mut seen = BTreeSet::new();
    for seed in 0..400 {
        seen.insert(sectors(&content(&fs.crash_image(seed, Style::RandomSectors), "a").unwrap()));
    }
    assert_eq!(seen.len(), 16, "{seen:?}");
    assert!(seen.iter().flatten().all(|byte| matches!(byte, 1 | 2)));
}

#[test]
fn a_sector_keeps_no_later_write_without_the_earlier() {
    let fs = SimFs::new();
    let dir = database(&fs);
    let file = create(&dir, "a", &[0; 512]);
    file.sync_all().unwrap();
    dir.sync().unwrap();
    file.write_all_at(&[1; 100], 0).unwrap();
    file.write_all_at(&[2; 100], 100).unwrap();
    let seen: BTreeSet<_> = contents(&fs, Style::RandomSectors, "a")
        .into_iter()
        .map(|found| {
            let found = found.unwrap();
            (found[0], found[100])
        })
        .collect();
    assert_eq!(seen, BTreeSet::from([(0, 0), (1, 0), (1, 2)]));
}

#[test]
fn the_length_may_be_kept_without_the_bytes_and_the_other_way_round() {
    let fs = SimFs::new();
    let dir = database(&fs);
    let file = create(&dir, "a", &[1; 512]);
    file.sync_all().unwrap();
    dir.sync().unwrap();
    file.write_all_at(&[2; 512], 512).unwrap();
    let seen = contents(&fs, Style::RandomSectors, "a");
    let long = |byte| Some([[1; 512], [byte; 512]].concat());
    assert_eq!(seen, BTreeSet::from([Some(vec![1; 512]), long(0), long(2)]));
}

#[test]
fn the_last_write_is_torn_and_the_one_before_is_not() {
    let fs = SimFs::new();
    let dir = database(&fs);
    let file = create(&dir, "a", &[1; 700]);
    file.write_all_at(&[2; 900], 700).unwrap();
    let seen = contents(&fs, Style::TornLast, "a");
    assert!(seen.len() > 10);
    let mut zeros = false;
    for found in seen.into_iter().flatten() {
        assert_eq!(found[..700], [1; 700]);
        let kept = found[700..].iter().take_while(|byte| **byte == 2).count();
        assert!(kept < 900 && found[700 + kept..].iter().all(|byte| *byte == 0));
        zeros |= found.len() == 1600;
    }
    assert!(zeros);
}

#[test]
fn lost_new_sectors_may_hold_what_a_removed_file_held_there() {
    let fs = SimFs::new();
    let dir = database(&fs);
    create(&dir, "old", &[9; 2048]).sync_all().unwrap();
    dir.remove("old").unwrap();
    create(&dir, "a", &[1; 2048]);
    let seen: BTreeSet<u8> = contents(&fs, Style::StaleSectors, "a")
        .into_iter()
        .flatten()
        .flat_map(|found| sectors(&found))
        .collect();
    assert_eq!(seen, BTreeSet::from([1, 9]));
    let zeros: BTreeSet<u8> = contents(&fs, Style::RandomSectors, "a")
        .into_iter()
        .flatten()
        .flat_map(|found| sectors(&found))
        .collect();
    assert_eq!(zeros, BTreeSet::from([0, 1]));
}

#[test]
fn lost_old_sectors_hold_what_was_durable() {
    let fs = SimFs::new();
    let dir = database(&fs);
    create(&dir, "old", &[9; 2048]);
    dir.remove("old").unwrap();
    let file = create(&dir, "a", &[5; 1024]);
    file.sync_all().unwrap();
    dir.sync().unwrap();
    file.write_all_at(&[1; 1024], 0).unwrap();
    for found in contents(&fs, Style::StaleSectors, "a").into_iter().flatten() {
        assert!(sectors(&found).iter().all(|byte| matches!(byte, 1 | 5)));
    }
}

#[test]
fn a_file_never_loses_its_name_to_what_befell_another() {
    let fs = SimFs::new();
    let dir = database(&fs);
    create(&dir, "a", b"first").sync_all().unwrap();
    dir.sync().unwrap();
    dir.rename("a", "b").unwrap();
    create(&dir, "a", b"second").sync_all().unwrap();
    dir.rename("a", "c").unwrap();
    create(&dir, "a", b"third").sync_all().unwrap();
    dir.remove("a").unwrap();
    for (style, image) in images(&fs) {
        let first = ["a", "b"].iter().filter(|name| content(&image, name).as_deref() == Some(b"first"));
        assert_eq!(first.count(), 1, "{style:?}");
    }
}

#[test]
fn a_failed_sync_keeps_bytes_readable_and_loses_them_for_good() {
    let fs = SimFs::new();
    let dir = database(&fs);
    let file = create(&dir, "a", &[1; 512]);
    file.sync_all().unwrap();
    dir.sync().unwrap();
    file.write_all_at(&[2; 512], 512).unwrap();
    file.forget_unsynced();
    file.sync_all().unwrap();
    assert_eq!(bytes(&*file)[512..], [2; 512]);
    file.write_all_at(&[3; 512], 1024).unwrap();
    file.sync_all().unwrap();
    for (style, image) in images(&fs) {
        assert_eq!(sectors(&content(&image, "a").unwrap()), [1, 0, 3], "{style:?}");
    }
}

#[test]
fn a_shortened_file_may_come_back_long() {
    let fs = SimFs::new();
    let dir = database(&fs);
    let file = create(&dir, "a", &[1; 1000]);
    file.sync_all().unwrap();
    dir.sync().unwrap();
    file.set_len(100).unwrap();
    file.set_len(300).unwrap();
    let cut = [vec![1; 100], vec![0; 200]].concat();
    let seen = contents(&fs, Style::RandomSectors, "a");
    assert_eq!(seen, BTreeSet::from([Some(vec![1; 1000]), Some(vec![1; 100]), Some(cut.clone())]));
    file.sync_data().unwrap();
    assert_eq!(contents(&fs, Style::OnlySynced, "a"), BTreeSet::from([Some(cut)]));
}

#[test]
fn a_directory_is_durable_once_opened() {
    let fs = SimFs::new();
    let dir = database(&fs);
    assert_eq!(fs.operations(), 4);
    for (_, image) in images(&fs) {
        image.open_dir(Path::new("/data/db"), false).unwrap();
    }
    drop(dir);
    let half = SimFs::new();
    half.crash_at(3);
    assert!(half.open_dir(Path::new("/data/db"), true).is_err());
    let there = |style| half.crash_image(0, style).open_dir(Path::new("/data/db"), false).is_ok();
    assert!(!there(Style::OnlySynced) && there(Style::EverythingKept));
}

#[test]
fn an_image_is_all_durable_unlocked_and_counts_from_zero() {
    let fs = SimFs::new();
    let dir = database(&fs);
    let _lock = dir.lock("LOCK").unwrap();
    create(&dir, "a", b"data");
    fs.crash_at(fs.operations());
    for (style, image) in images(&fs) {
        assert_eq!(image.operations(), 0);
        let found = content(&image, "a");
        assert_eq!(content(&image.crash_image(0, Style::OnlySynced), "a"), found, "{style:?}");
        let dir = image.open_dir(Path::new("/data/db"), false).unwrap();
        assert_ne!(dir.identity(), database(&fs.kill_image()).identity());
        dir.lock("LOCK").unwrap();
    }
    assert_eq!(database_lock(&fs), io::ErrorKind::Other);
}

/// How locking fails once the power is off.
fn database_lock(fs: &SimFs) -> io::ErrorKind {
    let dir = fs.open_dir(Path::new("/data/db"), false).unwrap();
    dir.lock("LOCK").err().unwrap().kind()
}

#[test]
fn the_same_seed_gives_the_same_image() {
    let fs = SimFs::new();
    let dir = database(&fs);
    for n in 0..8 {
        create(&dir, &format!("{n}"), &[n; 3000]);
    }
    let all = |image: &SimFs| (0..8).map(|n| content(image, &format!("{n}"))).collect::<Vec<_>>();
    let mut different = BTreeSet::new();
    for (seed, style) in (0..SEEDS).flat_map(|seed| Style::ALL.map(|style| (seed, style))) {
        let image = all(&fs.crash_image(seed, style));
        assert_eq!(image, all(&fs.crash_image(seed, style)));
        different.insert(image);
    }
    assert!(different.len() > 100);
}

#[test]
fn a_killed_process_loses_nothing_but_makes_nothing_durable() {
    let fs = SimFs::new();
    let dir = database(&fs);
    let _lock = dir.lock("LOCK").unwrap();
    create(&dir, "a", b"data").sync_all().unwrap();
    create(&dir, "b", b"more");
    let killed = fs.kill_image();
    assert_eq!(content(&killed, "a").unwrap(), b"data");
    assert_eq!(content(&killed, "b").unwrap(), b"more");
    let after = killed.open_dir(Path::new("/data/db"), false).unwrap();
    after.lock("LOCK").unwrap();
    after.open("b", OpenMode::ReadWrite).unwrap().write_all_at(b"MORE", 0).unwrap();
    assert_eq!(content(&fs, "b").unwrap(), b"more");
    assert_eq!(content(&killed.crash_image(0, Style::OnlySynced), "a"), None);
    assert_eq!(content(&killed.crash_image(0, Style::OnlyNames), "b").unwrap(), b"");
    after.sync().unwrap();
    assert_eq!(content(&killed.crash_image(0, Style::OnlySynced), "a").unwrap(), b"data");
}

/// Replaces a file twice on a disk whose power fails at each operation in turn, and collects every content the
/// file is found with.
fn found_after_replacing(
    replace: impl Fn(&dyn Dir, &str, &str, &[u8]) -> crate::Result<()>,
) -> BTreeSet<(bool, Option<Vec<u8>>)> {
    let (old, new) = (vec![1; 700], vec![2; 1400]);
    let mut seen = BTreeSet::new();
    for n in 4.. {
        let fs = SimFs::new();
        let dir = database(&fs);
        fs.crash_at(n);
        let first = replace(&*dir, "temp", "name", &old).is_ok();
        let second = first && replace(&*dir, "temp", "name", &new).is_ok();
        for (_, image) in images(&fs) {
            let found = content(&image, "name");
            if second {
                assert_eq!(found.as_ref(), Some(&new));
            }
            seen.insert((first, found));
        }
        if !fs.crashed() {
            break;
        }
    }
    seen
}

#[test]
fn an_atomic_replacement_is_the_old_or_the_new_at_every_crash() {
    let (old, new) = (Some(vec![1; 700]), Some(vec![2; 1400]));
    let expected = BTreeSet::from([(false, None), (false, old.clone()), (true, old), (true, new)]);
    assert_eq!(found_after_replacing(replace), expected);
}

#[test]
fn a_replacement_that_forgets_a_sync_is_found_out() {
    let without_file_sync = |dir: &dyn Dir, temp: &str, name: &str, bytes: &[u8]| {
        let run = || {
            dir.open(temp, OpenMode::CreateNew)?.write_all_at(bytes, 0)?;
            dir.rename(temp, name)?;
            dir.sync()
        };
        run().map_err(|error| crate::Error::io("replace", name, error))
    };
    let result = std::panic::catch_unwind(|| found_after_replacing(without_file_sync));
    assert!(result.is_err());
    let without_dir_sync = |dir: &dyn Dir, temp: &str, name: &str, bytes: &[u8]| {
        let run = || {
            let file = dir.open(temp, OpenMode::CreateNew)?;
            file.write_all_at(bytes, 0)?;
            file.sync_all()?;
            dir.rename(temp, name)
        };
        run().map_err(|error| crate::Error::io("replace", name, error))
    };
    let result = std::panic::catch_unwind(|| found_after_replacing(without_dir_sync));
    assert!(result.is_err());
}

#[derive(Debug, Clone)]
enum Step {
    Append(u16),
    Overwrite(u16, u16),
    Cut(u16),
    Sync,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is written, each byte of an image is zero or was at that place at or since the last sync, and the
    /// image is as long as the file was at or since then, or ends within the last write.
    #[test]
    fn an_image_holds_only_what_was_written(
        steps in proptest::collection::vec(prop_oneof![
            3 => (1..2000u16).prop_map(Step::Append),
            2 => (0..4000u16, 1..1500u16).prop_map(|(at, length)| Step::Overwrite(at, length)),
            1 => (0..3000u16).prop_map(Step::Cut),
            1 => Just(Step::Sync),
        ], 1..12),
        seed: u64,
    ) {
        let fs = SimFs::new();
        let dir = database(&fs);
        let file = create(&dir, "a", b"");
        dir.sync().unwrap();
        let mut model: Vec<u8> = Vec::new();
        let mut since: Vec<Vec<u8>> = vec![Vec::new()];
        for (i, step) in steps.iter().enumerate() {
            let (at, length) = match *step {
                Step::Append(length) => (model.len(), length as usize),
                Step::Overwrite(at, length) => (at as usize, length as usize),
                Step::Cut(length) => {
                    file.set_len(length.into()).unwrap();
                    model.resize(length.into(), 0);
                    since.push(model.clone());
                    continue;
                }
                Step::Sync => {
                    file.sync_data().unwrap();
                    since = vec![model.clone()];
                    continue;
                }
            };
            file.write_all_at(&vec![i as u8 + 1; length], at as u64).unwrap();
            if model.len() < at + length {
                model.resize(at + length, 0);
            }
            model[at..at + length].fill(i as u8 + 1);
            since.push(model.clone());
        }
        prop_assert_eq!(&bytes(&*file), &model);
        prop_assert_eq!(content(&fs.crash_image(seed, Style::OnlySynced), "a").unwrap(), since[0].clone());
        prop_assert_eq!(content(&fs.crash_image(seed, Style::EverythingKept), "a").unwrap(), model.clone());
        let longest = since.iter().map(Vec::len).max().unwrap();
        for style in Style::ALL {
            let found = content(&fs.crash_image(seed, style), "a").unwrap();
            prop_assert!(found.len() <= longest);
            prop_assert!(matches!(style, Style::TornLast | Style::Anything)
                || since.iter().any(|state| state.len() == found.len()));
            for (at, byte) in found.iter().enumerate() {
                prop_assert!(*byte == 0 || since.iter().any(|state| state.get(at) == Some(byte)));
            }
        }
    }
}
