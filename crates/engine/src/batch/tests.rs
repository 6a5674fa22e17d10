use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Call {
    Put(Vec<u8>, Vec<u8>),
    PutWithExpiry(Vec<u8>, Vec<u8>, u64),
    Delete(Vec<u8>),
    DeleteRange(Vec<u8>, Vec<u8>),
}

fn call() -> impl Strategy<Value = Call> {
    let bytes = || vec(any::<u8>(), 0..200);
    prop_oneof![
        (bytes(), bytes()).prop_map(|(k, v)| Call::Put(k, v)),
        (bytes(), bytes(), any::<u64>()).prop_map(|(k, v, at)| Call::PutWithExpiry(k, v, at)),
        bytes().prop_map(Call::Delete),
        (bytes(), bytes()).prop_map(|(a, b)| Call::DeleteRange(a, b)),
    ]
}

type OwnedOp = (Kind, Vec<u8>, Vec<u8>);

fn build(calls: &[Call]) -> (WriteBatch, Vec<OwnedOp>) {
    let mut batch = WriteBatch::new();
    let mut expected = Vec::new();
    for call in calls {
        match call {
            Call::Put(k, v) => {
                batch.put(k, v).unwrap();
                expected.push((Kind::Set, k.clone(), v.clone()));
            }
            Call::PutWithExpiry(k, v, at) => {
                batch.put_with_expiry(k, v, *at).unwrap();
                expected.push((Kind::SetWithExpiry, k.clone(), [&at.to_le_bytes()[..], v].concat()));
            }
            Call::Delete(k) => {
                batch.delete(k).unwrap();
                expected.push((Kind::Delete, k.clone(), Vec::new()));
            }
            Call::DeleteRange(a, b) => {
                let ordered = batch.delete_range(a, b).is_ok();
                assert_eq!(ordered, a <= b);
                if a < b {
                    expected.push((Kind::RangeDelete, a.clone(), b.clone()));
                }
            }
        }
    }
    (batch, expected)
}

proptest! {
    #[test]
    fn operations_round_trip(calls in vec(call(), 0..40)) {
        let (batch, expected) = build(&calls);
        prop_assert_eq!(batch.len() as usize, expected.len());
        let again = WriteBatch::from_bytes(batch.bytes().to_vec()).unwrap();
        prop_assert_eq!(&again, &batch);
        let read: Vec<_> = again.ops().map(|o| (o.kind, o.key.to_vec(), o.value.to_vec())).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused_but_never_beyond_the_end(bytes in vec(any::<u8>(), 0..300)) {
        let mut errors = 0;
        let mut count = 0;
        for op in ops(&bytes) {
            match op {
                Ok(_) => count += 1,
                Err(error) => {
                    assert_eq!(error, ErrorKind::Corruption);
                    errors += 1;
                }
            }
        }
        prop_assert!(errors <= 1);
        match WriteBatch::from_bytes(bytes) {
            Ok(batch) => prop_assert_eq!((batch.len(), errors), (count, 0)),
            Err(_) => prop_assert_eq!(errors, 1),
        }
    }

    #[test]
    fn a_truncated_batch_never_yields_an_operation_that_was_not_there(calls in vec(call(), 1..6)) {
        let (batch, expected) = build(&calls);
        for end in 0..batch.bytes().len() {
            let cut = batch.bytes().get(..end).unwrap();
            for (op, wanted) in ops(cut).map_while(Result::ok).zip(&expected) {
                prop_assert_eq!((op.kind, op.key, op.value), (wanted.0, &wanted.1[..], &wanted.2[..]));
            }
        }
    }
}

#[test]
fn a_lent_batch_reads_as_its_bytes_and_becomes_its_own_when_it_is_added_to() {
    let mut own = WriteBatch::new();
    own.put(b"k", b"vv").unwrap();
    let owner: Arc<Vec<u8>> = Arc::new(own.bytes().to_vec());
    let mut lent = WriteBatch::from_lent(owner.clone()).unwrap();
    assert_eq!((&lent, lent.len()), (&own, 1));
    assert_eq!(lent.bytes().as_ptr(), owner.as_ptr(), "it was copied");
    for batch in [&mut own, &mut lent] {
        batch.delete(b"d").unwrap();
    }
    assert_eq!((&lent, lent.len()), (&own, 2));
    assert_eq!(Arc::strong_count(&owner), 1, "it keeps what it does not need");
    let mut cleared = WriteBatch::from_lent(owner).unwrap();
    cleared.clear();
    assert!(cleared.is_empty() && cleared.bytes().is_empty());
    assert_eq!(WriteBatch::from_lent(Arc::new([9u8])).unwrap_err(), ErrorKind::Corruption);
}

#[test]
fn the_bytes_are_as_documented() {
    let mut batch = WriteBatch::new();
    batch.put(b"k", b"vv").unwrap();
    batch.delete(b"").unwrap();
    batch.delete_range(b"a", b"b").unwrap();
    assert_eq!(batch.bytes(), b"\x01\x01k\x02vv\x00\x00\x04\x01a\x01b");
    assert_eq!(batch.len(), 3);
    batch.clear();
    assert!(batch.is_empty() && batch.bytes().is_empty());
}

#[test]
fn arguments_beyond_the_limits_are_refused_by_name_and_change_nothing() {
    let long = vec![0; MAX_KEY_BYTES + 1];
    let mut batch = WriteBatch::new();
    batch.put(&long[1..], b"").unwrap();
    let before = batch.clone();
    let refused = [
        (batch.put(&long, b""), "key has 65537 bytes"),
        (batch.delete(&long), "key has 65537 bytes"),
        (batch.delete_range(&long, b"z"), "start has 65537 bytes"),
        (batch.delete_range(b"a", &long), "end has 65537 bytes"),
        (batch.delete_range(b"b", b"a"), "start is after end"),
    ];
    for (result, message) in refused {
        let error = result.unwrap_err();
        assert_eq!(error, ErrorKind::InvalidArgument);
        assert!(error.to_string().starts_with(message), "{error}");
    }
    batch.delete_range(b"a", b"a").unwrap();
    assert_eq!(batch, before);
}

#[test]
fn reserved_kinds_and_keyspace_ids_are_refused() {
    for kind in (0..=255u8).filter(|k| ![0, 1, 4, 6].contains(k)) {
        assert!(WriteBatch::from_bytes(vec![kind, 1, b'a', 1, b'b']).is_err(), "kind {kind}");
    }
    assert!(
        WriteBatch::from_bytes(b"\x04\x01b\x01a".to_vec()).is_err(),
        "a range that ends before it starts"
    );
    assert!(WriteBatch::from_bytes(b"\x06\x01k\x071234567".to_vec()).is_err(), "an expiry that is cut off");
}
