//! Resource limits (setrlimit(2)) of the worker.

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::limits::CPU_GRACE_S;

/// Sets every limit that the worker can do with. `memory_bytes` comes on top of the address space
/// that the program image occupies already: it has the embedder's weights inside.
pub(super) fn set(memory_bytes: u64, wall_clock_ms: u64) -> Result<(), Errno> {
    let image_bytes = address_space_bytes().unwrap_or(0);
    let cpu_s = wall_clock_ms.div_ceil(1000).saturating_add(CPU_GRACE_S);
    for (resource, limit) in [
        (Resource::As, image_bytes.saturating_add(memory_bytes)),
        (Resource::Cpu, cpu_s),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nproc, 0),
        // Descriptors 0 to 2 stay open; no further one can be made.
        (Resource::Nofile, 3),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ] {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}

/// The address space in use now, in bytes (first field of `/proc/self/statm`, in pages).
fn address_space_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().next()?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
