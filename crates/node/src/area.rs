//! The memory JavaScript and native code share: one `ArrayBuffer` per environment, made by `ts/native.ts`.
//!
//! ```text
//! 0          64 KiB         192 KiB        256 KiB
//! | slab      | keys         | out          |
//! | writes in | keys in      | answers out  |
//! ```
//!
//! Only the environment's own thread touches it, in turns: JavaScript never runs while a native call does, so no
//! lock is needed. A borrow ends before the native call returns and before it calls back into JavaScript.

#![allow(unsafe_code)]

use std::slice;

/// Bytes of the whole area.
pub const AREA_BYTES: usize = 256 << 10;
const SLAB: (usize, usize) = (0, 64 << 10);
const KEYS: (usize, usize) = (64 << 10, 128 << 10);
const OUT: (usize, usize) = (192 << 10, 64 << 10);

/// The shared memory of one environment. Not `Send`: it belongs to the environment's thread.
pub struct Area {
    start: *mut u8,
}

impl Area {
    /// Takes the memory at `start`.
    ///
    /// # Safety
    /// `start` points to [`AREA_BYTES`] readable and writable bytes that stay there as long as this value, and that
    /// nothing but JavaScript on this thread touches.
    pub const unsafe fn new(start: *mut u8) -> Self {
        Self { start }
    }

    /// The first `length` bytes of the write slab; `None` when that is more than it has.
    pub fn slab(&self, length: usize) -> Option<&[u8]> {
        self.part(SLAB, length)
    }

    /// The first `length` bytes of the key part.
    pub fn keys(&self, length: usize) -> Option<&[u8]> {
        self.part(KEYS, length)
    }

    /// Where N-API may write a key: start and capacity.
    pub fn keys_target(&self) -> (*mut u8, usize) {
        // SAFETY: the offset is a constant inside the AREA_BYTES that `new` was promised.
        (unsafe { self.start.add(KEYS.0) }, KEYS.1)
    }

    /// Copies `bytes` to the out part; `false` when they do not fit.
    pub fn answer(&self, bytes: &[u8]) -> bool {
        if bytes.len() > OUT.1 {
            return false;
        }
        // SAFETY: the target is inside the area by the check above; `bytes` is Rust memory or another part of the
        // area, never the out part itself, which is only ever written from here.
        unsafe { self.start.add(OUT.0).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        true
    }

    fn part(&self, (offset, capacity): (usize, usize), length: usize) -> Option<&[u8]> {
        if length > capacity {
            return None;
        }
        // SAFETY: the range is inside the area (checked above, constants before); nobody writes to it during the
        // borrow, because JavaScript cannot run until the native call that borrows returns.
        Some(unsafe { slice::from_raw_parts(self.start.add(offset), length) })
    }
}
