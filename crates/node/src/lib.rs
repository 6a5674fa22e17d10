//! The N-API binding: it translates between JavaScript and the engine and holds no storage logic.
//!
//! One [`state::State`] per Node environment (main thread or worker) owns the handles JavaScript knows by
//! number. [`native`] has the calls that are rare and may be slow, made by `#[napi]`; [`hot`] has the few calls
//! every read, write and page goes through, made on raw N-API; [`ring`] brings answers from background threads
//! back to the environment. Nothing here waits for a disk on the event loop unless the JavaScript side asked
//! for a `…Sync` method.

#![deny(unsafe_code)]

mod ahead;
mod area;
mod block;
mod convert;
mod courtesy;
mod events;
mod failure;
mod hot;
mod many;
mod native;
mod page;
mod raw;
mod registry;
mod ring;
mod scan;
mod state;
