//! Compaction without I/O: the real picker, the real cutting rule and real Versions over modelled tables.
//!
//! Keys are the numbers `0..keys`. A table is a stretch of them with a count of records spread evenly over it: *fresh*
//! ones, whose key is nowhere deeper, and *overwrites*, whose key has an older record deeper. A merge adds the fresh
//! ones; overwrites meet one another and fresh records by chance (independent uniform draws), and at the bottom all
//! of them have met theirs. Bytes are raw: no compression, no block overhead.
//!
//! Time is counted in bytes the writer produces. Each compaction thread reads `speed` bytes while the writer produces
//! one; the writer waits when L0 holds `stop_tables`. Deterministic; single-threaded.

use std::collections::HashMap;
use std::fmt;

use mosskv::compaction::{Cutter, InFlight, Reason, Shape, Task, pick};
use mosskv::version::{LEVELS, TableMeta, Version, VersionEdit};
use mosskv::{Error, ErrorKind, Options, Result};

#[cfg(test)]
mod tests;

/// Pieces that a full output table is made of; cuts fall between them.
const PIECES: f64 = 64.0;

/// What the writer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Puts every key once, in random order.
    LoadRandom,
    /// Puts every key once, ascending.
    LoadAscending,
    /// Puts this many keys that are there already, each drawn at random.
    Overwrite(u64),
}

/// The sizes of a simulated database and machine.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The engine's settings; memtable and table sizes and the L0 limit matter here.
    pub options: Options,
    /// How many keys there are.
    pub keys: u64,
    /// Bytes of a key and its value.
    pub record_bytes: u64,
    /// Compaction threads.
    pub threads: usize,
    /// Bytes a compaction thread reads while the writer produces one.
    pub speed: f64,
    /// L0 tables at which the writer waits.
    pub stop_tables: usize,
}

/// What was counted since the start of a phase.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Bytes the user wrote.
    pub user_bytes: f64,
    /// Bytes written as L0 tables.
    pub flushed_bytes: f64,
    /// Bytes written by compaction, by output level.
    pub compacted_bytes: [f64; LEVELS],
    /// Tasks by reason; those that only moved tables are counted apart.
    pub tasks: HashMap<Reason, u64>,
    /// Tasks that moved tables without writing them again.
    pub moves: u64,
    /// The most tables L0 held.
    pub max_l0_tables: usize,
    /// The most sorted runs L0 held.
    pub max_sublevels: usize,
    /// The part of the time the writer waited, 0 to 1.
    pub stalled: f64,
    /// Tables and bytes of each level at the end.
    pub levels: [(usize, u64); LEVELS],
    /// The target of each level at the end.
    pub targets: [u64; LEVELS],
}

impl Report {
    /// Bytes written to the device for each byte the user wrote: log, flush and compaction.
    pub fn write_amplification(&self) -> f64 {
        let compacted: f64 = self.compacted_bytes.iter().sum();
        1.0 + (self.flushed_bytes + compacted) / self.user_bytes
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gb = |bytes: f64| bytes / 1e9;
        writeln!(
            f,
            "  user {:.1} GB, write amplification {:.2}",
            gb(self.user_bytes),
            self.write_amplification()
        )?;
        write!(f, "  log 1.00, flush {:.2}", self.flushed_bytes / self.user_bytes)?;
        for (level, bytes) in self.compacted_bytes.iter().enumerate().filter(|(_, bytes)| **bytes > 0.0) {
            write!(f, ", to L{level} {:.2}", bytes / self.user_bytes)?;
        }
        writeln!(f)?;
        let mut tasks: Vec<_> =
            self.tasks.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        tasks.sort();
        writeln!(f, "  tasks: {}; {} of them moves", tasks.join(", "), self.moves)?;
        let (tables, runs, wait) = (self.max_l0_tables, self.max_sublevels, self.stalled * 100.0);
        writeln!(f, "  L0 at most {tables} tables in {runs} runs; writer waited {wait:.0} % of the time")?;
        for (level, (tables, bytes)) in self.levels.iter().enumerate().filter(|(_, (tables, _))| *tables > 0)
        {
            write!(f, "  L{level} {tables:>5} tables {:>8.2} GB", gb(*bytes as f64))?;
            match self.targets.get(level) {
                Some(&target) if target != u64::MAX => writeln!(f, "  target {:.2} GB", gb(target as f64))?,
                _ => writeln!(f)?,
            }
        }
        Ok(())
    }
}

/// Records of a table, or of a piece of one.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    fresh: f64,
    over: f64,
}

impl Count {
    fn total(self) -> f64 {
        self.fresh + self.over
    }
    fn part(self, share: f64) -> Self {
        Self { fresh: self.fresh * share, over: self.over * share }
    }
}

