//! Random walks of an iterator beside the model of the state it must show.

use std::ops::Bound;

use mosskv::{Error, Iter};

use crate::random::Random;
use crate::stamped::{Stamps, key, number_of, stamp_of};

/// Moves `iter` about at random, `steps` times from the first entry on, and compares every place with `model`, which holds what the iterator's bounds
/// let through.
///
/// # Errors
/// The first disagreement, or the engine's error, in words.
pub fn walk(iter: &mut Iter, model: &Stamps, steps: usize, random: &mut Random) -> Result<(), String> {
    let highest = model.last_key_value().map_or(10, |(i, _)| i + 4);
    iter.seek_to_first().map_err(|error| format!("{error:?}"))?;
    let mut at = first(model);
    for step in 0..steps {
        let target = random.below(highest);
        let (what, moved) = match random.below(40) {
            0 => ("first", iter.seek_to_first().map(|()| first(model))),
            1 => ("last", iter.seek_to_last().map(|()| last(model))),
            2 => ("seek", iter.seek(&key(target)).map(|()| at_or_after(model, target))),
            3 => ("seek for prev", iter.seek_for_prev(&key(target)).map(|()| at_or_before(model, target))),
            // Longer stretches one way, with turns in between.
            n => match (n + step as u64 / 50) % 4 {
                0 => ("prev", iter.prev().map(|()| at.and_then(|i| before(model, i)))),
                1 if n > 20 => ("prev", iter.prev().map(|()| at.and_then(|i| before(model, i)))),
                _ => ("next", iter.next().map(|()| at.and_then(|i| after(model, i)))),
            },
        };
        at = moved.map_err(|error: Error| format!("{what}: {error:?}"))?;
        compare(iter, model, at).map_err(|wrong| format!("step {step}, {what} {target}: {wrong}"))?;
        if at.is_none() {
            iter.seek_to_first().map_err(|error| format!("{error:?}"))?;
            at = first(model);
        }
    }
    Ok(())
}

/// Walks over everything forward, then backward.
///
/// # Errors
/// As [`walk`].
pub fn both_ways(iter: &mut Iter, model: &Stamps) -> Result<(), String> {
    iter.seek_to_first().map_err(|error| format!("{error:?}"))?;
    for i in model.keys() {
        compare(iter, model, Some(*i)).map_err(|wrong| format!("forward: {wrong}"))?;
        iter.next().map_err(|error| format!("{error:?}"))?;
    }
    compare(iter, model, None)?;
    iter.seek_to_last().map_err(|error| format!("{error:?}"))?;
    for i in model.keys().rev() {
        compare(iter, model, Some(*i)).map_err(|wrong| format!("backward: {wrong}"))?;
        iter.prev().map_err(|error| format!("{error:?}"))?;
    }
    compare(iter, model, None)
}

/// Whether the iterator stands on key number `at` with the model's value.
fn compare(iter: &Iter, model: &Stamps, at: Option<u64>) -> Result<(), String> {
    let expected = at.and_then(|i| Some((i, *model.get(&i)?)));
    let found = match iter.valid() {
        false => None,
        true => {
            let i = number_of(iter.key()).ok_or_else(|| format!("a key nobody wrote: {:?}", iter.key()))?;
            let stamp = stamp_of(i, iter.value()).ok_or_else(|| format!("a torn value at key {i}"))?;
            Some((i, stamp))
        }
    };
    if found == expected {
        return Ok(());
    }
    Err(format!("stands on {found:?} instead of {expected:?} (key and stamp)"))
}

fn first(model: &Stamps) -> Option<u64> {
    model.first_key_value().map(|(i, _)| *i)
}

fn last(model: &Stamps) -> Option<u64> {
    model.last_key_value().map(|(i, _)| *i)
}

fn at_or_after(model: &Stamps, i: u64) -> Option<u64> {
    model.range(i..).next().map(|(i, _)| *i)
}

fn at_or_before(model: &Stamps, i: u64) -> Option<u64> {
    model.range(..=i).next_back().map(|(i, _)| *i)
}

fn after(model: &Stamps, i: u64) -> Option<u64> {
    model.range((Bound::Excluded(i), Bound::Unbounded)).next().map(|(i, _)| *i)
}

fn before(model: &Stamps, i: u64) -> Option<u64> {
    model.range(..i).next_back().map(|(i, _)| *i)
}
