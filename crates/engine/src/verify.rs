//! The offline checker.
