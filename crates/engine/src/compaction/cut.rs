//! Where one output table ends and the next begins.
//!
//! A table that ends where a table of the next level ends overlaps fewer of them when its own turn comes (RocksDB
//! measured 12 % fewer bytes). So an output may end early at such a border: from half its target size on, the
//! later the more borders it has already seen. And a table that overlaps too much of the next level is cut
//! however small it is, which bounds the next compaction (LevelDB's grandparent limit).

use std::cmp::Ordering;

use super::{Grandparent, Task};

#[cfg(test)]
mod tests;

/// Decides, key by key in ascending order, where to cut. One for each run of a task.
#[derive(Debug)]
pub struct Cutter<'a> {
    grandparents: &'a [Grandparent],
    target: u64,
    max_overlap: u64,
    /// Borders seen since the last cut.
    borders: u64,
    /// Bytes of the grandparents left behind since the last cut.
    overlap: u64,
}

impl<'a> Cutter<'a> {
    /// For the outputs of `task`.
    pub fn new(task: &'a Task) -> Self {
        let grandparents = task.grandparents.as_slice();
        let (target, max_overlap) = (task.target_bytes, task.max_grandparent_bytes);
        Self { grandparents, target, max_overlap, borders: 0, overlap: 0 }
    }

    /// Whether to end the output, of `output_bytes` so far, before `next_user_key`. Ask once for each new user key,
    /// never between two versions of one key: a user key is never in two tables.
    #[inline]
    pub fn cut_before(&mut self, next_user_key: &[u8], output_bytes: u64) -> bool {
        let passed = self.pass(next_user_key);
        if output_bytes == 0 {
            self.restart();
            return false;
        }
        if self.target == u64::MAX {
            return false;
        }
        let percent = 50 + (5 * self.borders).min(40);
        // Without any border before the end, wait for none.
        let hard = if self.grandparents.is_empty() { self.target } else { self.target + self.target / 2 };
        let cut = output_bytes >= hard
            || (passed && output_bytes >= self.target / 100 * percent)
            || (passed && self.overlap > self.max_overlap);
        if cut {
            self.restart();
        }
        cut
    }

    fn restart(&mut self) {
        self.borders = 0;
        self.overlap = 0;
    }

    /// Leaves behind the grandparents that end before `key`; says whether there was one.
    #[inline]
    fn pass(&mut self, key: &[u8]) -> bool {
        let mut passed = false;
        while let Some((first, rest)) = self.grandparents.split_first() {
            match (*first.end).cmp(key) {
                Ordering::Less => {}
                Ordering::Equal if first.end_exclusive => {}
                _ => break,
            }
            self.grandparents = rest;
            self.borders += 1;
            self.overlap += first.size;
            passed = true;
        }
        passed
    }
}
