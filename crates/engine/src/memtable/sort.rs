//! Sorting records by digest: eight bytes of each key behind what all keys share.
//!
//! Comparing integers side by side in memory is many times cheaper than following references to keys, and most
//! pairs differ in their digests. Keys that share a digest are sorted again by the eight bytes after what *they*
//! share, and so on (the idea of multikey quicksort, Bentley and Sedgewick 1997, with words for characters).

use super::arena::{Record, Ref};
use crate::key;

/// Groups smaller than this are sorted by comparing whole keys.
const SMALL: usize = 16;
/// So many entries ahead the keys of ties are fetched.
const AHEAD: usize = 32;
/// So many times ties are sorted by their next bytes; then, too, whole keys are compared. Bounds the stack.
const DEEPEST: usize = 8;

/// A record and the digest of its key.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) digest: u64,
    pub(super) at: Ref,
}

/// The eight bytes of `key` from `skip` on as a big-endian number, zeros where the key has ended. Of two keys equal
/// up to `skip`, the one with the smaller digest is the smaller; equal digests say nothing.
#[inline]
pub(super) fn digest(key: &[u8], skip: usize) -> u64 {
    let rest = key.get(skip..).unwrap_or_default();
    match rest.first_chunk::<8>() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => {
            rest.iter().enumerate().fold(0, |digest, (i, &byte)| digest | u64::from(byte) << (56 - 8 * i))
        }
    }
}

/// How many bytes `a` and `b` share at their starts.
pub(super) fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The length of what all `keys` share at their starts; `skip` of it is known.
pub(super) fn common_prefix<'a>(mut keys: impl Iterator<Item = &'a [u8]>, skip: usize) -> usize {
    let Some(first) = keys.next() else { return skip };
    let mut shared = first;
    for key in keys {
        if shared.len() == skip {
            break;
        }
        if !key.starts_with(shared) {
            shared = &shared[..common(shared, key)];
        }
    }
    shared.len()
}

/// Sorts `entries` in internal order; leaves in each the digest behind the prefix all keys share, and returns that
/// prefix's length.
pub(super) fn sort<'a>(entries: &mut [Entry], record: &impl Fn(Ref) -> Record<'a>) -> usize {
    sort_behind(entries, 0, 0, record)
}

/// The same for keys that share `skip` bytes, in a recursion of this `depth`.
fn sort_behind<'a>(
    entries: &mut [Entry],
    skip: usize,
    depth: usize,
    record: &impl Fn(Ref) -> Record<'a>,
) -> usize {
    let prefix = common_prefix(entries.iter().map(|e| record(e.at).key()), skip);
    for entry in entries.iter_mut() {
        entry.digest = digest(record(entry.at).key(), prefix);
    }
    entries.sort_unstable_by_key(|e| e.digest);
    let (mut from, mut fetched) = (0, 0);
    while from < entries.len() {
        // What will be compared lies anywhere in memory: fetch it some groups ahead.
        let ahead = entries.len().min(from + AHEAD);
        for pair in entries.get(fetched..ahead).unwrap_or_default().windows(2) {
            if pair[0].digest == pair[1].digest {
                record(pair[0].at).prefetch();
                record(pair[1].at).prefetch();
            }
        }
        fetched = ahead.saturating_sub(1);
        let digest = entries[from].digest;
        let ties = entries[from..].iter().take_while(|e| e.digest == digest).count();
        if ties > 1 {
            sort_ties(&mut entries[from..from + ties], prefix, depth, record);
        }
        from += ties;
    }
    prefix
}

/// Sorts entries whose keys share `skip` bytes and the digest behind them.
fn sort_ties<'a>(ties: &mut [Entry], skip: usize, depth: usize, record: &impl Fn(Ref) -> Record<'a>) {
    let first = record(ties[0].at).key();
    if ties.len() < SMALL || depth == DEEPEST {
        by_key(ties, record);
    } else if ties.iter().all(|e| record(e.at).key() == first) {
        // Versions of one key, newest first.
        ties.sort_unstable_by_key(|e| u64::MAX - record(e.at).trailer());
    } else {
        let digest = ties[0].digest;
        sort_behind(ties, skip, depth + 1, record);
        for entry in ties {
            entry.digest = digest;
        }
    }
}

fn by_key<'a>(entries: &mut [Entry], record: &impl Fn(Ref) -> Record<'a>) {
    entries.sort_unstable_by(|a, b| {
        let (a, b) = (record(a.at), record(b.at));
        key::compare(a.key(), a.trailer(), b.key(), b.trailer())
    });
}

#[cfg(test)]
mod tests;
