//! Many point reads of one state, side by side.
//!
//! A point read waits for memory several times, each time for an address that the last wait brought: filter, block,
//! row. The reads of a group go through these steps together, so that a group waits about as long as one read. A wait
//! is started by a plain load whose value nobody uses; loads of different keys are on their way at the same time.

use std::hint::black_box;
use std::sync::Arc;

use super::ReadView;
use crate::error::Result;
use crate::event::Clock;
use crate::expiry::{Now, Said};
use crate::key::{self, SeqNo};
use crate::table::{ReadHow, Reader, Spot, Table};
use crate::version::find_in_run;

/// Keys that are read together. arc-swap lends a thread eight pointers without touching their counts; the view and a
/// table take two of them. Beyond that it uses atomic operations, which wait for every load before them: no overlap.
const GROUP: usize = 6;

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;
/// Lines of a row or of a block's columns that are fetched early; what follows the processor fetches by itself.
const LINES: usize = 6;

/// A key that no source has answered for yet.
struct Wanted<'a> {
    /// Its place among all keys.
    index: usize,
    key: &'a [u8],
    hash: u64,
    /// The seqno of the newest range tombstone over it in the sources so far.
    covered: SeqNo,
}

impl ReadView {
    /// What [`ReadView::get`] finds for each of `keys`, handed to `found` with the key's index, in no order; nothing is
    /// handed over for keys that are not there.
    pub fn get_many(
        &self,
        keys: &[impl AsRef<[u8]>],
        snapshot: SeqNo,
        how: ReadHow,
        now: &mut Now<&Clock>,
        mut found: impl FnMut(usize, &[u8]),
    ) -> Result<()> {
        let mut wanted: Vec<Wanted<'_>> = Vec::with_capacity(GROUP);
        for (group, keys) in keys.chunks(GROUP).enumerate() {
            wanted.clear();
            wanted.extend(keys.iter().enumerate().map(|(at, key)| {
                let key = key.as_ref();
                Wanted { index: group * GROUP + at, key, hash: key::hash(key), covered: 0 }
            }));
            let mut answer = |wanted: &Wanted<'_>, trailer: u64, stored: &[u8]| -> Result<()> {
                let said = Said::by(trailer, || stored, now)?;
                if said != Said::Gone && wanted.covered < key::seqno_of(trailer) {
                    found(wanted.index, said.value(stored));
                }
                Ok(())
            };
            self.ask_memtables(&mut wanted, snapshot, &mut answer)?;
            self.ask_tables(&mut wanted, snapshot, how, &mut answer)?;
        }
        Ok(())
    }

    /// Answers for the keys that the memtables know and takes them off the list.
    fn ask_memtables(
        &self,
        wanted: &mut Vec<Wanted<'_>>,
        snapshot: SeqNo,
        answer: &mut impl FnMut(&Wanted<'_>, u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        for memtable in self.memtables() {
            for wanted in &*wanted {
                memtable.prefetch(wanted.hash);
            }
            keep(wanted, |wanted| {
                wanted.covered = wanted.covered.max(memtable.covering(wanted.key, snapshot));
                let hit = memtable
                    .get(wanted.key, wanted.hash, snapshot, |trailer, value| answer(wanted, trailer, value));
                hit.map_or(Ok(wanted.covered == 0), |answered| answered.map(|()| false))
            })?;
        }
        Ok(())
    }

    /// Answers for the keys that the tables know and takes them off the list.
    fn ask_tables(
        &self,
        wanted: &mut Vec<Wanted<'_>>,
        snapshot: SeqNo,
        how: ReadHow,
        answer: &mut impl FnMut(&Wanted<'_>, u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        for run in self.version.runs() {
            if wanted.is_empty() {
                break;
            }
            let mut readers: Vec<(*const Table, Reader)> = Vec::with_capacity(GROUP);
            let mut asked = [None; GROUP];
            for (asked, wanted) in asked.iter_mut().zip(&mut *wanted) {
                let Some(table) = find_in_run(run, wanted.key) else { continue };
                wanted.covered = wanted.covered.max(table.covering(wanted.key, snapshot, how)?);
                let address = Arc::as_ptr(table);
                let at = match readers.iter().position(|(known, _)| *known == address) {
                    Some(at) => at,
                    None => {
                        readers.push((address, table.reader(how)?));
                        readers.len() - 1
                    }
                };
                *asked = Some(at);
            }
            let reader = |asked: Option<usize>| Some(&readers.get(asked?)?.1);
            for (asked, wanted) in asked.into_iter().zip(&*wanted) {
                if let Some(reader) = reader(asked) {
                    reader.touch(wanted.hash);
                }
            }
            let mut spots: [Option<Spot<'_>>; GROUP] = [const { None }; GROUP];
            for ((spot, asked), wanted) in spots.iter_mut().zip(asked).zip(&*wanted) {
                if let Some(reader) = reader(asked) {
                    *spot = reader.probe(wanted.key, wanted.hash, snapshot, how)?;
                }
            }
            spots.iter().flatten().for_each(|spot| fetch(spot.columns()));
            let mut rows: [&[u8]; GROUP] = [&[]; GROUP];
            for ((row, spot), wanted) in rows.iter_mut().zip(&spots).zip(&*wanted) {
                *row = spot.as_ref().and_then(|spot| spot.candidate(wanted.hash)).unwrap_or_default();
            }
            rows.iter().for_each(|row| fetch(row));
            let mut spots = spots.iter();
            keep(wanted, |wanted| {
                let spot = spots.next().and_then(Option::as_ref);
                match spot.and_then(|spot| spot.get(wanted.key, wanted.hash, snapshot)) {
                    Some((trailer, value)) => answer(wanted, trailer, value).map(|()| false),
                    None => Ok(wanted.covered == 0),
                }
            })?;
        }
        Ok(())
    }
}

/// Starts to bring the first cache lines of `bytes`: loads that nothing waits for.
#[inline]
fn fetch(bytes: &[u8]) {
    for line in bytes.iter().step_by(LINE_BYTES).take(LINES) {
        black_box(*line);
    }
}

/// Keeps what `stays` says stays; stops at its first error.
fn keep<T>(list: &mut Vec<T>, mut stays: impl FnMut(&mut T) -> Result<bool>) -> Result<()> {
    let mut outcome = Ok(());
    list.retain_mut(|item| match outcome.as_ref().map_or(Ok(true), |()| stays(item)) {
        Ok(stays) => stays,
        Err(error) => {
            outcome = Err(error);
            true
        }
    });
    outcome
}
