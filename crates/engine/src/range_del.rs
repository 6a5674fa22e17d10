//! Range tombstones.
