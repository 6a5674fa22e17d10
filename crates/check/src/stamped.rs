//! Numbered keys, and values that say which write of which key they come from, so that a model need only remember
//! a number a key and every torn or mixed-up value shows.

use std::collections::BTreeMap;

/// What is in a database of stamped values: the number of the newest write of each key.
pub type Stamps = BTreeMap<u64, u64>;

/// Key number `i`. Keys are in the order of their numbers, and some are prefixes of others.
pub fn key(i: u64) -> Vec<u8> {
    match i % 3 {
        0 => format!("key:{:06}", i / 3).into_bytes(),
        1 => format!("key:{:06}:a", i / 3).into_bytes(),
        _ => format!("key:{:06}:and a longer rest", i / 3).into_bytes(),
    }
}

/// The value that write number `stamp` gives key number `i`: 16 to about 400 bytes, now and then 5,000.
pub fn value(i: u64, stamp: u64) -> Vec<u8> {
    let length = if stamp.is_multiple_of(199) { 5_000 } else { 16 + (i.wrapping_mul(31) ^ stamp) % 384 };
    let mut value = Vec::with_capacity(length as usize);
    value.extend_from_slice(&i.to_le_bytes());
    value.extend_from_slice(&stamp.to_le_bytes());
    value.resize(length as usize, (i ^ stamp) as u8);
    value
}

/// The stamp of a value of key number `i`, if it is one, to its last byte.
pub fn stamp_of(i: u64, bytes: &[u8]) -> Option<u64> {
    let stamp = u64::from_le_bytes(bytes.get(8..16)?.try_into().ok()?);
    (bytes == value(i, stamp)).then_some(stamp)
}

/// The number of `key`, if it is one of [`key`].
pub fn number_of(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?.strip_prefix("key:")?;
    let (number, rest) = text.split_at_checked(6)?;
    let third = match rest {
        "" => 0,
        ":a" => 1,
        _ => 2,
    };
    let number = number.parse::<u64>().ok()? * 3 + third;
    (key(number) == bytes).then_some(number)
}
