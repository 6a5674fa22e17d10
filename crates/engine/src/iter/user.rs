//! What a snapshot sees: internal entries turned into user entries.
//!
//! Of each user key the newest record at or below the snapshot decides: a value is shown; a tombstone, an expired value
//! or a value under a newer range tombstone hides the key. Used by one thread at a time. All moves of a cursor see
//! values expire as of one moment: when the first value with an expiry was met.
//!
//! Invariants while valid: going forward, the merge stands on the shown record, and key and value are its own
//! bytes. Going backward, key and value are copies, and the merge stands before every record of the key (the
//! newest version of a key is met last going back). After [`SKIPS`] fruitless steps it seeks instead: over the
//! rest of one key's versions, or, in the sources older than a range tombstone, over the rest of its range.
//! Both are LevelDB's and RocksDB's ways (`db_iter.cc`).

use std::ops::Bound;
use std::sync::Arc;

use super::{Cursor, MergeCursor};
use crate::error::{Error, Result};
use crate::event::Clock;
use crate::expiry::{Now, Said};
use crate::key::{self, SeqNo};
use crate::range_del::RangeDels;

#[cfg(test)]
mod tests;

/// How many hidden records are stepped over before a seek is tried.
const SKIPS: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not on an entry.
    Nowhere,
    /// On an entry; the merge stands on its record.
    Forward,
    /// On an entry held in `key` and `value`; the merge stands before it.
    Backward,
}

/// Bounds on user keys; cheap to clone.
#[derive(Clone)]
pub struct Bounds {
    /// The first key allowed.
    pub lower: Option<Arc<[u8]>>,
    /// The first key no longer allowed.
    pub upper: Option<Arc<[u8]>>,
}

impl Bounds {
    /// From where keys start and to where they end.
    pub fn new(lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> Self {
        let lower = match lower {
            Bound::Unbounded => None,
            Bound::Included(key) => Some(key.into()),
            Bound::Excluded(key) => Some(successor(key)),
        };
        let upper = match upper {
            Bound::Unbounded => None,
            Bound::Included(key) => Some(successor(key)),
            Bound::Excluded(key) => Some(key.into()),
        };
        Self { lower, upper }
    }
}

/// A cursor over the entries visible at a snapshot, within bounds, both ways.
///
/// Starts unpositioned. An error is sticky: the cursor is not valid after it, and every later move returns it again.
pub struct UserCursor<C> {
    merge: MergeCursor<C>,
    snapshot: SeqNo,
    bounds: Bounds,
    /// Range tombstones, each set with the rank of the source it comes from.
    range_dels: Vec<(usize, Arc<RangeDels>)>,
    state: State,
    /// Backward: the key shown. Otherwise: the key whose remaining versions are skipped, or scratch.
    key: Vec<u8>,
    /// Backward: the value shown.
    value: Vec<u8>,
    /// Forward: where the user's value starts in the record's.
    value_at: usize,
    now: Now<Clock>,
    failed: Option<Error>,
}

/// The newest range tombstone over a key.
struct Cover<'a> {
    rank: usize,
    seqno: SeqNo,
    start: &'a [u8],
    end: &'a [u8],
}

impl<C: Cursor> UserCursor<C> {
    /// Over `merge` (children newest first) at `snapshot`, within the bounds on user keys. `range_dels` holds the range
    /// tombstones of the children with their ranks (as [`MergeCursor::rank`]; several sets may share a rank):
    /// wherever a tombstone of rank `i` covers a key, the children ranked after `i` hold only older records of it. `now`
    /// says which values have expired.
    pub fn new(
        merge: MergeCursor<C>,
        snapshot: SeqNo,
        bounds: Bounds,
        mut range_dels: Vec<(usize, Arc<RangeDels>)>,
        now: Now<Clock>,
    ) -> Self {
        range_dels.retain(|(_, set)| !set.is_empty());
        let (key, value) = (Vec::new(), Vec::new());
        Self {
            merge,
            snapshot,
            bounds,
            range_dels,
            state: State::Nowhere,
            key,
            value,
            value_at: 0,
            now,
            failed: None,
        }
    }

    /// The present that its moves saw, for a cursor that takes its place.
    pub fn into_now(self) -> Now<Clock> {
        self.now
    }

    /// Whether the cursor stands on an entry.
    pub fn valid(&self) -> bool {
        self.state != State::Nowhere
    }

