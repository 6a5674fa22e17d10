//! A full disk: filled by the database itself, then by somebody else, freed, resumed. On a real tmpfs of a few megabytes
//! where this user may mount one (a plain container's root may), otherwise on a simulated disk of that size; and on the
//! simulated one in any case.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests may panic, and fill the disk beside the engine"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use mosskv::fs::Fs;
use mosskv::fs::os::OsFs;
use mosskv::fs::sim::SimFs;
use mosskv::{Durability, Engine, Environment, Error, ErrorKind, IterOptions, Options, WriteBatch};
use mosskv_check::random::Random;
use mosskv_check::stamped::{Stamps, key, value};
use mosskv_check::walk::both_ways;

/// Bytes of the disk.
const DISK: u64 = 4 << 20;
const KEYS: u64 = 400;

fn options() -> Options {
    Options { memtable_bytes: 128 << 10, table_bytes: 64 << 10, max_tables: 3, ..Options::default() }
}

/// What the two kinds of disk have in common.
struct Disk {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    /// Takes away all free space, or gives it back.
    fill: Box<dyn Fn(bool)>,
}

impl Disk {
    fn open(&self) -> Result<Engine, Error> {
        let environment = Environment { fs: self.fs.clone(), ..Environment::default() };
        Engine::open_with(&self.path, options(), environment)
    }
}

fn simulated() -> Disk {
    let disk = SimFs::new();
    disk.set_capacity(DISK);
    let fs = Arc::new(disk.clone());
    let fill = move |full: bool| disk.set_capacity(if full { disk.used() } else { DISK });
    Disk { fs, path: PathBuf::from("db"), fill: Box::new(fill) }
}

/// A mounted tmpfs; unmounted when dropped.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={DISK}");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "mosskv-test"]).arg(dir.path()).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(dir))
    }

    fn disk(&self) -> Disk {
        let ballast = self.0.path().join("ballast");
        let fill =
            move |full: bool| if full { fill(&ballast) } else { std::fs::remove_file(&ballast).unwrap() };
        let fs = Arc::new(OsFs);
        Disk { fs, path: self.0.path().join("db"), fill: Box::new(fill) }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0.path()).status());
    }
}

/// Writes until nothing fits any more.
fn fill(path: &Path) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    while file.write_all(&[7]).is_ok() {}
}

/// Writes batches until one fails; the model holds what was acknowledged.
fn write(
    engine: &Engine,
    model: &mut Stamps,
    stamps: std::ops::Range<u64>,
    random: &mut Random,
) -> Result<(), Error> {
    for stamp in stamps {
        let (mut batch, mut next) = (WriteBatch::new(), model.clone());
        for _ in 0..8 {
            let i = random.below(KEYS);
            batch.put(&key(i), &value(i, stamp))?;
            next.insert(i, stamp);
        }
        let durability = if random.one_in(10) { Durability::Disk } else { Durability::Os };
        engine.write(batch, Some(durability))?;
        *model = next;
    }
    Ok(())
}

fn shows(engine: &Engine, model: &Stamps, when: &str) {
    let read = both_ways(&mut engine.iter(&IterOptions::default()).unwrap(), model);
    read.unwrap_or_else(|wrong| panic!("{when}: {wrong}"));
}

fn fill_free_resume(disk: &Disk) {
    let mut random = Random::new(3);
    let (mut model, engine) = (Stamps::new(), disk.open().unwrap());
    write(&engine, &mut model, 1..200, &mut random).unwrap();
    for round in 1..=4u64 {
        (disk.fill)(true);
        let refused = (0..).find_map(|i| {
            let first = round * 100_000 + i;
            write(&engine, &mut model, first..first + 1, &mut random).err()
        });
        let refused = refused.unwrap();
        let kinds = [ErrorKind::DiskFull, ErrorKind::CommitUnknown, ErrorKind::ReadOnly];
        assert!(kinds.contains(&refused.kind()), "{refused:?}");
        assert!(refused.to_string().contains("space"), "it does not say that the disk is full: {refused:?}");
        assert!(engine.is_read_only() && engine.last_error().is_some());
        shows(&engine, &model, "while the disk is full");
        // Files that were due to be deleted may have made room meanwhile.
        (disk.fill)(true);
        let again = engine.resume().err();
        assert!(
            again.is_some_and(|error| error == ErrorKind::DiskFull),
            "a resume without room must say why"
        );
        shows(&engine, &model, "after a resume that failed");
        (disk.fill)(false);
        engine.resume().unwrap();
        shows(&engine, &model, "after the resume");
        let first = round * 200_000;
        write(&engine, &mut model, first..first + 50, &mut random).unwrap();
        engine.compact(None).unwrap();
        shows(&engine, &model, "after more writes");
    }
    engine.close().unwrap();
    drop(engine);
    let engine = disk.open().unwrap();
    shows(&engine, &model, "reopened");
    // Full at the close and at the open.
    (disk.fill)(true);
    let refused = write(&engine, &mut model, 900_000..950_000, &mut random);
    assert!(refused.is_err());
    shows(&engine, &model, "full again");
    drop(engine.close());
    drop(engine);
    match disk.open() {
        Ok(engine) => shows(&engine, &model, "opened without room"),
        Err(error) => assert_eq!(error, ErrorKind::DiskFull),
    }
    (disk.fill)(false);
    shows(&disk.open().unwrap(), &model, "opened with room");
}

#[test]
fn a_small_tmpfs_is_filled_freed_and_resumed() {
    match Mount::new() {
        Some(mount) => fill_free_resume(&mount.disk()),
        None => fill_free_resume(&simulated()),
    }
}

#[test]
fn a_small_simulated_disk_is_filled_freed_and_resumed() {
    fill_free_resume(&simulated());
}
