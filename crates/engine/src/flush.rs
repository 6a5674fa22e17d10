//! Immutable memtable to table.
