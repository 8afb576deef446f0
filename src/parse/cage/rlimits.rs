//! Resource limits (setrlimit(2)) of the worker.

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits::CPU_GRACE_S;

/// Sets every limit that the worker can do with; a lower one that is in force already stays.
pub(super) fn set(address_space_bytes: u64, wall_clock_ms: u64) -> Result<(), Errno> {
    let cpu_s = wall_clock_ms.div_ceil(1000).saturating_add(CPU_GRACE_S);
    for (resource, limit) in [
        (Resource::As, address_space_bytes),
        (Resource::Cpu, cpu_s),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nproc, 0),
        // Descriptors 0 to 2 stay open; no further one can be made.
        (Resource::Nofile, 3),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ] {
        let limit = getrlimit(resource).maximum.map_or(limit, |in_force| in_force.min(limit));
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}

/// The address space in use now, in bytes (`VmSize` in `/proc/self/status`): the program image,
/// which has the embedder's weights inside. 0 when it cannot be told, which makes the limit
/// tighter.
pub(super) fn address_space_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = status.lines().find_map(|l| l.strip_prefix("VmSize:"));
    let kib: Option<u64> = size.and_then(|s| s.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.unwrap_or(0) * 1024
}
