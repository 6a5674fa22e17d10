use super::*;
use crate::compaction::{Below, Reason};
use crate::version::Bounds;

fn task(ends: &[u8], size: u64) -> Task {
    Task {
        reason: Reason::LevelSize,
        inputs: Vec::new(),
        output_level: 3,
        is_trivial_move: false,
        range: Bounds::inclusive(b"", b"\xff").to_range(),
        input_bytes: 0,
        below: Below::default(),
        target_bytes: 1_000,
        grandparents: ends
            .iter()
            .map(|&e| Grandparent { end: [e].into(), end_exclusive: false, size })
            .collect(),
        max_grandparent_bytes: 5_000,
        writes: Some((3, 3)),
    }
}

/// The keys before which 100-byte records, one a key, are cut, and the size of each output cut off.
fn cuts(task: &Task) -> Vec<(u8, u64)> {
    let mut cutter = Cutter::new(task);
    let mut bytes = 0;
    let mut cuts = Vec::new();
    for key in 0..=100u8 {
        if cutter.cut_before(&[key], bytes) {
            cuts.push((key, bytes));
            bytes = 0;
        }
        bytes += 100;
    }
    cuts
}

#[test]
fn without_borders_an_output_is_as_large_as_its_target() {
    let sizes: Vec<_> = cuts(&task(&[], 0)).into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(sizes, [1_000; 10]);
}

#[test]
fn outputs_end_where_tables_of_the_next_level_end() {
    let task = task(&[5, 13, 20, 26, 40, 55], 100);
    let cuts: Vec<_> = cuts(&task).into_iter().map(|(key, _)| key).collect();
    // 6..=13 and 14..=20 are long enough; 27..=40 is not reached before the hard end.
    assert_eq!(cuts[..5], [6, 14, 21, 27, 41]);
}

#[test]
fn an_output_over_too_much_of_the_next_level_is_cut_early() {
    let task = task(&[2, 50], 6_000);
    assert_eq!(cuts(&task)[0], (3, 300));
}

#[test]
fn a_target_without_end_is_never_cut() {
    let task = Task { target_bytes: u64::MAX, ..task(&[2, 50], 6_000) };
    assert!(cuts(&task).is_empty());
}
