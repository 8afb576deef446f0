//! The model worker for this processor: the executable itself, or one of the builds that it carries.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use engine::WeightsPlace;
use flate2::read::GzDecoder;
use models::{OpenedBuild, WorkerBuild, WorkerBuilds, WorkerCommand};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use crate::config::WorkerLevel;

/// Builds that a release file carries: level, and the executable as a gzip file.
static CARRIED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/worker_builds.rs"));

/// Level of the build that is part of this executable (`.cargo/config.toml`).
const OWN: &str = "x86-64-v3";

/// Name of the build for graphics processors. Its processor's part is of the level of [`OWN`], and its C library
/// is the machine's: drivers can't be loaded into a static file.
const VULKAN: &str = "vulkan";

/// The library that finds drivers (the Vulkan loader).
const LOADER: &str = "libvulkan.so.1";

/// Has the worker take a graphics processor that is acted in software, where there is no other.
const SOFTWARE_GPU: &str = "--software-gpu";

/// Where it may lie beside what `ld.so.cache` names.
const LIBRARY_FOLDERS: &[&str] =
    &["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64", "/usr/lib", "/usr/local/lib"];

/// Where the kernel shows graphics processors.
const DEVICES: &[&str] = &["/dev/dri", "/dev/nvidiactl", "/dev/kfd"];

/// Instructions of a level beyond those of the ones below it, with whether this processor has them.
/// Fourth-level builds use VNNI as well, which came two years after the rest.
fn instructions(level: &str) -> Option<Vec<(&'static str, bool)>> {
    macro_rules! has {
        ($($name:tt),+) => { vec![$(($name, std::arch::is_x86_feature_detected!($name))),+] };
    }
    Some(match level {
        "x86-64-v2" => has!["sse4.2", "popcnt"],
        "x86-64-v3" => has!["avx2", "fma", "f16c", "bmi2"],
        "x86-64-v4" => {
            has!["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512vnni"]
        }
        _ => return None,
    })
}

/// Why this machine can't run a level, as far as that is known without trying.
fn unfit(level: &str) -> Option<String> {
    let Some(all) = instructions(level) else { return Some(format!("{level} is not known")) };
    let lacking: Vec<&str> =
        all.into_iter().filter(|(_, has)| !has).map(|(name, _)| name).collect();
    (!lacking.is_empty()).then(|| format!("the processor lacks {}", lacking.join(", ")))
}

/// Why the build for graphics processors can't run here. With `software` one that the processor acts will do.
fn unfit_for_vulkan(software: bool) -> Option<String> {
    if !software && !DEVICES.iter().any(|device| Path::new(device).exists()) {
        return Some(
            "there is no graphics processor that this service may see (/dev/dri, /dev/nvidia*)"
                .to_owned(),
        );
    }
    let by_folder = || LIBRARY_FOLDERS.iter().any(|at| Path::new(at).join(LOADER).exists());
    let by_cache = || {
        let cache = std::fs::read("/etc/ld.so.cache").unwrap_or_default();
        cache.windows(LOADER.len()).any(|text| text == LOADER.as_bytes())
    };
    if !by_folder() && !by_cache() {
        return Some(format!(
            "the Vulkan loader is not installed ({LOADER}, in Debian the package libvulkan1)"
        ));
    }
    unfit(OWN)
}

