//! Tables against a sorted model, damaged and forged tables, and what the handles promise.

mod corruption;
mod forged;
mod handles;
mod model;
mod resident;
mod support;
