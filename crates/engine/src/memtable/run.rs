//! A sorted run: an immutable, sorted list of references to records.
//!
//! Any thread may read one. The references are parallel to digests (see `sort`), so that a search mostly
//! stays in one array of integers.
//!
//! Invariant behind every `unsafe` here: all references of a run come from the order list of `records`, which
//! the run keeps alive.

#![allow(unsafe_code)]

use std::cmp::Ordering as Cmp;
use std::sync::Arc;

use crate::key;
use crate::sync::{AtomicUsize, Ordering};

use super::arena::{Record, Ref};
use super::records::Records;
use super::sort::{self, Entry, common, digest};

/// A sorted list of records.
pub(super) struct Run {
    records: Arc<Records>,
    /// What all keys start with.
    prefix: Box<[u8]>,
    /// The digest of each key behind the prefix.
    digests: Box<[u64]>,
    refs: Box<[Ref]>,
    /// The bytes of all runs of the memtable; this run's are in it as long as it lives.
    held: Arc<AtomicUsize>,
}

impl Run {
    /// Sorts the records from number `from` up to `to`.
    pub(super) fn sorted(records: &Arc<Records>, from: usize, to: usize, held: &Arc<AtomicUsize>) -> Self {
        let mut entries: Vec<Entry> = records.refs(from, to).map(|at| Entry { digest: 0, at }).collect();
        // SAFETY: the references were just taken from `records`.
        let record = |at| unsafe { records.record(at) };
        let shared = sort::sort(&mut entries, &record);
        let prefix = entries.first().map_or(Box::default(), |e| Box::from(&record(e.at).key()[..shared]));
        let digests = entries.iter().map(|e| e.digest).collect();
        let refs = entries.iter().map(|e| e.at).collect();
        Self::new(records.clone(), prefix, digests, refs, held.clone())
    }

    /// Merges two runs of the same records.
    pub(super) fn merged(a: &Self, b: &Self) -> Self {
        assert!(Arc::ptr_eq(&a.records, &b.records), "runs of different memtables");
        let shared = common(&a.prefix, &b.prefix);
        let (len, prefix) = (a.len() + b.len(), Box::from(&a.prefix[..shared]));
        let (mut digests, mut refs) = (Vec::with_capacity(len), Vec::with_capacity(len));
        let mut left = a.entries(shared).peekable();
        let mut right = b.entries(shared).peekable();
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some(x), Some(y)) if a.compare_entries(x, y) == Cmp::Greater => right.next(),
                (Some(_), _) => left.next(),
                (None, _) => right.next(),
            };
            let Some(entry) = next else { break };
            digests.push(entry.digest);
            refs.push(entry.at);
        }
        Self::new(a.records.clone(), prefix, digests.into(), refs.into(), a.held.clone())
    }

    fn new(
        records: Arc<Records>,
        prefix: Box<[u8]>,
        digests: Box<[u64]>,
        refs: Box<[Ref]>,
        held: Arc<AtomicUsize>,
    ) -> Self {
        let run = Self { records, prefix, digests, refs, held };
        run.held.fetch_add(run.bytes(), Ordering::Relaxed);
        run
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.prefix.len() + size_of_val(&*self.digests) + size_of_val(&*self.refs)
    }

    /// The entries, with digests behind `prefix` bytes, which is at most the run's own prefix.
    fn entries(&self, prefix: usize) -> impl Iterator<Item = Entry> + '_ {
        let same = prefix == self.prefix.len();
        self.refs.iter().zip(&self.digests).map(move |(&at, &own)| Entry {
            at,
            digest: if same { own } else { digest(self.resolve(at).key(), prefix) },
        })
    }

    /// Compares entries of runs of the same records, their digests behind the same prefix.
    fn compare_entries(&self, x: &Entry, y: &Entry) -> Cmp {
        x.digest.cmp(&y.digest).then_with(|| {
            let (x, y) = (self.resolve(x.at), self.resolve(y.at));
            key::compare(x.key(), x.trailer(), y.key(), y.trailer())
        })
    }

    /// The record of one of the run's own references, or of a run of the same records.
    #[inline]
    fn resolve(&self, at: Ref) -> Record<'_> {
        // SAFETY: private, and only called with references of runs whose `records` are this run's; those came
        // from `Records::refs`.
        unsafe { self.records.record(at) }
    }

    /// The number of records.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.refs.len()
    }

    /// Record number `at` of the run.
    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<Record<'_>> {
        self.refs.get(at).map(|&at| self.resolve(at))
    }

    /// Asks the processor for record number `at`, if there is one.
    #[inline]
    pub(super) fn prefetch(&self, at: usize) {
        if let Some(record) = self.get(at) {
            record.prefetch();
        }
    }

    /// Whether the digests of both runs can be compared.
    pub(super) fn same_prefix(&self, other: &Self) -> bool {
        self.prefix == other.prefix
    }

    /// The digest of record number `at`, which must exist.
    #[inline]
    pub(super) fn digest(&self, at: usize) -> u64 {
        self.digests[at]
    }

    /// The number of the first record at or after `(user_key, trailer)`; the length when there is none.
    pub(super) fn lower_bound(&self, user_key: &[u8], trailer: u64) -> usize {
        let shared = common(&self.prefix, user_key);
        if shared < self.prefix.len() {
            // The key leaves the prefix, upwards or downwards, or ends within it.
            let before = user_key.get(shared).is_none_or(|byte| *byte < self.prefix[shared]);
            return if before { 0 } else { self.len() };
        }
        let sought = digest(user_key, shared);
        let from = self.digests.partition_point(|&d| d < sought);
        let ties = self.digests[from..].partition_point(|&d| d == sought);
        let before = |at: &Ref| {
            let record = self.resolve(*at);
            key::compare(record.key(), record.trailer(), user_key, trailer) == Cmp::Less
        };
        from + self.refs[from..from + ties].partition_point(before)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes(), Ordering::Relaxed);
    }
}
