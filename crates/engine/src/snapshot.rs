//! Live snapshots and the watermark.
