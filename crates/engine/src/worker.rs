//! Background work: lanes, panics, join.
