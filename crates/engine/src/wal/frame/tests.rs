use proptest::prelude::*;

use super::*;

fn file_header() -> FileHeader {
    FileHeader { magic: WAL_MAGIC, number: 7, predecessor: Some((6, 4096)) }
}

fn decode(bytes: &[u8]) -> Option<FileHeader> {
    FileHeader::decode(bytes, WAL_MAGIC, 7, "000007.wal").unwrap()
}

fn frame_header() -> FrameHeader {
    FrameHeader { length: 5, count: 2, number: 7, first: 1000, synced: 64, payload_checksum: 99 }
}

#[test]
fn the_file_header_is_as_documented() {
    let bytes = file_header().encode();
    assert_eq!(bytes[..8], *b"MossWAL\n");
    assert_eq!(bytes[8..12], 1u32.to_le_bytes());
    assert_eq!(bytes[12..16], [0; 4]);
    assert_eq!(bytes[16..24], 7u64.to_le_bytes());
    assert_eq!(bytes[24..32], 6u64.to_le_bytes());
    assert_eq!(bytes[32..40], 4096u64.to_le_bytes());
    assert_eq!(bytes[40..56], [0; 16]);
    assert_eq!(bytes[56..], checksum(place(7, 0), &bytes[..56]).to_le_bytes());
    assert_eq!(decode(&bytes), Some(file_header()));
}

#[test]
fn the_frame_header_is_as_documented() {
    let bytes = frame_header().encode(64);
    assert_eq!(bytes[..4], 5u32.to_le_bytes());
    assert_eq!(bytes[4..8], 2u32.to_le_bytes());
    assert_eq!(bytes[8..16], 7u64.to_le_bytes());
    assert_eq!(bytes[16..24], 1000u64.to_le_bytes());
    assert_eq!(bytes[24..32], 64u64.to_le_bytes());
    assert_eq!(bytes[32..40], 99u64.to_le_bytes());
    assert_eq!(bytes[40..], checksum(place(7, 64), &bytes[..40]).to_le_bytes());
    assert_eq!(payload_checksum(7, 64, b"abcde"), checksum(place(7, 112), b"abcde"));
    assert_eq!(frame_header().end(64), 64 + 48 + 5);
}

#[test]
fn a_header_with_any_bit_flipped_or_any_byte_missing_is_none() {
    let (file, frame) = (file_header().encode(), frame_header().encode(64));
    for bit in 0..file.len() * 8 {
        let mut bytes = file;
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(decode(&bytes), None, "bit {bit}");
    }
    for bit in 0..frame.len() * 8 {
        let mut bytes = frame;
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(FrameHeader::decode(&bytes, 7, 64), None, "bit {bit}");
    }
    assert!((0..file.len()).all(|end| decode(&file[..end]).is_none()));
    assert!((0..frame.len()).all(|end| FrameHeader::decode(&frame[..end], 7, 64).is_none()));
}

#[test]
fn a_header_is_bound_to_its_file_and_place() {
    let bytes = frame_header().encode(64);
    assert_eq!(FrameHeader::decode(&bytes, 7, 65), None);
    assert_eq!(FrameHeader::decode(&bytes, 8, 64), None);
    let bytes = file_header().encode();
    assert_eq!(FileHeader::decode(&bytes, WAL_MAGIC, 8, "").unwrap(), None);
    assert_eq!(FileHeader::decode(&bytes, MANIFEST_MAGIC, 7, "").unwrap(), None);
}

#[test]
fn a_newer_format_and_an_unknown_feature_are_refused_as_such() {
    for (at, value) in [(8, 2u8), (12, 1)] {
        let mut bytes = file_header().encode();
        bytes[at] = value;
        let sum = checksum(place(7, 0), &bytes[..56]);
        bytes[56..].copy_from_slice(&sum.to_le_bytes());
        let error = FileHeader::decode(&bytes, WAL_MAGIC, 7, "000007.wal").unwrap_err();
        assert_eq!(error, ErrorKind::UnsupportedFormat);
        assert!(error.to_string().contains("000007.wal"), "{error}");
    }
}

proptest! {
    #[test]
    fn headers_round_trip(
        length: u32, count: u32, number: u64, first: u64, synced: u64, payload_checksum: u64,
        offset: u64, before in proptest::option::of((1u64.., any::<u64>())),
    ) {
        let frame = FrameHeader { length, count, number, first, synced, payload_checksum };
        prop_assert_eq!(FrameHeader::decode(&frame.encode(offset), number, offset), Some(frame));
        let file = FileHeader { magic: MANIFEST_MAGIC, number, predecessor: before };
        prop_assert_eq!(FileHeader::decode(&file.encode(), MANIFEST_MAGIC, number, "").unwrap(), Some(file));
    }

    #[test]
    fn arbitrary_bytes_are_no_header(bytes: Vec<u8>) {
        prop_assert_eq!(decode(&bytes), None);
        prop_assert_eq!(FrameHeader::decode(&bytes, 7, 64), None);
    }
}
