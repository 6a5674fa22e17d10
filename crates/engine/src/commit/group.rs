//! Serving one group: admission, sequence numbers, WAL, memtable, visibility. Only the leader runs this.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::sync::LogEnd;
use super::{Commit, Done, GROUP_BYTES, Log, MAX_IMMUTABLES, Request, closed};
use crate::admission::{self, Decision, Pressure};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::health::Severity;
use crate::key::MAX_SEQNO;
use crate::memtable::Memtable;
use crate::options::Durability;
use crate::store::Store;
use crate::sync::Ordering;
use crate::view::ReadView;
use crate::wal::WalWriter;

/// Zeros written ahead of the log's end when small writes wait for the disk: as many as the log has bytes, within these
/// limits. Fewer cost more syncs of new blocks; more do not pay, and delay the sync that covers them.
const ROOM_BYTES: std::ops::RangeInclusive<u64> = 16 << 10..=256 << 10;

impl Commit {
    /// Takes the next group from the queue and commits it. What needs no sync is completed on return. Waits for room
    /// only if it `may_wait`; otherwise the caller has seen that there is some, and being a group over it does no harm.
    pub(super) fn serve_group(&self, store: &Store, may_wait: bool) {
        let group = self.take_group();
        if group.is_empty() {
            return;
        }
        let mut log = self.log.lock();
        let committed =
            catch_unwind(AssertUnwindSafe(|| self.commit_group(store, &mut log, &group, may_wait)));
        let outcome = committed.unwrap_or_else(|_| {
            log.broken = true;
            Err(store.fail(Severity::ReadOnly, Error::new(ErrorKind::Internal, "a commit panicked")))
        });
        let end = match (&outcome, log.wal.as_ref()) {
            (Ok(()), Some(wal)) if group.iter().any(durable) => Some(LogEnd::of(wal)),
            _ => None,
        };
        drop(log);
        for request in group {
            match end.as_ref().filter(|_| durable(&request)) {
                Some(end) => {
                    let waiter = match &request.done {
                        Done::Waiter(waiter) => Some(waiter.clone()),
                        Done::Callback(_) => None,
                    };
                    self.sync.register(store, end, request.done);
                    // Not before: it then looks into the sync queue, and may be the only one that does.
                    if let Some(waiter) = waiter {
                        waiter.serve();
                    }
                }
                None => request.done.complete(outcome.clone()),
            }
        }
    }

    /// The longest run of waiting requests that share one WAL frame: all logged or none, up to [`GROUP_BYTES`].
    fn take_group(&self) -> Vec<Request> {
        let mut queue = self.queue.lock();
        let mut group: Vec<Request> = Vec::new();
        let mut bytes = 0;
        while let Some(next) = queue.waiting.front() {
            let fits = bytes + next.batch.bytes().len() <= GROUP_BYTES
                && logged(next) == group.first().is_none_or(logged);
            if !group.is_empty() && !fits {
                break;
            }
            bytes += next.batch.bytes().len();
            group.extend(queue.waiting.pop_front());
        }
        group
    }

    fn commit_group(&self, store: &Store, log: &mut Log, group: &[Request], may_wait: bool) -> Result<()> {
        store.health.check_writable()?;
        if log.put_off {
            begin_first_log(store, log)?;
        }
        let bytes: usize = group.iter().map(|request| request.batch.bytes().len()).sum();
        if may_wait {
            self.admit(store, log, bytes)?;
            if store.view.load().memtable.bytes() >= store.options.memtable_bytes {
                self.rotate(store, log)?;
            }
        }
        let count: u64 = group.iter().map(|request| u64::from(request.batch.len())).sum();
        let first = log.last_seqno + 1;
        if count > MAX_SEQNO - log.last_seqno {
            return Err(Error::new(ErrorKind::Internal, "all 2^56 sequence numbers are used up"));
        }
        if group.first().is_some_and(logged) {
            append(store, log, group, first, count)?;
        }
        let view = store.view.load();
        let mut seqno = first;
        for request in group {
            view.memtable.apply(request.batch.ops(), seqno);
            seqno += u64::from(request.batch.len());
        }
        log.last_seqno += count;
        store.visible.store(log.last_seqno, Ordering::Release);
        store.counters.user_bytes.add(bytes as u64);
        store.counters.user_ops.add(count);
        store.counters.groups.add(1);
        store.counters.group_writes.add(group.len() as u64);
        Ok(())
    }

    /// Lets the group in: at once, after a delay, or when background work has made room. Every wait here has work
    /// scheduled that ends it: the flush lane, the compaction lane, or a failure that is returned.
    fn admit(&self, store: &Store, log: &mut Log, bytes: usize) -> Result<()> {
        let (waited, reason) = match admission::decide(&pressure(store)) {
            Decision::Go => return Ok(()),
            Decision::Delay { nanos_per_kib, reason } => {
                let started = store.clock.micros();
                let Some(delay) = log.pacer.charge(nanos_per_kib, bytes, started) else { return Ok(()) };
                let relieved = || matches!(admission::decide(&pressure(store)), Decision::Go).then_some(());
                store.executor.wait_until_timeout(&store.progress, delay, relieved);
                store.counters.delayed_writes.add(1);
                (started, reason)
            }
            Decision::Stop(reason) => {
                let started = store.clock.micros();
                store.notify(|lanes| lanes.flush);
                store.notify(|lanes| lanes.compaction);
                store.wait_for(|| {
                    (!matches!(admission::decide(&pressure(store)), Decision::Stop(_))).then_some(())
                })?;
                log.pacer.reset();
                store.counters.stalls.add(1);
                (started, reason)
            }
        };
        let micros = store.clock.micros() - waited;
        store.counters.stall_micros.add(micros);
        store.events.emit(|| Event::Stall { reason, micros });
        store.health.check_writable()
    }

