//! The commit path: sequence numbers, WAL, memtable, visibility, in that order.
//!
//! Goal: one WAL frame and one lock for everything that waits, and no thread hop for a lone writer.
//!
//! A write joins the queue. Whoever finds it without a leader leads: it takes what waits (up to [`GROUP_BYTES`]),
//! asks admission once, numbers the batches, writes one WAL frame, inserts them into the memtable and only then
//! publishes the last number as visible, so readers never see part of a batch. A leader serves one group (one that must
//! not wait, a second small one) and hands the lead on: to the next blocking writer, or to the commit lane when the
//! next write only left a callback. `disk` writes
//! are then finished by the sync queue, after the lead was handed on (pebble `commit.go` tells why publishing
//! before the sync is sound: nothing is acknowledged before it, and a failed sync stops the database).
//!
//! A failed WAL append fails the whole group with the leader's error, and makes the database read-only (rocksdb #3096,
//! leveldb #1180).
//!
//! Callable from any thread.

mod group;
mod sync;
mod waiter;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::admission::Pacer;
use crate::batch::WriteBatch;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::FileName;
use crate::key::SeqNo;
use crate::options::Durability;
use crate::store::Store;
use crate::sync::Mutex;
use crate::wal::WalWriter;
use crate::worker::Poll;

use sync::SyncQueue;
use waiter::{Turn, Waiter};

/// A group is closed once it holds this many bytes.
const GROUP_BYTES: usize = 1 << 20;
/// A batch of more bytes than this is not committed on the thread of a caller that must not wait: it would stand still
/// for the better part of a millisecond.
const INLINE_BYTES: usize = 256 << 10;
/// How many full memtables may wait for the flush before writers stop.
pub(crate) const MAX_IMMUTABLES: usize = 2;

/// What to do with the outcome of a write.
pub(crate) enum Done {
    /// A thread is parked on it.
    Waiter(Arc<Waiter>),
    /// It is told.
    Callback(Box<dyn FnOnce(Result<()>) + Send>),
}

impl Done {
    fn complete(self, result: Result<()>) {
        match self {
            Self::Waiter(waiter) => waiter.finish(result),
            Self::Callback(callback) => callback(result),
        }
    }
}

struct Request {
    batch: WriteBatch,
    durability: Durability,
    done: Done,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Request>,
    /// Someone leads, or was told to.
    led: bool,
    closed: bool,
}

/// What only the leader touches.
pub(crate) struct Log {
    /// `None` before the first write, during a resume, and after the close.
    wal: Option<WalWriter>,
    /// No log was begun yet: the first write does it.
    put_off: bool,
    last_seqno: SeqNo,
    /// Turns delays into waits.
    pacer: Pacer,
    /// A commit panicked: the memtable may hold a part of a batch under numbers that were never published.
    broken: bool,
}

/// The commit path of one database.
pub(crate) struct Commit {
    queue: Mutex<Queue>,
    log: Mutex<Log>,
    sync: SyncQueue,
}

impl Commit {
    /// A commit path whose next write goes to `wal`, or begins a log that has no predecessor, and gets the number after
    /// `last_seqno`.
    pub fn new(wal: Option<WalWriter>, last_seqno: SeqNo) -> Self {
        let log = Mutex::new(Log {
            put_off: wal.is_none(),
            wal,
            last_seqno,
            pacer: Pacer::default(),
            broken: false,
        });
        Self { queue: Mutex::default(), log, sync: SyncQueue::default() }
    }

    /// Commits `batch` and waits until it is as durable as asked.
    pub fn write(&self, store: &Store, batch: WriteBatch, durability: Durability) -> Result<()> {
        store.health.check_writable()?;
        let waiter = Arc::new(Waiter::default());
        let leads = {
            let mut queue = self.queue.lock();
            if queue.closed {
                return Err(closed());
            }
            queue.waiting.push_back(Request { batch, durability, done: Done::Waiter(waiter.clone()) });
            !std::mem::replace(&mut queue.led, true)
        };
        if leads || waiter.wait_for_turn(store)? == Turn::Lead {
            self.lead_until(store, || waiter.served());
        }
        while !waiter.finished() && self.sync.round(store) == Poll::Worked {}
        waiter.outcome(store)
    }

    /// Commits `batch` without ever waiting on this thread: at once when the engine is idle, its log is begun, there is room and
    /// the batch is not large, otherwise on the commit lane. `done` runs on this thread before the return, or on a background thread.
    pub fn write_then(&self, store: &Store, batch: WriteBatch, durability: Durability, done: Done) {
        if let Err(error) = store.health.check_writable() {
            return done.complete(Err(error));
        }
        let room = batch.bytes().len() <= INLINE_BYTES && self.has_room(store);
        let mut queue = self.queue.lock();
        if queue.closed {
            drop(queue);
            return done.complete(Err(closed()));
        }
        let leads = room && !queue.led && queue.waiting.is_empty();
        queue.waiting.push_back(Request { batch, durability, done });
        queue.led |= leads;
        let wake = !leads && !queue.led;
        drop(queue);
        if leads {
            self.serve_group(store, false);
            if self.small_group_waits(store) {
                self.serve_group(store, false);
            }
            self.hand_over(store);
        } else if wake {
            store.notify(|lanes| lanes.commit);
        }
    }

