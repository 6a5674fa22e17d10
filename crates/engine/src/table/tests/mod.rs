//! Tables against a sorted model, damaged tables, and what the handles promise.

mod corruption;
mod handles;
mod model;
mod support;
