use super::*;

fn table(number: u64, smallest: &[u8], largest: &[u8]) -> TableMeta {
    TableMeta {
        number,
        smallest: smallest.into(),
        largest: largest.into(),
        min_seqno: number,
        max_seqno: number + 10,
        ..TableMeta::default()
    }
}

fn add(level: usize, table: TableMeta) -> VersionEdit {
    VersionEdit { added: vec![(level, table)], ..VersionEdit::default() }
}

fn build(edits: &[VersionEdit]) -> Result<State, String> {
    let mut builder = Builder::default();
    for edit in edits {
        builder.apply(edit.clone())?;
    }
    builder.finish(1)
}

fn refused(edits: &[VersionEdit], what: &str) {
    let error = build(edits).unwrap_err();
    assert!(error.contains(what), "{error}");
}

#[test]
fn tables_come_go_and_move() {
    let removed = vec![(0, 3), (0, 2)];
    let moved = VersionEdit { added: vec![(1, table(3, b"a", b"c"))], removed, ..VersionEdit::default() };
    let edits =
        [add(0, table(2, b"a", b"z")), add(0, table(3, b"a", b"c")), add(0, table(4, b"b", b"b")), moved];
    let state = build(&edits).unwrap();
    let numbers = state.levels.map(|tables| tables.iter().map(|t| t.number).collect::<Vec<_>>());
    assert_eq!(numbers, [vec![4], vec![3], vec![], vec![], vec![], vec![], vec![]]);
}

#[test]
fn l0_is_newest_first_and_the_others_are_by_key() {
    let edits = [5, 7, 6].map(|n| add(0, table(n, b"a", b"z")));
    let state = build(&edits).unwrap();
    assert_eq!(state.levels[0].iter().map(|t| t.number).collect::<Vec<_>>(), [7, 6, 5]);
    let edits = [(5, b"m"), (7, b"c"), (6, b"x")].map(|(n, key)| add(3, table(n, key, key)));
    let state = build(&edits).unwrap();
    assert_eq!(state.levels[3].iter().map(|t| t.number).collect::<Vec<_>>(), [7, 5, 6]);
}

#[test]
fn numbers_only_grow_and_cover_the_tables() {
    let numbers = |log, next, seqno| VersionEdit {
        log_number: Some(log),
        next_file: Some(next),
        last_seqno: Some(seqno),
        ..VersionEdit::default()
    };
    let state = build(&[numbers(5, 20, 300), numbers(4, 10, 200)]).unwrap();
    assert_eq!((state.log_number, state.next_file, state.last_seqno), (5, 20, 300));
    let state = build(&[numbers(5, 20, 300), add(0, table(400, b"a", b"b"))]).unwrap();
    assert_eq!((state.next_file, state.last_seqno), (401, 410));
    assert_eq!(build(&[]).unwrap().next_file, 2, "above the manifest's own number");
}

#[test]
fn the_full_edit_makes_the_state_again() {
    let edits = [
        add(0, table(9, b"a", b"z")),
        add(0, table(8, b"b", b"c")),
        add(2, table(3, b"k", b"l")),
        add(6, table(2, b"", b"")),
    ];
    let state = build(&edits).unwrap();
    assert_eq!(build(&[state.full_edit()]).unwrap(), state);
}

#[test]
fn impossible_edits_are_refused() {
    let good = add(1, table(2, b"a", b"b"));
    let remove = |level, number| VersionEdit { removed: vec![(level, number)], ..VersionEdit::default() };
    refused(&[good.clone(), good.clone()], "table 2 is added twice");
    refused(&[good.clone(), add(4, table(2, b"x", b"y"))], "table 2 is added twice");
    let twice =
        VersionEdit { added: vec![(1, table(2, b"a", b"b")), (2, table(2, b"a", b"b"))], ..good.clone() };
    refused(&[twice], "table 2 is added twice");
    refused(&[remove(1, 2)], "where it is not");
    refused(&[good.clone(), remove(2, 2)], "where it is not");
    let twice = VersionEdit { removed: vec![(1, 2), (1, 2)], ..VersionEdit::default() };
    refused(&[good, twice], "where it is not");
    refused(&[add(LEVELS, table(2, b"a", b"b"))], "level that does not exist");
    refused(&[add(0, table(0, b"a", b"b"))], "number no file can have");
    refused(&[add(0, table(2, b"b", b"a"))], "key bounds");
    refused(&[add(0, TableMeta { largest_exclusive: true, ..table(2, b"b", b"b") })], "key bounds");
    refused(&[add(0, table(2, b"", &[1; MAX_KEY_BYTES + 1]))], "key bounds");
    refused(&[add(0, TableMeta { min_seqno: 50, ..table(2, b"a", b"b") })], "sequence numbers");
    refused(&[add(0, TableMeta { max_seqno: MAX_SEQNO + 1, ..table(2, b"a", b"b") })], "sequence numbers");
    refused(&[VersionEdit { last_seqno: Some(u64::MAX), ..VersionEdit::default() }], "56 bits");
}

#[test]
fn tables_of_a_sorted_level_may_touch_only_at_an_exclusive_end() {
    let left = table(2, b"a", b"m");
    refused(&[add(1, left.clone()), add(1, table(3, b"m", b"z"))], "tables 2 and 3 of level 1 overlap");
    refused(&[add(6, left.clone()), add(6, table(3, b"b", b"c"))], "level 6 overlap");
    let open = TableMeta { largest_exclusive: true, ..left.clone() };
    build(&[add(1, open), add(1, table(3, b"m", b"z"))]).unwrap();
    build(&[add(0, left), add(0, table(3, b"m", b"z"))]).unwrap();
}
