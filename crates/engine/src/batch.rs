//! WriteBatch; its bytes are the WAL payload.