    /// The key here; empty when not valid. Lives until the next move.
    pub fn key(&self) -> &[u8] {
        match self.state {
            State::Nowhere => &[],
            State::Forward => self.merge.user_key(),
            State::Backward => &self.key,
        }
    }

    /// The value here; empty when not valid. Lives until the next move.
    pub fn value(&self) -> &[u8] {
        match self.state {
            State::Nowhere => &[],
            State::Forward => self.merge.value().get(self.value_at..).unwrap_or_default(),
            State::Backward => &self.value,
        }
    }

    /// To the first entry within the bounds.
    pub fn seek_to_first(&mut self) -> Result<()> {
        self.guarded(|c| {
            match &c.bounds.lower {
                Some(lower) => c.merge.seek(lower, u64::MAX)?,
                None => c.merge.seek_to_first()?,
            }
            c.find_forward(false)
        })
    }

    /// To the last entry within the bounds.
    pub fn seek_to_last(&mut self) -> Result<()> {
        self.guarded(|c| {
            match &c.bounds.upper {
                Some(upper) => c.merge.seek_before(upper)?,
                None => c.merge.seek_to_last()?,
            }
            c.find_backward()
        })
    }

    /// To the first entry at or after `key`.
    pub fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.guarded(|c| {
            let target = c.bounds.lower.as_deref().map_or(key, |lower| lower.max(key));
            c.merge.seek(target, key::seek_trailer(c.snapshot))?;
            c.find_forward(false)
        })
    }

    /// To the last entry at or before `key`.
    pub fn seek_for_prev(&mut self, key: &[u8]) -> Result<()> {
        self.guarded(|c| {
            c.key.clear();
            c.key.extend_from_slice(key);
            c.key.push(0);
            let target = c.bounds.upper.as_deref().map_or(&*c.key, |upper| upper.min(&c.key));
            c.merge.seek_before(target)?;
            c.find_backward()
        })
    }

    /// To the entry after this one. Does nothing when not valid.
    #[expect(
        clippy::should_implement_trait,
        reason = "a cursor lends its entries and fails; an Iterator cannot"
    )]
    pub fn next(&mut self) -> Result<()> {
        self.guarded(|c| {
            match c.state {
                State::Nowhere => return Ok(()),
                State::Forward => {
                    c.save_key();
                    c.merge.next()?;
                }
                // The merge stands before the key, but not always right before it: older sources may have skipped
                // a cleared range.
                State::Backward => c.merge.seek(&c.key, u64::MAX)?,
            }
            c.find_forward(true)
        })
    }

    /// To the entry before this one. Does nothing when not valid.
    pub fn prev(&mut self) -> Result<()> {
        self.guarded(|c| {
            match c.state {
                State::Nowhere => return Ok(()),
                State::Forward => {
                    c.save_key();
                    c.leave_key_backward()?;
                }
                State::Backward => {}
            }
            c.find_backward()
        })
    }

    fn guarded(&mut self, step: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        step(self).inspect_err(|error| {
            self.state = State::Nowhere;
            self.failed = Some(error.clone());
        })
    }

    fn save_key(&mut self) {
        self.key.clear();
        self.key.extend_from_slice(self.merge.user_key());
    }

    /// Stands on the first visible entry at or after the merge's place. With `skip_saved`, versions of the
    /// saved key do not count.
    fn find_forward(&mut self, mut skip_saved: bool) -> Result<()> {
        self.state = State::Nowhere;
        let mut same_key = 0;
        let mut covered = 0;
        while self.merge.valid() && !self.past_upper() {
            let trailer = self.merge.trailer();
            if skip_saved && self.merge.user_key() == &*self.key {
                same_key += 1;
                if same_key > SKIPS {
                    same_key = 0;
                    self.merge.seek(&self.key, 0)?;
                    if self.merge.valid() && self.merge.user_key() == &*self.key {
                        self.merge.next()?;
                    }
                } else {
                    self.merge.next()?;
                }
                continue;
            }
            if key::seqno_of(trailer) > self.snapshot {
                if skip_saved || self.merge.user_key() != &*self.key {
                    (skip_saved, same_key) = (false, 0);
                    self.save_key();
                }
                same_key += 1;
                if same_key > SKIPS {
                    same_key = 0;
                    self.merge.seek(&self.key, key::seek_trailer(self.snapshot))?;
                } else {
                    self.merge.next()?;
                }
                continue;
            }
            let said = Said::by(trailer, || self.merge.value(), &mut self.now)?;
            if said == Said::Gone {
                (skip_saved, same_key) = (true, 0);
                self.save_key();
                self.merge.next()?;
                continue;
            }
            self.value_at = said.value_at();
            let hidden = cover(&self.range_dels, self.snapshot, self.merge.user_key())
                .filter(|c| c.seqno > key::seqno_of(trailer));
            let Some(cover) = hidden else {
                self.state = State::Forward;
                return Ok(());
            };
            covered += 1;
            let rank = cover.rank;
            if covered > SKIPS && self.merge.rank() > Some(rank) {
                covered = 0;
                self.key.clear();
                self.key.extend_from_slice(cover.end);
                skip_saved = false;
                self.merge.skip_to(rank + 1, &self.key)?;
            } else {
                (skip_saved, same_key) = (true, 0);
                self.save_key();
                self.merge.next()?;
            }
        }
        Ok(())
    }

    /// Stands on the last visible entry at or before the merge's place, which is on the oldest record of its key.
    fn find_backward(&mut self) -> Result<()> {
        self.state = State::Nowhere;
        let mut covered = 0;
        while self.merge.valid() && !self.before_lower() {
            self.save_key();
            let Some((seqno, rank)) = self.take_newest()? else { continue };
            let cover = cover(&self.range_dels, self.snapshot, &self.key).filter(|c| c.seqno > seqno);
            let Some(cover) = cover else {
                self.state = State::Backward;
                return Ok(());
            };
            covered += 1;
            if covered > SKIPS && rank > cover.rank {
                covered = 0;
                let (first, start) = (cover.rank + 1, cover.start.to_vec());
                self.merge.skip_before(first, &start)?;
            }
        }
        Ok(())
    }

    /// Walks back over all records of the saved key. When the newest visible one is a value, copies it and
    /// returns its seqno and the rank of its child.
    fn take_newest(&mut self) -> Result<Option<(SeqNo, usize)>> {
        let mut newest = None;
        let mut steps = 0;
        while self.merge.valid() && self.merge.user_key() == &*self.key {
            if key::seqno_of(self.merge.trailer()) > self.snapshot {
                self.leave_key_backward()?;
                break;
            }
            steps += 1;
            if steps > SKIPS {
                self.merge.seek(&self.key, key::seek_trailer(self.snapshot))?;
                if self.merge.valid() && self.merge.user_key() == &*self.key {
                    newest = self.take()?;
                }
                self.merge.seek_before(&self.key)?;
                break;
            }
            newest = self.take()?;
            self.merge.prev()?;
        }
        Ok(newest)
    }

    /// Copies the value of the merge's record, if it is one.
    fn take(&mut self) -> Result<Option<(SeqNo, usize)>> {
        let trailer = self.merge.trailer();
        let said = Said::by(trailer, || self.merge.value(), &mut self.now)?;
        if said == Said::Gone {
            return Ok(None);
        }
        self.value.clear();
        self.value.extend_from_slice(said.value(self.merge.value()));
        Ok(Some((key::seqno_of(trailer), self.merge.rank().unwrap_or(0))))
    }

    /// Moves the merge before every record of the saved key.
    fn leave_key_backward(&mut self) -> Result<()> {
        for _ in 0..SKIPS {
            if !self.merge.valid() || self.merge.user_key() != &*self.key {
                return Ok(());
            }
            self.merge.prev()?;
        }
        self.merge.seek_before(&self.key)
    }

    fn past_upper(&self) -> bool {
        self.bounds.upper.as_deref().is_some_and(|upper| self.merge.user_key() >= upper)
    }

    fn before_lower(&self) -> bool {
        self.bounds.lower.as_deref().is_some_and(|lower| self.merge.user_key() < lower)
    }
}

/// The newest range tombstone over `user_key` that the snapshot sees.
#[inline]
fn cover<'a>(sets: &'a [(usize, Arc<RangeDels>)], snapshot: SeqNo, user_key: &[u8]) -> Option<Cover<'a>> {
    let covers = sets.iter().filter_map(|(rank, set)| {
        let (seqno, start, end) = set.covering_range(user_key, snapshot)?;
        Some(Cover { rank: *rank, seqno, start, end })
    });
    covers.max_by_key(|cover| cover.seqno)
}

/// The smallest key greater than `key`.
fn successor(key: &[u8]) -> Arc<[u8]> {
    key.iter().copied().chain([0]).collect()
}
