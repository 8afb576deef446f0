//! How much memory models may take on this machine, and how much one takes.

use std::path::{Path, PathBuf};

use super::RegistryError;
use crate::protocol::{LoadOptions, ModelFacts};

/// Kept for everything else: this appliance, the operating system, the cache of its files.
const RESERVE_BYTES: u64 = 1024 * 1024 * 1024;

/// The reserve is never more than this part of the whole: one of so many.
const RESERVE_SHARE: u64 = 4;

/// Room for intermediate results: llama.cpp's compute buffers grow with the width of the model and
/// its vocabulary; this is its order for micro-batches of 512.
const WORKING_TOKENS: u64 = 512;
/// Bytes of one such number (f32).
const WORKING_NUMBER_BYTES: u64 = 4;
/// Least room for intermediate results.
const WORKING_LEAST_BYTES: u64 = 32 * 1024 * 1024;

/// The setting that limits models further.
const CONFIGURED: &str = "models.memory_mib";

/// What models may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelMemory {
    /// Bytes, of all loaded models together.
    pub limit_bytes: u64,
    /// What sets that limit.
    pub limited_by: &'static str,
}

impl ModelMemory {
    /// That of this machine, or `configured_bytes` where that is less. Reads a few small files.
    #[must_use]
    pub fn of_machine(configured_bytes: Option<u64>) -> Self {
        let total = memory_total(&read("/proc/meminfo"));
        let group = group_limit(Path::new("/sys/fs/cgroup"), &read("/proc/self/cgroup"));
        Self::among(total, group, configured_bytes)
    }

    /// With memory of graphics processors beside the machine's own, unless the configuration has set how much
    /// all models may take.
    #[must_use]
    pub(super) fn with_gpus(self, gpu_bytes: u64) -> Self {
        if gpu_bytes == 0 || self.limited_by == CONFIGURED {
            return self;
        }
        Self {
            limit_bytes: self.limit_bytes.saturating_add(gpu_bytes),
            limited_by: "memory of the machine and of its graphics processors",
        }
    }

    fn among(total: Option<u64>, group: Option<u64>, configured: Option<u64>) -> Self {
        let whole = [(total, "the machine's memory"), (group, "the control group's memory.max")];
        let whole = whole.into_iter().filter_map(|(bytes, by)| Some((bytes?, by)));
        let (whole_bytes, limited_by) =
            whole.min_by_key(|(bytes, _)| *bytes).unwrap_or((0, "unknown memory"));
        let reserve_bytes = RESERVE_BYTES.min(whole_bytes / RESERVE_SHARE);
        let limit_bytes = whole_bytes - reserve_bytes;
        match configured {
            Some(bytes) if bytes < limit_bytes => {
                Self { limit_bytes: bytes, limited_by: CONFIGURED }
            }
            _ => Self { limit_bytes, limited_by },
        }
    }
}

/// What one loaded model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelNeed {
    /// Of the file's tensors.
    pub weights_bytes: u64,
    /// For the context.
    pub kv_bytes: u64,
    /// Tokens of the context.
    pub context_tokens: u32,
    /// For intermediate results.
    pub working_bytes: u64,
}

impl ModelNeed {
    /// What a model with these facts takes when it is loaded so.
    #[must_use]
    pub fn of(facts: &ModelFacts, options: &LoadOptions) -> Self {
        let context_tokens = options.context_tokens;
        let widest = u64::from(facts.vocabulary_tokens.max(facts.embedding_width));
        let working = widest.saturating_mul(WORKING_TOKENS * WORKING_NUMBER_BYTES);
        Self {
            weights_bytes: facts.weights_bytes,
            kv_bytes: facts.kv_bytes_per_token.saturating_mul(u64::from(context_tokens)),
            context_tokens,
            working_bytes: working.max(WORKING_LEAST_BYTES),
        }
    }

    /// All of it.
    #[must_use]
    pub const fn total_bytes(&self) -> u64 {
        self.weights_bytes.saturating_add(self.kv_bytes).saturating_add(self.working_bytes)
    }

    /// Refuses what could not be loaded even alone.
    pub(super) const fn check(&self, memory: ModelMemory) -> Result<(), RegistryError> {
        if self.total_bytes() <= memory.limit_bytes {
            return Ok(());
        }
        Err(RegistryError::DoesNotFit {
            weights_bytes: self.weights_bytes,
            kv_bytes: self.kv_bytes,
            context_tokens: self.context_tokens,
            working_bytes: self.working_bytes,
            limit_bytes: memory.limit_bytes,
            limited_by: memory.limited_by,
        })
    }
}

