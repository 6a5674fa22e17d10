//! L0 as a stack of sorted runs.
//!
//! Flushed tables overlap, but not all of them with all others. A table's sublevel is one more than the
//! highest sublevel among the older tables it overlaps, so each sublevel is a sorted run and a read asks at
//! most one table of each. The idea is Pebble's (`internal/manifest/l0_sublevels.go`). Pure; any thread.
//!
//! ```text
//!  newest   ├──E──┤   ├─D─┤             sublevel 2   ├──E──┤
//!           ├─────C──────┤        =>    sublevel 1   ├─────C──────┤
//!  oldest   ├─A─┤       ├──B──┤         sublevel 0   ├─A─┤       ├──B──┤      (D over C and B: sublevel 2)
//! ```

use super::TableRef;

#[cfg(test)]
mod tests;

/// Stacks `tables`, newest first, into sorted runs, newest run first. `O(n²)` comparisons at worst, for L0's few
/// tables.
pub(super) fn stack<T: TableRef>(tables: &[T]) -> Vec<Vec<T>> {
    let mut runs: Vec<Vec<T>> = Vec::new();
    for table in tables.iter().rev() {
        let bounds = table.meta().bounds();
        let touches = |run: &Vec<T>| !super::overlap(run, &bounds).is_empty();
        let sublevel = runs.iter().rposition(touches).map_or(0, |below| below + 1);
        match runs.get_mut(sublevel) {
            Some(run) => {
                let at = run.partition_point(|t| t.meta().smallest < table.meta().smallest);
                run.insert(at, table.clone());
            }
            None => runs.push(vec![table.clone()]),
        }
    }
    runs.reverse();
    runs
}
