//! Reference model, simulations and sweeps.

pub mod compaction_sim;