/// Largest memory that the process `pid` ever had, in bytes (`VmHWM`, proc_pid_status(5)).
pub(super) fn peak_memory_bytes(pid: u32) -> Option<u64> {
    kibibytes(&read(&format!("/proc/{pid}/status")), "VmHWM:")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// `MemTotal` of proc_meminfo(5), in bytes.
fn memory_total(meminfo: &str) -> Option<u64> {
    kibibytes(meminfo, "MemTotal:")
}

fn kibibytes(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    let number = line.split_whitespace().next()?.parse::<u64>().ok()?;
    number.checked_mul(1024)
}

/// The least `memory.max` of the process's control group and of those above it (cgroups(7),
/// version 2); `None` without any.
fn group_limit(root: &Path, own: &str) -> Option<u64> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mut place = PathBuf::from(root);
    let mut least = limit_in(&place);
    for part in Path::new(path).components() {
        place.push(part);
        least = [least, limit_in(&place)].into_iter().flatten().min();
    }
    least
}

fn limit_in(place: &Path) -> Option<u64> {
    // "max" is no number, and no limit.
    std::fs::read_to_string(place.join("memory.max")).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    const GIB: u64 = 1024 * 1024 * 1024;

    #[test]
    fn the_least_limit_counts_and_leaves_a_reserve() {
        let alone = ModelMemory::among(Some(16 * GIB), None, None);
        assert_eq!((alone.limit_bytes, alone.limited_by), (15 * GIB, "the machine's memory"));
        let caged = ModelMemory::among(Some(16 * GIB), Some(2 * GIB), None);
        assert_eq!(caged.limit_bytes, 2 * GIB - GIB / 2);
        assert_eq!(caged.limited_by, "the control group's memory.max");
        let set = ModelMemory::among(Some(16 * GIB), None, Some(GIB));
        assert_eq!((set.limit_bytes, set.limited_by), (GIB, "models.memory_mib"));
        assert_eq!(ModelMemory::among(None, None, None).limit_bytes, 0);
        // Layers go to a graphics processor as far as its memory reaches, the rest stays here.
        assert_eq!(alone.with_gpus(8 * GIB).limit_bytes, 23 * GIB);
        assert_eq!((alone.with_gpus(0), set.with_gpus(8 * GIB)), (alone, set));
        assert!(ModelMemory::of_machine(None).limit_bytes > 0);
    }

    #[test]
    fn limits_of_groups_above_count_too() {
        let root = tempfile::tempdir().unwrap();
        let service = root.path().join("system.slice/millwright.service");
        std::fs::create_dir_all(&service).unwrap();
        let own = "0::/system.slice/millwright.service\n";
        assert_eq!(group_limit(root.path(), own), None);
        std::fs::write(service.join("memory.max"), "max\n").unwrap();
        std::fs::write(root.path().join("system.slice/memory.max"), "4096\n").unwrap();
        assert_eq!(group_limit(root.path(), own), Some(4096));
        std::fs::write(service.join("memory.max"), "1024\n").unwrap();
        assert_eq!(group_limit(root.path(), own), Some(1024));
        assert_eq!(group_limit(root.path(), "1:cpu:/x\n"), None);
    }

    #[test]
    fn figures_of_proc_are_read_in_kibibytes() {
        assert_eq!(memory_total("MemTotal:       2 kB\nMemFree: 1 kB\n"), Some(2048));
        assert_eq!(memory_total(""), None);
        assert!(peak_memory_bytes(std::process::id()).unwrap() > 1024 * 1024);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_numbers() {
        let facts = ModelFacts {
            architecture: "llama".into(),
            name: None,
            licence: None,
            parameters: 1,
            quantisation: "Q8_0".into(),
            context_tokens: 8192,
            vocabulary_tokens: 32_000,
            layers: 2,
            embedding_width: 64,
            weights_bytes: 3 * GIB,
            kv_bytes_per_token: 1024,
            has_chat_template: false,
            purpose: crate::protocol::ModelPurpose::Generate,
        };
        let options = LoadOptions { context_tokens: 4096, parallel: 1, threads: None };
        let need = ModelNeed::of(&facts, &options);
        assert_eq!((need.kv_bytes, need.working_bytes), (4 << 20, 32_000 * 512 * 4));
        let memory = |limit_bytes| ModelMemory { limit_bytes, limited_by: "a test" };
        assert!(need.check(memory(need.total_bytes())).is_ok());
        let error = need.check(memory(need.total_bytes() - 1)).unwrap_err().to_string();
        for number in [3 * GIB, 4 << 20, need.total_bytes(), need.total_bytes() - 1] {
            assert!(error.contains(&number.to_string()), "{error}");
        }
        let absurd = ModelFacts { kv_bytes_per_token: u64::MAX, ..facts };
        assert_eq!(ModelNeed::of(&absurd, &options).total_bytes(), u64::MAX);
    }
}
