use proptest::prelude::*;

use super::*;
use crate::version::TableMeta;

fn table(number: u64, start: u8, end: u8) -> TableMeta {
    TableMeta {
        number,
        smallest: [start].into(),
        largest: [end].into(),
        max_seqno: number,
        ..Default::default()
    }
}

fn numbers(runs: &[Vec<TableMeta>]) -> Vec<Vec<u64>> {
    runs.iter().map(|run| run.iter().map(|t| t.number).collect()).collect()
}

#[test]
fn tables_that_do_not_overlap_share_a_sublevel() {
    let (a, b, c) = (table(1, 0, 3), table(2, 8, 12), table(3, 1, 10));
    let (d, e) = (table(4, 9, 11), table(5, 0, 5));
    assert_eq!(numbers(&stack(&[e, d, c, b, a])), [vec![5, 4], vec![3], vec![1, 2]]);
}

proptest! {
    #[test]
    fn each_run_is_sorted_and_newer_tables_lie_above(list in prop::collection::vec((0u8..40, 0u8..6), 0..20)) {
        let mut tables: Vec<_> =
            list.iter().enumerate().map(|(i, &(s, w))| table(i as u64, s, s + w)).collect();
        tables.reverse();
        let runs = stack(&tables);
        prop_assert_eq!(runs.iter().map(Vec::len).sum::<usize>(), tables.len());
        for run in &runs {
            prop_assert!(run.windows(2).all(|w| w[0].largest < w[1].smallest));
        }
        let place = |n: u64| runs.iter().position(|r| r.iter().any(|t| t.number == n));
        for a in &tables {
            for b in &tables {
                if a.number > b.number && a.bounds().overlaps(&b.bounds()) {
                    prop_assert!(place(a.number) < place(b.number));
                }
            }
        }
    }
}
