use std::time::Duration;

use super::*;

fn read(kind: Kind, stored: &[u8], clock: &Clock) -> Result<Said> {
    Said::by(key::trailer(1, kind), || stored, &mut Now::new(clock))
}

#[test]
fn a_value_ends_with_the_millisecond_it_names() {
    let clock = Clock::manual();
    let ends = clock.unix_millis() + 5;
    let record = [&ends.to_le_bytes()[..], b"v"].concat();
    let before = read(Kind::SetWithExpiry, &record, &clock).unwrap();
    assert_eq!(
        (before, before.value(&record), before.expires_at()),
        (Said::ValueUntil(ends), &b"v"[..], Some(ends))
    );
    clock.advance(Duration::from_millis(4));
    assert_eq!(read(Kind::SetWithExpiry, &record, &clock).unwrap(), Said::ValueUntil(ends));
    clock.advance(Duration::from_millis(1));
    assert_eq!(read(Kind::SetWithExpiry, &record, &clock).unwrap(), Said::Gone);
}

#[test]
fn one_operation_has_one_present() {
    let clock = Clock::manual();
    let mut now = Now::new(&clock);
    let ends = clock.unix_millis() + 1;
    assert!(!now.is_past(ends));
    clock.advance(Duration::from_secs(1));
    assert!(!now.is_past(ends));
    assert!(Now::new(&clock).is_past(ends));
}

#[test]
fn plain_records_read_neither_the_clock_nor_the_value() {
    let clock = Clock::manual();
    let mut now = Now::new(&clock);
    for (kind, said) in [(Kind::Set, Said::Value), (Kind::Delete, Said::Gone)] {
        let read = Said::by(key::trailer(1, kind), || panic!("the value was read"), &mut now);
        assert_eq!(read.unwrap(), said);
    }
    assert_eq!(now.millis, None);
}

#[test]
fn a_cut_expiry_and_a_foreign_kind_are_damage() {
    let clock = Clock::manual();
    for (kind, bytes) in [(Kind::SetWithExpiry, &b"1234567"[..]), (Kind::RangeDelete, b"z")] {
        assert_eq!(read(kind, bytes, &clock).unwrap_err().kind(), ErrorKind::Corruption);
    }
}
