use proptest::prelude::*;

use super::*;

fn table(number: u64, start: u8, end: u8) -> TableMeta {
    TableMeta {
        number,
        smallest: [start].into(),
        largest: [end].into(),
        max_seqno: number,
        ..Default::default()
    }
}

fn added(tables: &[(usize, TableMeta)]) -> VersionEdit {
    VersionEdit { added: tables.to_vec(), ..Default::default() }
}

fn numbers(tables: &[TableMeta]) -> Vec<u64> {
    tables.iter().map(|t| t.number).collect()
}

#[test]
fn l0_is_newest_first_and_levels_are_sorted() {
    let edit = added(&[
        (0, table(3, 0, 9)),
        (0, table(7, 0, 9)),
        (0, table(5, 0, 9)),
        (1, table(2, 5, 6)),
        (1, table(1, 0, 4)),
    ]);
    let version = Version::empty().apply(&edit, Clone::clone).unwrap();
    assert_eq!(numbers(version.level(0)), [7, 5, 3]);
    assert_eq!(numbers(version.level(1)), [1, 2]);
    let runs: Vec<_> = version.runs().map(|run| numbers(run)).collect();
    assert_eq!(runs, [vec![7], vec![5], vec![3], vec![1, 2]]);
    assert_eq!(find_in_run(version.level(1), &[5]).map(|t| t.number), Some(2));
    assert_eq!(find_in_run(version.level(1), &[4, 0]).map(|t| t.number), None);
    let hits: Vec<_> = version.overlapping(1, Bounds::inclusive(&[4], &[5])).map(|t| t.number).collect();
    assert_eq!(hits, [1, 2]);
}

#[test]
fn an_exclusive_end_may_touch_its_neighbour_and_an_inclusive_one_may_not() {
    let mut left = table(1, 0, 5);
    let edit = added(&[(3, left.clone()), (3, table(2, 5, 9))]);
    let error = Version::empty().apply(&edit, Clone::clone).unwrap_err();
    assert_eq!(error, ErrorKind::Internal);
    assert!(error.to_string().contains("tables 1 and 2 overlap in level 3"), "{error}");
    left.largest_exclusive = true;
    let version = Version::empty().apply(&added(&[(3, left), (3, table(2, 5, 9))]), Clone::clone).unwrap();
    assert_eq!(find_in_run(version.level(3), &[5]).map(|t| t.number), Some(2));
}

#[test]
fn edits_that_do_not_fit_are_refused() {
    let version = Version::empty().apply(&added(&[(1, table(1, 0, 4))]), Clone::clone).unwrap();
    let refuse = |edit: VersionEdit| version.apply(&edit, Clone::clone).unwrap_err().to_string();
    assert!(refuse(VersionEdit { removed: vec![(1, 9)], ..Default::default() }).contains("9"));
    assert!(refuse(VersionEdit { removed: vec![(2, 1)], ..Default::default() }).contains("level 2"));
    assert!(refuse(VersionEdit { removed: vec![(9, 1)], ..Default::default() }).contains("no level 9"));
    assert!(refuse(added(&[(2, table(1, 0, 4))])).contains("there already"));
    assert!(refuse(added(&[(2, table(8, 4, 0))])).contains("no key"));
}

#[test]
fn a_moved_table_keeps_its_handle_and_untouched_levels_are_shared() {
    let open = |meta: &TableMeta| Arc::new(meta.clone());
    let one = Version::empty().apply(&added(&[(0, table(1, 0, 4)), (3, table(2, 0, 9))]), open).unwrap();
    let edit = VersionEdit { removed: vec![(0, 1)], ..added(&[(1, table(1, 0, 4))]) };
    let two = one.apply(&edit, |_| panic!("nothing new is opened")).unwrap();
    assert!(Arc::ptr_eq(&one.level(0)[0], &two.level(1)[0]));
    assert!(Arc::ptr_eq(&one.levels[3], &two.levels[3]));
    assert!(two.level(0).is_empty() && two.sublevels().is_empty());
}

proptest! {
    #[test]
    fn run_searches_agree_with_a_walk(
        cuts in prop::collection::btree_set(0u8..60, 2..20),
        exclusive in prop::collection::vec(any::<bool>(), 20),
        start in 0u8..60, width in 0u8..20, end_exclusive: bool,
    ) {
        let cuts: Vec<u8> = cuts.into_iter().collect();
        let run: Vec<TableMeta> = cuts.windows(2).zip(&exclusive).enumerate().map(|(i, (w, &open))| {
            let end = if open { w[1] } else { w[1] - 1 };
            TableMeta { largest_exclusive: open, ..table(i as u64, w[0], end) }
        }).collect();
        let (start, end) = ([start], [start + width]);
        let bounds = Bounds { start: &start, end: &end, end_exclusive };
        prop_assume!(!bounds.is_empty());
        let walked: Vec<u64> =
            run.iter().filter(|t| t.bounds().overlaps(&bounds)).map(|t| t.number).collect();
        prop_assert_eq!(numbers(overlap(&run, &bounds)), walked);
        let holder = run.iter().find(|t| t.bounds().contains(&start)).map(|t| t.number);
        prop_assert_eq!(find_in_run(&run, &start).map(|t| t.number), holder);
    }
}
