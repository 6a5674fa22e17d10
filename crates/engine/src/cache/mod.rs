//! Block cache and table cache.
