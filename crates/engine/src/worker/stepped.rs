//! The seeded choice of which lane comes next.

use std::sync::Arc;
use std::time::Duration;

use super::lane::Lane;
use crate::sync::Mutex;

/// A generator of choices: splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
pub(super) struct Stepped(Mutex<u64>);

impl Stepped {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    fn draw(&self) -> u64 {
        let mut state = self.0.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Polls one of the lanes that are due. False when none is. From within a poll, the other lanes can be stepped.
    pub(super) fn step(&self, lanes: &[Arc<Lane>]) -> bool {
        let ready: Vec<_> = lanes.iter().filter(|lane| lane.is_ready()).collect();
        let Some(choice) = self.draw().checked_rem(ready.len() as u64) else { return false };
        match ready.get(choice as usize) {
            Some(lane) => {
                lane.step();
                true
            }
            None => false,
        }
    }

    /// How much time a step is taken to last: 1 µs to 1 ms.
    pub(super) fn time_of_a_step(&self) -> Duration {
        Duration::from_micros(1 + self.draw() % 1_000)
    }
}
