use proptest::prelude::*;

use super::*;

#[test]
fn nothing_is_gone_before_the_first_and_all_from_the_last_on() {
    let mut expiring = Expiring::default();
    assert_eq!(expiring.gone(u64::MAX), 0);
    for moment in [200, 100, 300, 300] {
        expiring.add(moment);
    }
    assert_eq!(expiring, Expiring { count: 4, first: 100, last: 300 });
    let gone = [0, 99, 100, 101, 200, 299, 300, u64::MAX].map(|now| expiring.gone(now));
    assert_eq!(gone, [0, 0, 1, 1, 2, 3, 4, 4]);
}

proptest! {
    #[test]
    fn it_only_grows_and_never_passes_the_count(moments in prop::collection::vec(any::<u64>(), 1..9), mut at: [u64; 4]) {
        let mut expiring = Expiring::default();
        moments.iter().for_each(|moment| expiring.add(*moment));
        at.sort_unstable();
        let gone = at.map(|now| expiring.gone(now));
        prop_assert!(gone.is_sorted() && gone.iter().all(|gone| *gone <= moments.len() as u64));
    }
}
