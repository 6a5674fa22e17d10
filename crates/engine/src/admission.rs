//! When writers wait, and who wakes them.
