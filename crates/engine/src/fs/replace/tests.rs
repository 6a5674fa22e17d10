use std::sync::Arc;

use super::*;
use crate::fs::os::OsFs;
use crate::fs::{Fs, read_exact_at};

fn content(dir: &Arc<dyn Dir>, name: &str) -> Vec<u8> {
    let file = dir.open(name, OpenMode::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    read_exact_at(&*file, &mut bytes, 0).unwrap();
    bytes
}

#[test]
fn makes_and_replaces_a_file_and_clears_a_leftover() {
    let temp = tempfile::tempdir().unwrap();
    let dir = OsFs.open_dir(temp.path(), false).unwrap();
    replace(&*dir, "CURRENT.tmp", "CURRENT", b"the first, longer content").unwrap();
    assert_eq!(content(&dir, "CURRENT"), b"the first, longer content");

    dir.open("CURRENT.tmp", OpenMode::CreateNew).unwrap().write_all_at(b"left by a crash", 0).unwrap();
    replace(&*dir, "CURRENT.tmp", "CURRENT", b"second").unwrap();
    assert_eq!(content(&dir, "CURRENT"), b"second");
    assert_eq!(dir.list().unwrap(), ["CURRENT"]);
}

#[test]
fn names_the_step_that_failed() {
    let temp = tempfile::tempdir().unwrap();
    let dir = OsFs.open_dir(temp.path(), false).unwrap();
    std::fs::create_dir(temp.path().join("CURRENT")).unwrap();
    let error = replace(&*dir, "CURRENT.tmp", "CURRENT", b"x").unwrap_err();
    assert!(error.to_string().starts_with("cannot rename CURRENT.tmp to CURRENT: "), "{error}");
}
