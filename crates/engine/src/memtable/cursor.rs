//! A cursor over a memtable: one sorted run, or a merge of a few.
//!
//! Belongs to one thread at a time. It shows the records that were there when it was opened, point records of all
//! seqnos; whoever reads through it filters by snapshot. It keeps the memtable and its runs alive.

use std::cmp::Ordering as Cmp;
use std::sync::Arc;

use crate::error::Result;
use crate::iter::Cursor;
use crate::key;

use super::Memtable;
use super::arena::Record;
use super::run::Run;
use super::view::View;

/// So many records ahead are fetched while the cursor walks. Neighbours in order are strangers in memory.
const AHEAD: usize = 8;

/// A cursor over the point records of a memtable; made by [`Memtable::cursor`]. Its moves never fail.
pub struct MemtableCursor {
    /// Where each run stands. Going forward, at its first record at or after the current one; going back, at
    /// its last at or before. A number past either end (`len` or `usize::MAX`) means there is none.
    runs: Vec<Position>,
    /// The runs that stand on a record, in the order in which their records come: the first is current.
    order: Vec<usize>,
    forward: bool,
    /// Whether digests of different runs can be compared.
    comparable: bool,
    _memtable: Arc<Memtable>,
}

struct Position {
    run: Arc<Run>,
    at: usize,
}

impl Position {
    #[inline]
    fn record(&self) -> Option<Record<'_>> {
        self.run.get(self.at)
    }
}

impl MemtableCursor {
    pub(super) fn new(memtable: Arc<Memtable>, view: &View) -> Self {
        let runs: Vec<Position> =
            view.runs.iter().map(|run| Position { run: run.clone(), at: usize::MAX }).collect();
        let comparable = runs.windows(2).all(|pair| pair[0].run.same_prefix(&pair[1].run));
        let order = Vec::with_capacity(runs.len());
        Self { runs, order, forward: true, comparable, _memtable: memtable }
    }

    #[inline]
    fn record(&self) -> Option<Record<'_>> {
        self.runs[*self.order.first()?].record()
    }

    /// Puts every run where `place` says and finds the current one.
    fn position(&mut self, forward: bool, place: impl Fn(&Position) -> usize) {
        self.forward = forward;
        self.order.clear();
        for (number, position) in self.runs.iter_mut().enumerate() {
            position.at = place(position);
            if position.at < position.run.len() {
                self.order.push(number);
            }
        }
        let mut order = std::mem::take(&mut self.order);
        order.sort_unstable_by(|&x, &y| self.compare(x, y));
        self.order = order;
    }

    /// Which of two runs, both on a record, comes first in the direction of travel.
    #[inline]
    fn compare(&self, x: usize, y: usize) -> Cmp {
        let (x, y) = if self.forward { (x, y) } else { (y, x) };
        let (x, y) = (&self.runs[x], &self.runs[y]);
        if self.comparable {
            let by_digest = x.run.digest(x.at).cmp(&y.run.digest(y.at));
            if by_digest != Cmp::Equal {
                return by_digest;
            }
        }
        match (x.record(), y.record()) {
            (Some(x), Some(y)) => key::compare(x.key(), x.trailer(), y.key(), y.trailer()),
            _ => Cmp::Equal,
        }
    }

    /// Moves the current run by one and puts it where it now belongs in the order.
    #[inline]
    fn advance(&mut self) {
        let Some(&current) = self.order.first() else { return };
        let position = &mut self.runs[current];
        let (next, ahead) = if self.forward {
            (position.at + 1, position.at + AHEAD)
        } else {
            (position.at.wrapping_sub(1), position.at.wrapping_sub(AHEAD))
        };
        position.run.prefetch(ahead);
        position.at = next;
        if next >= position.run.len() {
            self.order.remove(0);
            return;
        }
        for i in 1..self.order.len() {
            if self.compare(self.order[i - 1], self.order[i]) != Cmp::Greater {
                break;
            }
            self.order.swap(i - 1, i);
        }
    }

    /// Turns around: the runs stand at the neighbours of the current record on one side, and step over it to
    /// those on the other.
    #[cold]
    fn turn(&mut self, forward: bool) {
        let step = if forward { 1 } else { usize::MAX };
        self.position(forward, |p| p.at.wrapping_add(step));
    }

    fn step(&mut self, forward: bool) {
        if self.order.is_empty() {
        } else if self.forward == forward {
            self.advance();
        } else {
            self.turn(forward);
        }
    }
}

impl Cursor for MemtableCursor {
    fn valid(&self) -> bool {
        !self.order.is_empty()
    }

    fn seek_to_first(&mut self) -> Result<()> {
        self.position(true, |_| 0);
        Ok(())
    }

    fn seek_to_last(&mut self) -> Result<()> {
        self.position(false, |p| p.run.len().wrapping_sub(1));
        Ok(())
    }

    fn seek(&mut self, user_key: &[u8], trailer: u64) -> Result<()> {
        self.position(true, |p| p.run.lower_bound(user_key, trailer));
        Ok(())
    }

    fn seek_before(&mut self, user_key: &[u8]) -> Result<()> {
        self.position(false, |p| p.run.lower_bound(user_key, u64::MAX).wrapping_sub(1));
        Ok(())
    }

    #[inline]
    fn next(&mut self) -> Result<()> {
        self.step(true);
        Ok(())
    }

    #[inline]
    fn prev(&mut self) -> Result<()> {
        self.step(false);
        Ok(())
    }

    #[inline]
    fn user_key(&self) -> &[u8] {
        self.record().map_or(&[], Record::key)
    }

    #[inline]
    fn trailer(&self) -> u64 {
        self.record().map_or(0, Record::trailer)
    }

    #[inline]
    fn value(&self) -> &[u8] {
        self.record().map_or(&[], Record::value)
    }
}