    /// One turn of the commit lane: leads what callbacks wait for.
    pub fn poll(&self, store: &Store) -> Poll {
        {
            let mut queue = self.queue.lock();
            if queue.led || queue.waiting.is_empty() {
                return Poll::Idle;
            }
            queue.led = true;
        }
        self.lead_group(store, true);
        Poll::Worked
    }

    /// One turn of the sync lane.
    pub fn poll_sync(&self, store: &Store) -> Poll {
        self.sync.round(store)
    }

    /// Freezes the memtable, if it holds anything, so that the flush lane writes it.
    pub fn freeze(&self, store: &Store) -> Result<()> {
        let mut log = self.log.lock();
        store.health.check_writable()?;
        if store.view.load().memtable.is_empty() { Ok(()) } else { self.rotate(store, &mut log) }
    }

    /// The first half of resuming after a failure: gives up the log, which may end in a write of unknown outcome, with
    /// the writes that wait for it to be synced, and freezes what it covered. Nothing is logged until
    /// [`Self::renew_log`]. Refused after a panic in a commit: the memtable is not to be trusted, the log is, and a
    /// reopen reads it.
    pub fn abandon_log(&self, store: &Store) -> Result<()> {
        let mut log = self.log.lock();
        if log.broken {
            return Err(Error::new(
                ErrorKind::Internal,
                "a commit panicked: close the database and open it again",
            ));
        }
        (log.wal, log.put_off) = (None, false);
        store.remove_spare_log();
        self.sync
            .fail_all(&Error::new(ErrorKind::CommitUnknown, "the log was given up before it was synced"));
        group::push_memtable(store, store.new_file_number());
        Ok(())
    }

    /// The second half, once the frozen memtables are tables: begins a log that has no predecessor.
    pub fn renew_log(&self, store: &Store) -> Result<()> {
        let mut log = self.log.lock();
        let number = store.view.load().memtable.log_number();
        log.wal = Some(WalWriter::create(&store.dir, number, None)?);
        self.sync.accept();
        Ok(())
    }

    /// Refuses everything that comes, finishes what was begun, and freezes the memtable for the last flush. No log
    /// follows: a database that was closed has none.
    pub fn close(&self, store: &Store) -> Result<()> {
        let waiting = {
            let mut queue = self.queue.lock();
            queue.closed = true;
            std::mem::take(&mut queue.waiting)
        };
        waiting.into_iter().for_each(|request| request.done.complete(Err(closed())));
        let mut log = self.log.lock();
        let wal = log.wal.take();
        log.put_off = false;
        while self.sync.round(store) == Poll::Worked {}
        self.sync.fail_all(&closed());
        match wal {
            Some(_) if !store.view.load().memtable.is_empty() => {
                group::push_memtable(store, store.new_file_number());
            }
            Some(empty) => store.remover.discard(FileName::Wal(empty.number())),
            None => {}
        }
        Ok(())
    }

    /// Bytes of the current log.
    pub fn wal_bytes(&self) -> u64 {
        self.log.lock().wal.as_ref().map_or(0, WalWriter::size)
    }

    fn lead_until(&self, store: &Store, mut served: impl FnMut() -> bool) {
        loop {
            self.serve_group(store, true);
            if served() {
                return self.hand_over(store);
            }
        }
    }

    /// Whether writes wait that a caller that must not wait can commit as well, in less than the hop to the commit lane
    /// would cost them: it may not get a processor before the program's threads give one up.
    fn small_group_waits(&self, store: &Store) -> bool {
        let bytes: usize = self.queue.lock().waiting.iter().map(|request| request.batch.bytes().len()).sum();
        (1..=INLINE_BYTES).contains(&bytes) && self.has_room(store)
    }

    fn lead_group(&self, store: &Store, may_wait: bool) {
        self.serve_group(store, may_wait);
        self.hand_over(store);
    }

    /// Passes the lead to the next blocking writer, or lays it down.
    fn hand_over(&self, store: &Store) {
        let mut queue = self.queue.lock();
        match queue.waiting.front().map(|request| &request.done) {
            Some(Done::Waiter(waiter)) => waiter.lead(),
            Some(Done::Callback(_)) => {
                queue.led = false;
                drop(queue);
                store.notify(|lanes| lanes.commit);
            }
            None => queue.led = false,
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the database is closed")
}