/// Where a build comes from.
#[derive(Clone, Copy)]
enum Source {
    /// It is part of this executable.
    Own,
    /// It is carried, as a gzip file.
    Packed(&'static [u8]),
    /// It would be wanted, and is not there: only a release carries other builds.
    Nowhere,
}

/// All builds there are, best first; `own` starts the one that is part of this executable. A level that is
/// `wanted` leaves it and the own build, which takes its place where it can't run.
pub(crate) fn worker_builds(own: &WorkerCommand, wanted: WorkerLevel) -> WorkerBuilds {
    let mut levels: Vec<(&str, Source)> =
        CARRIED.iter().map(|(level, packed)| (*level, Source::Packed(packed))).collect();
    levels.push((OWN, Source::Own));
    // Why no graphics processor is used, and not what was asked for, is always told.
    for level in [VULKAN].into_iter().chain(wanted.name()) {
        if levels.iter().all(|(known, _)| *known != level) {
            levels.push((level, Source::Nowhere));
        }
    }
    // By name they are in order; what computes on graphics processors goes before all of them.
    levels.sort_by(|a, b| (b.0 == VULKAN, b.0).cmp(&(a.0 == VULKAN, a.0)));
    if let Some(name) = wanted.name() {
        levels.retain(|(level, source)| *level == name || matches!(source, Source::Own));
        if wanted == WorkerLevel::V2 {
            // Asked for although the own one is better: it goes first.
            levels.reverse();
        }
    }
    let software = wanted == WorkerLevel::Vulkan;
    let builds = levels.into_iter().map(|(level, source)| match source {
        Source::Own => WorkerBuild::own(level, unfit(level), own.clone()),
        Source::Packed(packed) if level == VULKAN => {
            let mut args = own.args.clone();
            args.extend(software.then(|| SOFTWARE_GPU.to_owned()));
            WorkerBuild::new(level, unfit_for_vulkan(software), move || unpack(packed, &args))
        }
        Source::Packed(packed) => {
            let args = own.args.clone();
            WorkerBuild::new(level, unfit(level), move || unpack(packed, &args))
        }
        Source::Nowhere => {
            let reason = "this executable does not carry it; release files do";
            WorkerBuild::new(level, Some(reason.to_owned()), move || Err(reason.to_owned()))
        }
    });
    WorkerBuilds::new(builds.collect())
}

/// Unpacks a build into memory that nobody can write to any more, and says how it is started.
fn unpack(packed: &[u8], args: &[String]) -> Result<OpenedBuild, String> {
    let weights = WeightsPlace::in_here().map_err(|error| error.to_string())?;
    let weights = weights.argument().into_string();
    let weights = weights.map_err(|_| "the path of this executable is no text".to_owned())?;
    let memory = memory_file().map_err(|error| format!("no memory for it: {error}"))?;
    let mut file = File::from(memory);
    io::copy(&mut GzDecoder::new(packed), &mut file)
        .map_err(|error| format!("it can't be unpacked: {error}"))?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&file, seals).map_err(|error| format!("it can't be sealed: {error}"))?;
    // The child has the descriptor until it becomes the worker, and finds its file by it.
    let exe = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let mut args = args.to_vec();
    args.push(weights);
    Ok(OpenedBuild { command: WorkerCommand { exe, args }, file: Some(file.into()) })
}

/// A file in memory that may be executed.
fn memory_file() -> rustix::io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create("millwright-model-worker", flags | MemfdFlags::EXEC) {
        // Kernels before 6.3 know no such flag, and need none.
        Err(rustix::io::Errno::INVAL) => memfd_create("millwright-model-worker", flags),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::io::Write as _;
    use std::os::unix::fs::FileExt as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn every_build_has_a_level_that_is_known() {
        for (level, _) in CARRIED.iter().copied().chain([(OWN, [].as_slice())]) {
            assert!(level == VULKAN || instructions(level).is_some(), "{level}");
        }
        assert!(unfit("x86-64-v9").is_some());
        assert!(instructions("x86-64-v2").is_some() && instructions("x86-64-v4").is_some());
    }

    #[test]
    fn a_build_is_unpacked_sealed_and_started() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&std::fs::read("/bin/true").unwrap()).unwrap();
        let opened = unpack(&packed.finish().unwrap(), &["worker".to_owned()]).unwrap();
        let OpenedBuild { command, file } = opened;
        let status = std::process::Command::new(&command.exe).args(&command.args).status();
        assert!(status.unwrap().success());
        assert!(command.args[1].starts_with("--weights="), "{:?}", command.args);
        let file = File::from(file.unwrap());
        assert!(file.write_at(b"other", 0).is_err(), "it can be written to");
        let damaged = unpack(&[0x1f, 0x8b, 8, 0, 0], &[]).unwrap_err();
        assert!(damaged.starts_with("it can't be unpacked"), "{damaged}");
    }
}
