//! ReadView: memtables plus Version.
