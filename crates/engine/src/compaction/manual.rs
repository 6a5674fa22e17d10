//! Compaction of a key range on request: all of it ends up in the deepest level, without what may go.
//!
//! Stateless: the caller asks again after each task until [`RangePick::Done`]. Pure, like the picker.

use super::levels::BOTTOM;
use super::picker::Picker;
use super::{InFlight, Reason, Task};
use crate::key::SeqNo;
use crate::options::Options;
use crate::version::{Bounds, TableMeta, TableRef, Version};

/// What there is to do for a requested range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangePick {
    /// Run this task, install it and ask again.
    Run(Box<Task>),
    /// Running tasks are in the way. Ask again when one of them has ended.
    Busy,
    /// Nothing is left to do.
    Done,
}

/// The next step in compacting the keys of `range` (`None`: all), as far as they were written up to `upto`; later writes do
/// not keep the request going for ever. Flush the memtable first.
///
/// Data is taken level by level to the deepest level that holds any, and written again where the new level compresses
/// otherwise, even if it could be moved; there, tables with tombstones, expired values
/// or old versions that no snapshot needs are written again without them.
pub fn pick_range<T: TableRef>(
    version: &Version<T>,
    options: &Options,
    busy: &InFlight,
    range: Option<Bounds<'_>>,
    upto: SeqNo,
) -> RangePick {
    let picker = Picker::new(version, options, busy);
    let wanted =
        |t: &TableMeta| t.min_seqno <= upto && range.as_ref().is_none_or(|range| range.overlaps(&t.bounds()));
    let deepest = (0..=BOTTOM).rev().find(|&level| !version.level(level).is_empty()).unwrap_or(0);
    let mut waiting = false;
    for level in 0..=deepest {
        let tables = || version.level(level).iter().map(T::meta).filter(|t| wanted(t));
        let task = if level == 0 {
            picker.l0_task(Reason::Manual, wanted)
        } else if level < deepest {
            picker.free(level).filter(|t| wanted(t)).find_map(|t| picker.down(level, t, Reason::Manual))
        } else {
            let holds = |t: &TableMeta| picker.dead(t) > 0 && picker.may_vanish(t);
            if !tables().any(holds) {
                continue;
            }
            let free = picker.free(level).filter(|t| wanted(t) && holds(t));
            free.into_iter().find_map(|t| picker.again(level, t, Reason::Manual))
        };
        match task {
            Some(task) => return RangePick::Run(Box::new(task)),
            None => waiting |= tables().next().is_some(),
        }
    }
    if waiting { RangePick::Busy } else { RangePick::Done }
}
