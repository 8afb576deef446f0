//! How much memory the children of this process have at most. Looked at from outside, since what
//! the kernel sums up of ended children has the parent's own memory in it, from before the exec.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How often it is looked. The kernel keeps each process's own peak, so little is missed.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// A thread that looks until this is dropped.
pub(crate) struct Peak {
    kib: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl Peak {
    pub(crate) fn watch() -> Self {
        let peak = Self { kib: Arc::default(), ended: Arc::default() };
        let (kib, ended) = (Arc::clone(&peak.kib), Arc::clone(&peak.ended));
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                kib.fetch_max(largest_child_kib(), Ordering::Relaxed);
                std::thread::sleep(LOOK_INTERVAL);
            }
        });
        peak
    }

    /// The peak of the largest child that was seen, in KiB.
    pub(crate) fn kib(&self) -> u64 {
        self.kib.load(Ordering::Relaxed)
    }
}

impl Drop for Peak {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn largest_child_kib() -> u64 {
    let own = std::process::id().to_string();
    let mut largest = 0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        // A process may end at any moment.
        let Ok(status) = std::fs::read_to_string(entry.path().join("status")) else { continue };
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        // Before its exec a child still is this program, with its memory.
        let is_worker = field("Name:").is_some_and(|name| name.trim() == "parse-worker");
        if is_worker && field("PPid:").is_some_and(|parent| parent.trim() == own) {
            let peak = field("VmHWM:").and_then(|size| size.trim().split(' ').next()?.parse().ok());
            largest = largest.max(peak.unwrap_or(0));
        }
    }
    largest
}
