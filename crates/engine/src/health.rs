//! The first failure, latched.
