use proptest::prelude::*;

use super::*;

#[test]
fn spells_names_as_documented() {
    let names = [
        (FileName::Wal(12), "000012.wal"),
        (FileName::Table(1_234_567), "1234567.mst"),
        (FileName::Manifest(0), "MANIFEST-000000"),
        (FileName::Current, "CURRENT"),
        (FileName::CurrentTemp, "CURRENT.tmp"),
        (FileName::Lock, "LOCK"),
    ];
    for (name, text) in names {
        assert_eq!(name.to_string(), text);
        assert_eq!(FileName::parse(text), Some(name));
    }
}

#[test]
fn leaves_foreign_names_alone() {
    let foreign = [
        "",
        ".",
        "..",
        "12.wal",
        "0000012.wal",
        "+00012.wal",
        "000012.WAL",
        "000012.wal.bak",
        "000012",
        "000012.",
        ".wal",
        "MANIFEST-",
        "MANIFEST-12",
        "MANIFEST-000012.tmp",
        "current",
        "CURRENT.tmp2",
        "LOCK ",
        "99999999999999999999.mst",
        "٠٠٠٠٠٠.wal",
        "../000012.wal",
        "000012.wal/",
    ];
    for name in foreign {
        assert_eq!(FileName::parse(name), None, "{name:?}");
    }
}

#[test]
fn refuses_what_is_not_a_plain_name() {
    for name in ["", ".", "..", "a/b", "/a", "a\\b", "a\0"] {
        assert_eq!(
            check_plain(name).map_err(|error| error.kind()),
            Err(io::ErrorKind::InvalidInput),
            "{name:?}"
        );
    }
    assert!(check_plain("000001.wal").is_ok());
}

proptest! {
    #[test]
    fn every_number_round_trips(n: u64) {
        for name in [FileName::Wal(n), FileName::Table(n), FileName::Manifest(n)] {
            prop_assert_eq!(FileName::parse(&name.to_string()), Some(name));
            prop_assert_eq!(name.number(), Some(n));
        }
    }

    #[test]
    fn what_parses_is_spelled_the_same(text in "(MANIFEST-)?[0-9]{0,21}(\\.wal|\\.mst)?") {
        if let Some(name) = FileName::parse(&text) {
            prop_assert_eq!(name.to_string(), text);
        }
    }
}
