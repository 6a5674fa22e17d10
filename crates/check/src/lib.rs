//! Reference model, simulations and sweeps.