    /// Whether a batch could be committed now without waiting for anything.
    pub(super) fn has_room(&self, store: &Store) -> bool {
        store.view.load().memtable.bytes() < store.options.memtable_bytes
            && matches!(admission::decide(&pressure(store)), Decision::Go)
            && self.log.try_lock().is_some_and(|log| log.wal.is_some())
    }

    /// Freezes the memtable and begins a new log. The old log is synced first: once a newer log exists, the older ones
    /// are known to be whole, and anything missing from them is damage.
    pub(super) fn rotate(&self, store: &Store, log: &mut Log) -> Result<()> {
        if log.wal.is_none() {
            return Err(closed());
        }
        if store.view.load().immutables.len() >= MAX_IMMUTABLES {
            store.notify(|lanes| lanes.flush);
            store.wait_for(|| (store.view.load().immutables.len() < MAX_IMMUTABLES).then_some(()))?;
        }
        let begun = begin_log(store, log);
        begun.map_err(|error| {
            store.fail(Severity::ReadOnly, error.context("the write-ahead log cannot be rotated"))
        })
    }
}

fn logged(request: &Request) -> bool {
    request.durability != Durability::Memory
}

fn durable(request: &Request) -> bool {
    request.durability == Durability::Disk
}

/// Writes the group as one frame. Whatever goes wrong here, the frame may be whole on disk: the outcome is unknown.
fn append(store: &Store, log: &mut Log, group: &[Request], first: u64, count: u64) -> Result<()> {
    let payloads: Vec<&[u8]> = group.iter().map(|request| request.batch.bytes()).collect();
    let wal = log.wal.as_mut().ok_or_else(closed)?;
    let before = wal.size();
    match wal.append(first, count as u32, &payloads) {
        Ok(end) => {
            store.counters.wal_bytes.add(end - before);
            let room = end.clamp(*ROOM_BYTES.start(), *ROOM_BYTES.end());
            if group.iter().any(durable) && end - before <= room / 4 {
                store.counters.wal_bytes.add(wal.make_room(room));
            }
            Ok(())
        }
        Err(error) => {
            let context = "the write may or may not survive a restart, never in part; writes are stopped until resume()";
            store.fail(Severity::ReadOnly, error.clone());
            Err(error.with_kind(ErrorKind::CommitUnknown, context))
        }
    }
}

/// Begins the log of a database that was found settled, whether or not it has a manifest of this session by now: of the
/// logs that either takes for needed, all but this one hold no operation.
fn begin_first_log(store: &Store, log: &mut Log) -> Result<()> {
    let begun = WalWriter::create(&store.dir, store.view.load().memtable.log_number(), None);
    log.put_off = false;
    log.wal = Some(begun.map_err(|error| {
        store.fail(Severity::ReadOnly, error.context("the write-ahead log cannot be begun"))
    })?);
    Ok(())
}

/// Begins the next log with a fresh memtable, and queues the old memtable for the flush.
fn begin_log(store: &Store, log: &mut Log) -> Result<()> {
    let old = log.wal.as_ref().ok_or_else(closed)?;
    let size = old.size();
    old.log_sync().up_to(size)?;
    let number = store.new_file_number();
    let predecessor = Some((old.number(), size));
    let wal = match store.spare_log.take() {
        Some(spare) => WalWriter::create_over(&store.dir, spare, number, predecessor)?,
        None => WalWriter::create(&store.dir, number, predecessor)?,
    };
    log.wal = Some(wal);
    push_memtable(store, number);
    store.notify(|lanes| lanes.flush);
    Ok(())
}

/// Puts an empty memtable for log `number` in front; the one before it becomes immutable, unless it is empty itself.
pub(super) fn push_memtable(store: &Store, number: u64) {
    let memtable = Arc::new(Memtable::new(number, store.options.memtable_bytes));
    store.view.rcu(|view| {
        let full = (!view.memtable.is_empty()).then(|| view.memtable.clone());
        let immutables = full.into_iter().chain(view.immutables.iter().cloned()).collect();
        ReadView { memtable: memtable.clone(), immutables, version: view.version.clone() }
    });
}

/// What weighs on the writers now.
fn pressure(store: &Store) -> Pressure {
    let view = store.view.load();
    let filled = view.memtable.bytes();
    Pressure {
        memtable_full: filled >= store.options.memtable_bytes,
        memtable_fill: filled as f64 / store.options.memtable_bytes as f64,
        immutable_memtables: view.immutables.len(),
        max_immutables: MAX_IMMUTABLES,
        l0_runs: view.version.sublevels().len(),
        l0_soft: 2 * store.options.max_tables,
        l0_hard: 4 * store.options.max_tables,
        pending_compaction_bytes: store.pending_compaction.load(Ordering::Relaxed),
        pending_soft: 64 << 30,
        pending_hard: 256 << 30,
        drain_bytes_per_second: store.drain.bytes_per_second(),
    }
}
