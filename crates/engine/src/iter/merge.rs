//! Joins several cursors into one, in internal order.
//!
//! Children are ranked: child `i` holds newer records than child `j > i` wherever both have a key. Up to four
//! children are compared one by one; above that a binary heap keeps the order (measured: a loser tree never
//! won). Each child's first eight key bytes are cached, so that most comparisons touch no key memory.
//!
//! Used by one thread at a time. Invariants while valid and going forward: every child stands on its first
//! entry after the current one, or is past its end; backward is the mirror image. So turning round needs
//! one step of each child and no seek. Internal keys do not repeat; if damaged files hold one twice, the
//! newer child's comes first and nothing else breaks.

use std::cmp::Ordering;

use super::Cursor;
use crate::error::{Error, Result};
use crate::key;

#[cfg(test)]
pub(super) mod tests;

/// How many children are compared one by one; more use a heap.
const LINEAR: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

struct Child<C> {
    cursor: C,
    digest: u64,
}

/// A cursor over the entries of all its children. See [`Cursor`].
pub struct MergeCursor<C> {
    children: Vec<Child<C>>,
    /// Valid children as a binary heap with the current one on top; unused for few children.
    heap: Vec<usize>,
    current: Option<usize>,
    direction: Direction,
    failed: Option<Error>,
}

impl<C: Cursor> MergeCursor<C> {
    /// Joins `children`, newest first. Not positioned yet.
    pub fn new(children: Vec<C>) -> Self {
        let mut merge = Self::with_capacity(children.len());
        children.into_iter().for_each(|cursor| merge.push(cursor));
        merge
    }

    /// Joins nothing yet; has room for `children`.
    pub fn with_capacity(children: usize) -> Self {
        let heap = Vec::with_capacity(if children > LINEAR { children } else { 0 });
        let children = Vec::with_capacity(children);
        Self { children, heap, current: None, direction: Direction::Forward, failed: None }
    }

    /// Joins `cursor` as well, older than those before. Only before the first move.
    pub fn push(&mut self, cursor: C) {
        self.children.push(Child { cursor, digest: 0 });
    }

    /// How many children there are: the rank of the next one.
    pub fn ranks(&self) -> usize {
        self.children.len()
    }

    /// The rank of the child that holds the current entry: 0 is the newest.
    pub fn rank(&self) -> Option<usize> {
        self.current
    }

    /// Moves every child ranked `first` or older that stands before `user_key` to its first entry at or after
    /// it. For a cursor going forward over records known to be hidden.
    pub fn skip_to(&mut self, first: usize, user_key: &[u8]) -> Result<()> {
        self.skip(first, Direction::Forward, |cursor| match cursor.user_key() < user_key {
            true => cursor.seek(user_key, u64::MAX),
            false => Ok(()),
        })
    }

    /// Moves every child ranked `first` or older that stands at or after `user_key` to its last entry before
    /// it. For a cursor going backward over records known to be hidden.
    pub fn skip_before(&mut self, first: usize, user_key: &[u8]) -> Result<()> {
        self.skip(first, Direction::Backward, |cursor| match cursor.user_key() >= user_key {
            true => cursor.seek_before(user_key),
            false => Ok(()),
        })
    }

    fn skip(
        &mut self,
        first: usize,
        direction: Direction,
        mut step: impl FnMut(&mut C) -> Result<()>,
    ) -> Result<()> {
        self.guarded(|merge| {
            if merge.current.is_none() || merge.direction != direction {
                return Ok(());
            }
            for child in merge.children.iter_mut().skip(first).filter(|c| c.cursor.valid()) {
                step(&mut child.cursor)?;
            }
            merge.settle();
            Ok(())
        })
    }

    /// Runs a move: not at all after a failure, and a failure of its own is kept.
    fn guarded(&mut self, step: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        step(self).inspect_err(|error| {
            self.current = None;
            self.failed = Some(error.clone());
        })
    }

    /// Positions every child by `step`, then finds the current one.
    fn position(&mut self, direction: Direction, mut step: impl FnMut(&mut C) -> Result<()>) -> Result<()> {
        self.guarded(|merge| {
            merge.direction = direction;
            for child in &mut merge.children {
                step(&mut child.cursor)?;
            }
            merge.settle();
            Ok(())
        })
    }

    /// Makes every child but the current one, and then that one too, stand on the other side of the current entry.
    fn turn(&mut self, current: usize, direction: Direction) -> Result<()> {
        let (head, rest) = self.children.split_at_mut(current);
        let Some((this, tail)) = rest.split_first_mut() else { return Ok(()) };
        let here = (this.cursor.user_key(), this.cursor.trailer());
        for (older, child) in head.iter_mut().map(|c| (false, c)).chain(tail.iter_mut().map(|c| (true, c))) {
            let cursor = &mut child.cursor;
            match (direction, cursor.valid()) {
                (Direction::Forward, false) => cursor.seek_to_first()?,
                (Direction::Backward, false) => cursor.seek_to_last()?,
                _ => {}
            }
            // More than one step only when a source grew between its place and ours.
            while cursor.valid() {
                let order = key::compare(cursor.user_key(), cursor.trailer(), here.0, here.1);
                let after = order == Ordering::Greater || (order == Ordering::Equal && older);
                match direction {
                    Direction::Forward if !after => cursor.next()?,
                    Direction::Backward if after => cursor.prev()?,
                    _ => break,
                }
            }
        }
        self.direction = direction;
        self.step(current)?;
        self.settle();
        Ok(())
    }

