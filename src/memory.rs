//! How the C library keeps memory that was given back.

/// Blocks from this size on come from the kernel and go back to it at once, in bytes.
const GIVEN_BACK_FROM_BYTES: libc::c_int = 128 * 1024;

/// Heaps that threads share.
const HEAPS: libc::c_int = 2;

/// Lets freed memory go back to the kernel. By default each thread may have a heap of its own, and
/// the size from which a block goes back grows with the largest that ever did: an index writer's or
/// a password hash's buffer, once needed by every thread, then stays for good. Measured after four
/// minutes of mixed load (`tests/it/soak.rs`): 523 MiB as it is by default, 55 MiB like this.
///
/// Must come before further threads are started.
pub(crate) fn give_back() {
    for (parameter, value) in [
        (libc::M_ARENA_MAX, HEAPS),
        (libc::M_MMAP_THRESHOLD, GIVEN_BACK_FROM_BYTES),
        (libc::M_TRIM_THRESHOLD, GIVEN_BACK_FROM_BYTES),
    ] {
        // SAFETY: mallopt takes two numbers and changes nothing that is allocated.
        #[expect(unsafe_code, reason = "a function of the C library that has no safe wrapper")]
        let is_set = unsafe { libc::mallopt(parameter, value) };
        if is_set == 0 {
            tracing::warn!(parameter, "the C library keeps memory as it likes");
        }
    }
}
