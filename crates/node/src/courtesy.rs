//! Background threads that give way to the event loop.
//!
//! Niceness alone does not: it is about shares of the processor, not about who goes first. On Linux
//!
//! - a thread that wakes goes before one that runs only if its time slice is the shorter one (EEVDF; otherwise it waits for
//!   the kernel's next tick, 4 ms later), so background threads ask for slices a little longer than the default
//!   (`sched_runtime`, which kernels before 6.12 ignore);
//! - the event loop wakes the commit lane with the batch it hands over, and would be put off by it before it comes to its
//!   timers: a thread of `SCHED_BATCH` never goes first because it wakes (`sched(7)`).
//!
//! Neither changes a thread's share. Elsewhere nothing is done.

use mosskv::worker::Priority;

/// More than the kernel's default, which is 0.7 to 3 ms, and hardly more than a tick: it is also what another thread may
/// have to wait that has used up its share.
#[cfg(target_os = "linux")]
const SLICE_NANOS: u64 = 4_000_000;

/// Lets others go before the calling thread, unless it does short work that others wait for. What the system refuses is
/// left as it is.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub fn give_way(priority: Priority) {
    if priority == Priority::Normal {
        return;
    }
    // SAFETY: the struct consists of integers, for which zero is a value.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::sched_attr>() as libc::c_uint;
    // SAFETY: 0 is the calling thread, 0 no flag; the kernel writes at most `size` bytes, all inside the struct, which
    // outlives the call.
    let known = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) } == 0;
    if known && attributes.sched_policy == libc::SCHED_OTHER as u32 {
        attributes.sched_policy = libc::SCHED_BATCH as u32;
        attributes.sched_runtime = SLICE_NANOS;
        // SAFETY: 0 is the calling thread, 0 no flag; the kernel reads `attributes.size` bytes, as many as it has
        // written itself, all inside the struct.
        unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    }
}

/// Nothing can be said here.
#[cfg(not(target_os = "linux"))]
pub fn give_way(_priority: Priority) {}