    fn step(&mut self, current: usize) -> Result<()> {
        let cursor = &mut self.children[current].cursor;
        match self.direction {
            Direction::Forward => cursor.next(),
            Direction::Backward => cursor.prev(),
        }
    }

    fn advance(&mut self, direction: Direction) -> Result<()> {
        self.guarded(|merge| {
            let Some(current) = merge.current else { return Ok(()) };
            if merge.direction != direction {
                return merge.turn(current, direction);
            }
            merge.step(current)?;
            merge.refresh(current);
            if merge.children.len() <= LINEAR {
                merge.current = merge.linear_first();
                return Ok(());
            }
            if !merge.children[current].cursor.valid() {
                merge.heap.swap_remove(0);
            }
            merge.sift_down(0);
            merge.current = merge.heap.first().copied();
            Ok(())
        })
    }

    fn refresh(&mut self, index: usize) {
        let child = &mut self.children[index];
        child.digest = digest(child.cursor.user_key());
    }

    /// Finds the current child after any of them moved.
    fn settle(&mut self) {
        for index in 0..self.children.len() {
            self.refresh(index);
        }
        if self.children.len() <= LINEAR {
            self.current = self.linear_first();
            return;
        }
        self.heap.clear();
        self.heap.extend(self.children.iter().enumerate().filter(|(_, c)| c.cursor.valid()).map(|(i, _)| i));
        for at in (0..self.heap.len() / 2).rev() {
            self.sift_down(at);
        }
        self.current = self.heap.first().copied();
    }

    fn linear_first(&self) -> Option<usize> {
        let mut valid = (0..self.children.len()).filter(|&i| self.children[i].cursor.valid());
        let first = valid.next()?;
        Some(valid.fold(first, |best, i| if self.before(i, best) { i } else { best }))
    }

    /// Whether child `a`'s entry comes before child `b`'s in the current direction.
    #[inline]
    fn before(&self, a: usize, b: usize) -> bool {
        let (x, y) = (&self.children[a], &self.children[b]);
        let order = x.digest.cmp(&y.digest).then_with(|| {
            let (x, y) = (&x.cursor, &y.cursor);
            key::compare(x.user_key(), x.trailer(), y.user_key(), y.trailer()).then(a.cmp(&b))
        });
        match self.direction {
            Direction::Forward => order == Ordering::Less,
            Direction::Backward => order == Ordering::Greater,
        }
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let left = 2 * at + 1;
            let Some(&first) = self.heap.get(left) else { return };
            let smaller = match self.heap.get(left + 1) {
                Some(&right) if self.before(right, first) => left + 1,
                _ => left,
            };
            if !self.before(self.heap[smaller], self.heap[at]) {
                return;
            }
            self.heap.swap(at, smaller);
            at = smaller;
        }
    }

    fn here(&self) -> Option<&C> {
        self.current.and_then(|i| self.children.get(i)).map(|child| &child.cursor)
    }
}

/// The first eight bytes of a key as a number that orders as the bytes do; equal numbers decide nothing.
#[inline]
fn digest(user_key: &[u8]) -> u64 {
    if let Some(prefix) = user_key.first_chunk() {
        return u64::from_be_bytes(*prefix);
    }
    let mut bytes = [0; 8];
    bytes[..user_key.len()].copy_from_slice(user_key);
    u64::from_be_bytes(bytes)
}

impl<C: Cursor> Cursor for MergeCursor<C> {
    fn valid(&self) -> bool {
        self.current.is_some()
    }
    fn seek_to_first(&mut self) -> Result<()> {
        self.position(Direction::Forward, C::seek_to_first)
    }
    fn seek_to_last(&mut self) -> Result<()> {
        self.position(Direction::Backward, C::seek_to_last)
    }
    fn seek(&mut self, user_key: &[u8], trailer: u64) -> Result<()> {
        self.position(Direction::Forward, |cursor| cursor.seek(user_key, trailer))
    }
    fn seek_before(&mut self, user_key: &[u8]) -> Result<()> {
        self.position(Direction::Backward, |cursor| cursor.seek_before(user_key))
    }
    fn next(&mut self) -> Result<()> {
        self.advance(Direction::Forward)
    }
    fn prev(&mut self) -> Result<()> {
        self.advance(Direction::Backward)
    }
    fn user_key(&self) -> &[u8] {
        self.here().map_or(&[], C::user_key)
    }
    fn trailer(&self) -> u64 {
        self.here().map_or(0, C::trailer)
    }
    fn value(&self) -> &[u8] {
        self.here().map_or(&[], C::value)
    }
}
