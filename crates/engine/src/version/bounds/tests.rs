use proptest::prelude::*;

use super::*;

fn bounds<'a>(start: &'a [u8], end: &'a [u8], end_exclusive: bool) -> Bounds<'a> {
    Bounds { start, end, end_exclusive }
}

#[test]
fn neighbours_that_touch_overlap_only_when_the_end_is_inside() {
    let right = Bounds::inclusive(b"m", b"z");
    assert!(!bounds(b"a", b"m", true).overlaps(&right));
    assert!(!right.overlaps(&bounds(b"a", b"m", true)));
    assert!(bounds(b"a", b"m", false).overlaps(&right));
    assert!(bounds(b"a", b"m\0", true).overlaps(&right));
}

#[test]
fn joining_keeps_the_end_that_holds_more() {
    let joined = bounds(b"a", b"m", true).join(&bounds(b"b", b"m", false));
    assert_eq!(joined, bounds(b"a", b"m", false));
    assert_eq!(joined.to_range().bounds(), joined);
}

proptest! {
    #[test]
    fn overlap_means_a_key_in_both(a in 0u8..8, b in 0u8..8, x: bool, c in 0u8..8, d in 0u8..8, y: bool) {
        let (a, b, c, d) = ([a * 2], [b * 2], [c * 2], [d * 2]);
        let (one, two) = (bounds(&a, &b, x), bounds(&c, &d, y));
        prop_assume!(!one.is_empty() && !two.is_empty());
        let shared = (0..=16u8).any(|k| one.contains(&[k]) && two.contains(&[k]));
        prop_assert_eq!(one.overlaps(&two), shared);
        let joined = one.join(&two);
        for k in 0..=16u8 {
            prop_assert!(joined.contains(&[k]) || !(one.contains(&[k]) || two.contains(&[k])));
        }
    }
}
