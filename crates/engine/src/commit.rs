//! Sequence numbers, WAL, memtable, visibility.
