//! Two processes and one directory: the second is refused by name, a killed one leaves nothing locked, and a reader beside a
//! writer sees a prefix and touches nothing. The other process is this program again.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::SystemTime;

use mosskv::{Durability, Engine, ErrorKind, IterOptions, Options, WriteBatch};
use mosskv_check::stamped::{key, stamp_of, value};

/// Names the directory to the process that holds it.
const DIRECTORY: &str = "MOSSKV_TEST_HELD_DIRECTORY";

fn options() -> Options {
    Options { memtable_bytes: 64 << 10, table_bytes: 64 << 10, max_tables: 2, ..Options::default() }
}

/// What the other process runs; nothing in this one. Writes key after key, says so on its output, and waits for a line
/// of input after each thousand.
#[test]
fn the_process_that_holds_the_directory() {
    let Some(path) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let engine = Engine::open(path, options()).unwrap();
    let mut out = std::io::stdout().lock();
    let mut commands = std::io::stdin().lock();
    for i in 0.. {
        let mut batch = WriteBatch::new();
        batch.put(&key(i), &value(i, i + 1)).unwrap();
        batch.put(&key(0), &value(0, i + 1)).unwrap();
        let durability = if i % 50 == 0 { Durability::Disk } else { Durability::Os };
        engine.write(batch, Some(durability)).unwrap();
        writeln!(out, "wrote {i}").unwrap();
        if i % 1_000 == 999 {
            writeln!(out, "waiting").unwrap();
            commands.read_line(&mut String::new()).unwrap();
        }
    }
}

/// The other process, and what it says.
struct Holder {
    process: Child,
    says: std::io::Lines<BufReader<ChildStdout>>,
    acknowledged: u64,
}

impl Holder {
    fn start(path: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_that_holds_the_directory", "--nocapture"])
            .env(DIRECTORY, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, says, acknowledged: 0 }
    }

    /// Reads what it says until it waits, or has written `writes` more keys.
    fn listen(&mut self, writes: u64) {
        let enough = self.acknowledged + writes;
        while self.acknowledged < enough {
            let line = self.says.next().unwrap().unwrap();
            if line == "waiting" {
                return;
            }
            // The test runner's own words come before the first.
            if let Some((_, i)) = line.rsplit_once("wrote ") {
                self.acknowledged = i.parse::<u64>().unwrap() + 1;
            }
        }
    }

    fn go_on(&mut self) {
        writeln!(self.process.stdin.as_mut().unwrap(), "go on").unwrap();
    }

    fn kill(mut self) -> u64 {
        self.process.kill().unwrap();
        self.listen_to_the_end();
        self.process.wait().unwrap();
        self.acknowledged
    }

    /// What it said before it died counts, too.
    fn listen_to_the_end(&mut self) {
        while let Some(Ok(line)) = self.says.next() {
            if let Some(i) = line.rsplit_once("wrote ").and_then(|(_, i)| i.parse::<u64>().ok()) {
                self.acknowledged = i + 1;
            }
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// How many keys the database holds, if they are the first so many that were written, and the batches are whole.
fn prefix(engine: &Engine) -> u64 {
    let mut iter = engine.iter(&IterOptions::default()).unwrap();
    iter.seek_to_first().unwrap();
    let (mut count, mut newest) = (0, 0);
    while iter.valid() {
        assert_eq!(iter.key(), key(count), "a hole in what was written");
        let stamp = stamp_of(count, iter.value()).unwrap();
        match count {
            0 => newest = stamp,
            _ => assert_eq!(stamp, count + 1),
        }
        count += 1;
        iter.next().unwrap();
    }
    assert_eq!(newest, count, "the two halves of a batch");
    count
}

type Listing = BTreeMap<String, (u64, SystemTime)>;

fn listing(path: &Path) -> Listing {
    let entries = std::fs::read_dir(path).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        (entry.file_name().into_string().unwrap(), (meta.len(), meta.modified().unwrap()))
    });
    entries.collect()
}

#[test]
fn a_second_process_is_refused_until_the_first_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let mut holder = Holder::start(dir.path());
    holder.listen(300);
    for _ in 0..3 {
        let error = Engine::open(dir.path(), options()).err().unwrap();
        assert_eq!(error, ErrorKind::Locked);
        let pid = holder.process.id();
        assert!(error.to_string().contains(&format!("pid {pid}:")), "{error} does not name process {pid}");
    }
    assert_eq!(Engine::destroy(dir.path()).unwrap_err(), ErrorKind::Locked);
    assert_eq!(Engine::verify(dir.path()).unwrap_err(), ErrorKind::Locked);
    holder.listen(400);
    let acknowledged = holder.kill();
    let engine = Engine::open(dir.path(), options()).unwrap();
    let found = prefix(&engine);
    assert!(found >= acknowledged, "{found} keys, but {acknowledged} were acknowledged");
    engine.put("more", "after the kill").unwrap();
    engine.close().unwrap();
    assert!(Engine::verify(dir.path()).unwrap().problems.is_empty());
}

#[test]
fn a_process_killed_at_any_moment_leaves_a_prefix() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..12 {
        let path = dir.path().join(round.to_string());
        let mut holder = Holder::start(&path);
        // Past the waits, at a moment that differs from round to round; the first ones inside the first memtable.
        for _ in 0..round / 3 {
            holder.listen(2_000);
            holder.go_on();
        }
        holder.listen(1 + round * 71);
        let acknowledged = holder.kill();
        // Twice: recovery must leave what it found.
        for _ in 0..2 {
            let engine = Engine::open(&path, options()).unwrap();
            let found = prefix(&engine);
            assert!(
                found >= acknowledged && found <= acknowledged + 1,
                "{found}, {acknowledged} acknowledged"
            );
        }
    }
}

#[test]
fn a_reader_beside_a_writer_sees_a_prefix_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut holder = Holder::start(dir.path());
    let read_only = Options { read_only: true, ..options() };
    let mut seen = 0;
    for _ in 0..4 {
        // While it writes, flushes and compacts.
        for _ in 0..4 {
            holder.listen(200);
            let acknowledged = holder.acknowledged;
            let reader = Engine::open(dir.path(), read_only.clone()).unwrap();
            let found = prefix(&reader);
            assert!(
                found >= acknowledged.max(seen),
                "{found} keys, {acknowledged} acknowledged, {seen} seen"
            );
            seen = found;
        }
        holder.listen(2_000);
        // While it waits.
        let reader = Engine::open(dir.path(), read_only.clone()).unwrap();
        assert_eq!(prefix(&reader), holder.acknowledged);
        assert_eq!(reader.put("a", "b").unwrap_err(), ErrorKind::ReadOnly);
        assert_eq!(reader.flush().unwrap_err(), ErrorKind::ReadOnly);
        assert_eq!(reader.compact(None).unwrap_err(), ErrorKind::ReadOnly);
        reader.close().unwrap();
        holder.go_on();
    }
    holder.listen(500);
    holder.kill();
    let before = listing(dir.path());
    let reader = Engine::open(dir.path(), read_only).unwrap();
    assert!(prefix(&reader) >= seen);
    reader.close().unwrap();
    drop(reader);
    assert_eq!(listing(dir.path()), before, "reading changed the directory");
}
