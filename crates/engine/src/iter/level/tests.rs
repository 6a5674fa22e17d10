use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::iter::merge::tests::{here, make, moves};
use crate::iter::vec_cursor::{Entry, VecCursor};
use crate::key::{Kind, trailer};
use crate::version::TableMeta;

/// Tables over sorted entries: a group each, cut where the user key changes; empty groups become tables without points.
fn tables(groups: &[Vec<Entry>]) -> Arc<[TableMeta]> {
    let mut last = Vec::new();
    let mut run = Vec::new();
    for (number, group) in (0..).zip(groups) {
        let (smallest, largest, largest_exclusive) = match (group.first(), group.last()) {
            (Some(first), Some(last)) => (first.0.clone(), last.0.clone(), false),
            _ => ([&last[..], b"\0"].concat(), [&last[..], b"\0\0"].concat(), true),
        };
        last = largest.clone();
        run.push(TableMeta {
            number,
            smallest: smallest.into(),
            largest: largest.into(),
            largest_exclusive,
            ..Default::default()
        });
    }
    run.into()
}

fn entry(key: u8, seqno: u64) -> Entry {
    (vec![key], trailer(seqno, Kind::Set), vec![key])
}

#[test]
fn tables_open_only_when_the_cursor_gets_there() {
    let groups: Vec<Vec<Entry>> = (0..10u8).map(|t| vec![entry(10 * t, 1), entry(10 * t + 5, 2)]).collect();
    let opened = Rc::new(Cell::new(0));
    let count = opened.clone();
    let source = groups.clone();
    let mut level = LevelCursor::new(tables(&groups), move |t: &TableMeta| {
        count.set(count.get() + 1);
        Ok(VecCursor::new(source[t.number as usize].clone()))
    });
    assert_eq!(opened.get(), 0);
    level.seek(&[42], u64::MAX).unwrap();
    assert_eq!((level.user_key(), opened.get()), (&[45][..], 1));
    level.next().unwrap();
    level.prev().unwrap();
    assert_eq!((level.user_key(), opened.get()), (&[45][..], 3));
    level = level.limited(Some(&[41]), Some(&[60]));
    level.seek_to_first().unwrap();
    assert_eq!(level.user_key(), &[40][..]);
    level.seek_to_last().unwrap();
    assert_eq!(level.user_key(), &[55][..]);
    level.seek_before(&[99]).unwrap();
    assert_eq!(level.user_key(), &[55][..]);
    level.next().unwrap();
    assert!(!level.valid());
}

#[test]
fn a_table_that_cannot_be_opened_is_not_the_end() {
    let groups = vec![vec![entry(1, 1)], vec![entry(2, 2)]];
    let source = groups.clone();
    let mut level = LevelCursor::new(tables(&groups), move |t: &TableMeta| match t.number {
        0 => Ok(VecCursor::new(source[0].clone())),
        _ => Err(Error::new(ErrorKind::Io, "planted open error")),
    });
    level.seek_to_first().unwrap();
    assert_eq!(level.next().unwrap_err(), ErrorKind::Io);
    assert!(!level.valid());
    assert_eq!(level.seek_to_first().unwrap_err(), ErrorKind::Io);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn walks_like_one_sorted_list(
        list in prop::collection::btree_map(prop::collection::vec(0u8..3, 0..4), (0u8..3, any::<bool>()), 0..30),
        walk in moves(),
    ) {
        let mut groups: Vec<Vec<Entry>> = vec![Vec::new()];
        let mut all = Vec::new();
        for (seqno, (key, (cut, _))) in (1..).zip(&list) {
            for _ in 0..*cut {
                groups.push(Vec::new());
            }
            let versions = [seqno * 2, seqno * 2 + 1].map(|s| (key.clone(), trailer(s, Kind::Set), vec![*cut]));
            all.extend(versions.clone());
            groups.last_mut().unwrap().extend(versions.into_iter().rev());
        }
        // A table without points needs room before the next key; leave out those that have none.
        let run = tables(&groups);
        let fits: Vec<usize> = (0..groups.len())
            .filter(|&i| !groups[i].is_empty() || run[i + 1..].iter().all(|t| run[i].bounds().ends_before(&t.smallest)))
            .collect();
        let groups: Vec<_> = fits.into_iter().map(|i| groups[i].clone()).collect();
        let run = tables(&groups);
        prop_assume!(run.windows(2).all(|w| w[0].bounds().ends_before(&w[1].smallest)));
        let mut level =
            LevelCursor::new(run, move |t: &TableMeta| Ok(VecCursor::new(groups[t.number as usize].clone())));
        let mut model = VecCursor::new(all);
        for step in &walk {
            make(&mut level, step).unwrap();
            make(&mut model, step).unwrap();
            prop_assert_eq!(here(&level), here(&model), "after {:?}", step);
        }
    }
}