/// A table to be: first key, key after the last, records.
struct Output {
    start: u64,
    end: u64,
    count: Count,
}

/// A simulated database.
pub struct Sim {
    setup: Setup,
    version: Version<TableMeta>,
    counts: HashMap<u64, Count>,
    busy: InFlight,
    /// Running tasks with the time they end.
    running: Vec<(f64, Task)>,
    now: f64,
    next_number: u64,
    report: Report,
}

impl Sim {
    /// An empty database.
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            version: Version::empty(),
            counts: HashMap::new(),
            busy: InFlight::new(),
            running: Vec::new(),
            now: 0.0,
            next_number: 0,
            report: Report::default(),
        }
    }

    /// The tables now.
    pub fn version(&self) -> &Version<TableMeta> {
        &self.version
    }

    /// Runs a phase, then lets compaction settle, and reports on both.
    ///
    /// # Errors
    /// `Internal` when an edit does not fit its Version or compaction does not end: defects of the picker.
    pub fn run(&mut self, phase: Phase) -> Result<Report> {
        self.report = Report::default();
        let keys = self.setup.keys;
        let records = match phase {
            Phase::Overwrite(records) => records,
            _ => keys,
        };
        let full = (self.setup.options.memtable_bytes as u64 / self.setup.record_bytes).max(1);
        let (mut done, mut waited) = (0, 0.0);
        let begin = self.now;
        while done < records {
            let count = full.min(records - done);
            let (n, width) = (count as f64, keys as f64);
            let table = match phase {
                Phase::LoadRandom => Output { start: 0, end: keys, count: Count { fresh: n, over: 0.0 } },
                Phase::LoadAscending => {
                    Output { start: done, end: done + count, count: Count { fresh: n, over: 0.0 } }
                }
                Phase::Overwrite(_) => {
                    let distinct = width * -(-n / width).exp_m1();
                    Output { start: 0, end: keys, count: Count { fresh: 0.0, over: distinct } }
                }
            };
            done += count;
            let bytes = n * self.setup.record_bytes as f64;
            self.report.user_bytes += bytes;
            self.finish_until(self.now + bytes)?;
            while self.version.level(0).len() >= self.setup.stop_tables {
                let before = self.now;
                self.finish_next()?;
                waited += self.now - before;
            }
            self.flush(table)?;
            self.start()?;
        }
        self.report.stalled = waited / (self.now - begin).max(1.0);
        while !self.running.is_empty() {
            self.finish_next()?;
        }
        for (level, slot) in self.report.levels.iter_mut().enumerate() {
            *slot = (self.version.level(level).len(), self.version.level_bytes(level));
        }
        self.report.targets = Shape::of(&self.version, &self.setup.options).targets;
        Ok(self.report.clone())
    }

    fn flush(&mut self, table: Output) -> Result<()> {
        self.next_number += 1;
        let meta = self.meta(&table, self.next_number, self.next_number);
        self.report.flushed_bytes += meta.size as f64;
        self.install(&VersionEdit { added: vec![(0, meta)], ..VersionEdit::default() })?;
        self.report.max_l0_tables = self.report.max_l0_tables.max(self.version.level(0).len());
        self.report.max_sublevels = self.report.max_sublevels.max(self.version.sublevels().len());
        Ok(())
    }

    /// Starts tasks while threads are idle. Moves are done at once.
    fn start(&mut self) -> Result<()> {
        while self.running.len() < self.setup.threads {
            let Some(task) = pick(&self.version, &self.setup.options, &self.busy) else { return Ok(()) };
            *self.report.tasks.entry(task.reason).or_default() += 1;
            self.busy.begin(&task);
            if task.is_trivial_move {
                self.report.moves += 1;
                self.finish(&task)?;
                continue;
            }
            self.running.push((self.now + task.input_bytes as f64 / self.setup.speed, task));
        }
        Ok(())
    }

    fn finish_until(&mut self, time: f64) -> Result<()> {
        while self.running.iter().any(|(end, _)| *end <= time) {
            self.finish_next()?;
        }
        self.now = self.now.max(time);
        Ok(())
    }

    /// Lets the running task that ends first end.
    fn finish_next(&mut self) -> Result<()> {
        let first = self.running.iter().enumerate().min_by(|a, b| a.1.0.total_cmp(&b.1.0)).map(|(at, _)| at);
        let Some(first) = first else {
            return Err(Error::new(
                ErrorKind::Internal,
                "the writer waits and nothing is scheduled that ends it",
            ));
        };
        let (end, task) = self.running.swap_remove(first);
        self.now = self.now.max(end);
        self.finish(&task)?;
        self.start()
    }

    fn finish(&mut self, task: &Task) -> Result<()> {
        let tables: HashMap<u64, &TableMeta> = self.version.tables().map(|t| (t.number, t)).collect();
        let inputs: Vec<TableMeta> =
            task.numbers().filter_map(|n| tables.get(&n).map(|&t| t.clone())).collect();
        let mut edit = VersionEdit::default();
        for (level, numbers) in &task.inputs {
            edit.removed.extend(numbers.iter().map(|&number| (*level, number)));
        }
        if task.is_trivial_move {
            edit.added = inputs.into_iter().map(|t| (task.output_level, t)).collect();
        } else {
            let oldest = inputs.iter().map(|t| t.min_seqno).min().unwrap_or(0);
            let newest = inputs.iter().map(|t| t.max_seqno).max().unwrap_or(0);
            for output in self.merge(task, &inputs) {
                self.next_number += 1;
                let meta = self.meta(&output, oldest, newest);
                if let Some(bytes) = self.report.compacted_bytes.get_mut(task.output_level) {
                    *bytes += meta.size as f64;
                }
                edit.added.push((task.output_level, meta));
            }
            for table in &inputs {
                self.counts.remove(&table.number);
            }
        }
        self.install(&edit)?;
        self.busy.end(task);
        Ok(())
    }

    fn install(&mut self, edit: &VersionEdit) -> Result<()> {
        self.version = self.version.apply(edit, TableMeta::clone)?;
        Ok(())
    }

    fn meta(&mut self, table: &Output, min_seqno: u64, max_seqno: u64) -> TableMeta {
        let bytes = (table.count.total() * self.setup.record_bytes as f64) as u64;
        self.counts.insert(self.next_number, table.count);
        TableMeta {
            number: self.next_number,
            size: bytes,
            smallest: table.start.to_be_bytes().into(),
            largest: (table.end - 1).to_be_bytes().into(),
            min_seqno,
            max_seqno,
            entries: table.count.total() as u64,
            raw_bytes: bytes,
            ..TableMeta::default()
        }
    }

    /// The tables that come out of a task.
    fn merge(&self, task: &Task, inputs: &[TableMeta]) -> Vec<Output> {
        let spans: Vec<(u64, u64, Count)> = inputs
            .iter()
            .map(|t| {
                (id(&t.smallest), id(&t.largest) + 1, self.counts.get(&t.number).copied().unwrap_or_default())
            })
            .collect();
        let mut edges: Vec<u64> = spans.iter().flat_map(|&(start, end, _)| [start, end]).collect();
        edges.extend(task.grandparents.iter().map(|g| id(&g.end) + 1));
        edges.sort_unstable();
        edges.dedup();

        let record = self.setup.record_bytes as f64;
        let piece = (task.target_bytes.min(1 << 40) as f64 / PIECES).max(record);
        let mut cutter = Cutter::new(task);
        let mut outputs: Vec<Output> = Vec::new();
        let mut bytes = 0.0;
        for edge in edges.windows(2) {
            let &[start, end] = edge else { continue };
            let width = (end - start) as f64;
            let over = spans.iter().filter(|&&(a, b, _)| a <= start && end <= b);
            let parts: Vec<Count> = over.map(|&(a, b, count)| count.part(width / (b - a) as f64)).collect();
            if parts.is_empty() {
                continue;
            }
            let bottom = !task.below.may_hold(&start.to_be_bytes());
            let count = meet(&parts, width, bottom);
            let steps = (count.total() * record / piece).ceil().clamp(1.0, width) as u64;
            for step in 0..steps {
                let at = |step: u64| start + ((end - start) as u128 * step as u128 / steps as u128) as u64;
                let (from, to) = (at(step), at(step + 1));
                let part = count.part((to - from) as f64 / width);
                if cutter.cut_before(&from.to_be_bytes(), bytes as u64) || outputs.is_empty() {
                    outputs.push(Output { start: from, end: to, count: Count::default() });
                    bytes = 0.0;
                }
                if let Some(output) = outputs.last_mut() {
                    output.end = to;
                    output.count.fresh += part.fresh;
                    output.count.over += part.over;
                }
                bytes += part.total() * record;
            }
        }
        outputs
    }
}

/// The records left when `parts` over the same `width` keys are merged.
fn meet(parts: &[Count], width: f64, bottom: bool) -> Count {
    let fresh = parts.iter().map(|c| c.fresh).sum::<f64>().min(width);
    let missed: f64 = parts.iter().map(|c| 1.0 - (c.over / width).min(1.0)).product();
    let over = if bottom { 0.0 } else { width * (1.0 - missed) * (1.0 - fresh / width) };
    Count { fresh, over }
}

fn id(key: &[u8]) -> u64 {
    key.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
