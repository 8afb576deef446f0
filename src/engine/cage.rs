//! What the worker gives up before it reads its first call: files, network, new processes, dumps.
//!
//! The worker handles what people upload, in native code; if it is ever made to do something else,
//! there is nothing left to do. Every restriction is taken as far as the kernel has it, and what
//! was had is told to the client for the log.
//!
//! Drivers of graphics processors load libraries and open devices whenever they want to. Where one is
//! used, the worker may still read what drivers are made of and open their devices, and nothing else;
//! that takes a kernel with landlock.

use std::collections::BTreeMap;
use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr as _, RulesetStatus,
    path_beneath_rules,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as ArgLen, SeccompCmpOp as Op,
    SeccompCondition as Condition, SeccompFilter, SeccompRule as Rule, TargetArch,
};

/// Newest landlock interface that is asked for; older kernels give what they have.
const LANDLOCK: ABI = ABI::V5;

/// Calls that embedding never makes; each is refused with `EPERM`.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setrlimit,
    libc::SYS_openat2,
    libc::SYS_unlinkat,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_symlinkat,
    libc::SYS_linkat,
    libc::SYS_renameat2,
    libc::SYS_truncate,
    libc::SYS_fchmodat,
    libc::SYS_fchownat,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_io_uring_setup,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_open_by_handle_at,
];

/// The same, by the names that only this processor has.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[libc::c_long] = &[
    libc::SYS_creat,
    libc::SYS_unlink,
    libc::SYS_rmdir,
    libc::SYS_mkdir,
    libc::SYS_mknod,
    libc::SYS_symlink,
    libc::SYS_link,
    libc::SYS_rename,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_fork,
    libc::SYS_vfork,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[libc::c_long] = &[];

/// Refused as well unless a driver needs them. No file, whether the kernel has landlock or not: weights and
/// tokenizer are in the program.
const REFUSED_WITHOUT_DRIVER: &[libc::c_long] = &[
    libc::SYS_openat,
    libc::SYS_memfd_create,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
];

/// What drivers of graphics processors are made of: libraries, their descriptions, and what the kernel
/// tells of the device. Read only; what is not there is left out.
const DRIVER_FILES: &[&str] = &[
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/vulkan",
    "/usr/local/share/vulkan",
    "/usr/share/drirc.d",
    "/usr/share/libdrm",
    "/usr/share/glvnd",
    "/usr/share/nvidia",
    "/etc/vulkan",
    "/etc/drirc",
    "/etc/ld.so.cache",
    "/sys/class/drm",
    "/sys/dev/char",
    "/sys/devices",
    "/sys/module/nvidia",
    "/proc/self",
    "/proc/driver/nvidia",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/dev/urandom",
];

/// Where their devices are, beside those of [`NVIDIA_DEVICES`].
const DRIVER_DEVICES: &[&str] = &["/dev/dri", "/dev/kfd", "/dev/null", "/dev/zero"];

/// How the devices of NVIDIA's driver begin; it has one for each card and some for all.
const NVIDIA_DEVICES: &str = "nvidia";

/// Name of the restriction that no driver runs without.
const DRIVER_FILES_ONLY: &str = "no-files-but-drivers";

/// What the worker still needs once it is caged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Processor and memory.
    Nothing,
    /// The driver of a graphics processor.
    Driver,
}

/// What this build needs.
pub(crate) const fn needs() -> Needs {
    if crate::llama::USES_GPUS { Needs::Driver } else { Needs::Nothing }
}

/// Shuts the cage around the calling thread and all that it starts later; must be called before
/// other threads exist. Gives the names of the restrictions that hold.
///
/// # Errors
/// Where a driver is needed and the kernel can't keep it from all other files.
pub(crate) fn enter(needs: Needs) -> Result<Vec<String>, String> {
    let attempts = [
        ("no-new-privileges", no_new_privileges()),
        ("no-core-dump", no_core_dump()),
        match needs {
            Needs::Nothing => ("no-files", no_files()),
            Needs::Driver => (DRIVER_FILES_ONLY, driver_files_only()),
        },
        ("no-network-files-or-processes", refuse_calls(needs)),
    ];
    let mut held = Vec::new();
    for (name, outcome) in attempts {
        match outcome {
            Ok(()) => held.push(name.to_owned()),
            Err(reason) if name == DRIVER_FILES_ONLY => {
                return Err(format!("a driver can't be kept from other files: {reason}"));
            }
            Err(reason) => {
                tracing::warn!(restriction = name, %reason, "model worker runs without a restriction");
            }
        }
    }
    Ok(held)
}

fn no_new_privileges() -> Result<(), String> {
    rustix::thread::set_no_new_privs(true).map_err(|error| error.to_string())
}

fn no_core_dump() -> Result<(), String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none)
        .and_then(|()| rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable))
        .map_err(|error| error.to_string())
}

/// No path can be opened, and no TCP port used, from now on.
fn no_files() -> Result<(), String> {
    restrict_to(&[], &[])
}

/// The same, except for what drivers need.
fn driver_files_only() -> Result<(), String> {
    let nvidia =
        std::fs::read_dir("/dev").into_iter().flatten().flatten().map(|entry| entry.path());
    let nvidia = nvidia.filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(NVIDIA_DEVICES))
    });
    let devices: Vec<PathBuf> = DRIVER_DEVICES.iter().map(PathBuf::from).chain(nvidia).collect();
    let files: Vec<PathBuf> = DRIVER_FILES.iter().map(PathBuf::from).collect();
    restrict_to(&files, &devices)
}

/// No path can be opened but those beneath `files`, to be read, and `devices`; no TCP port can be used.
fn restrict_to(files: &[PathBuf], devices: &[PathBuf]) -> Result<(), String> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let restricted = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(LANDLOCK)))
        .and_then(Ruleset::create)
        .and_then(|rules| rules.add_rules(path_beneath_rules(files, read)))
        .and_then(|rules| {
            let open = read | AccessFs::WriteFile | AccessFs::IoctlDev;
            rules.add_rules(path_beneath_rules(devices, open))
        })
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(|error| error.to_string())?;
    match restricted.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
        RulesetStatus::NotEnforced => Err("this kernel has no landlock".to_owned()),
    }
}

fn refuse_calls(needs: Needs) -> Result<(), String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| told(&error))?;
    let beside = match needs {
        Needs::Nothing => REFUSED_WITHOUT_DRIVER,
        Needs::Driver => &[],
    };
    let refused = REFUSED.iter().chain(REFUSED_HERE).chain(beside);
    let mut rules: BTreeMap<i64, Vec<Rule>> = refused.map(|call| (*call, Vec::new())).collect();
    rules.extend(refused_arguments(needs).map_err(|error| told(&error))?);
    // The C library starts threads by `clone3`, whose flags no filter can see; it takes `clone` when
    // there is no such call.
    let unseen = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    for (rules, errno) in [(unseen, libc::ENOSYS), (rules, libc::EPERM)] {
        let refusal = SeccompAction::Errno(errno.unsigned_abs());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch)
            .map_err(|error| told(&error))?;
        let program = BpfProgram::try_from(filter).map_err(|error| told(&error))?;
        seccompiler::apply_filter(&program).map_err(|error| told(&error))?;
    }
    Ok(())
}

/// Calls that are refused with some arguments only.
fn refused_arguments(needs: Needs) -> Result<Vec<(i64, Vec<Rule>)>, BackendError> {
    let when = |argument, length, op, value| {
        Condition::new(argument, length, op, value).and_then(|c| Rule::new(vec![c]))
    };
    // As long as the kernel takes it: what is beyond an `int` is not looked at.
    let (int, long) = (|| ArgLen::Dword, || ArgLen::Qword);
    let (exec, thread) = (libc::PROT_EXEC as u64, libc::CLONE_THREAD as u64);
    let own = u64::from(std::process::id());
    let mut refused = vec![
        // Threads are started, processes are not.
        (libc::SYS_clone, vec![when(0, long(), Op::MaskedEq(thread), 0)?]),
        // Its own threads may be signalled: abort(3) does.
        (libc::SYS_tgkill, vec![when(0, int(), Op::Ne, own)?]),
        // Limits may be asked for.
        (libc::SYS_prlimit64, vec![when(2, long(), Op::Ne, 0)?]),
        (libc::SYS_prctl, vec![when(0, int(), Op::Eq, libc::PR_SET_DUMPABLE as u64)?]),
    ];
    // No memory becomes code; drivers load libraries, and some compile.
    if needs == Needs::Nothing {
        for call in [libc::SYS_mmap, libc::SYS_mprotect] {
            refused.push((call, vec![when(2, long(), Op::MaskedEq(exec), exec)?]));
        }
    }
    Ok(refused)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::fs::File;
    use std::io::ErrorKind;
    use std::net::TcpListener;
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    use super::*;

    /// Landlock and seccomp hold for one thread and those it starts, so the tests beside are free.
    fn in_a_cage<T: Send>(attempt: impl FnOnce() -> T + Send) -> T {
        in_a_cage_for(Needs::Nothing, attempt)
    }

    fn in_a_cage_for<T: Send>(needs: Needs, attempt: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let caged = scope.spawn(|| {
                no_new_privileges().unwrap();
                let files = match needs {
                    Needs::Nothing => no_files(),
                    Needs::Driver => driver_files_only(),
                };
                if let Err(reason) = files {
                    assert!(reason.contains("landlock"), "{reason}");
                }
                refuse_calls(needs).unwrap();
                attempt()
            });
            caged.join().unwrap()
        })
    }

    #[test]
    fn inside_there_is_no_network_and_no_other_program() {
        let (tcp, unix, program) = in_a_cage(|| {
            (
                TcpListener::bind("127.0.0.1:0").map(drop),
                UnixStream::pair().map(drop),
                Command::new("/bin/true").status().map(drop),
            )
        });
        assert_eq!(tcp.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(unix.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(program.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn inside_there_are_no_files_also_where_the_kernel_has_no_landlock() {
        let program = std::env::current_exe().unwrap();
        let opened = in_a_cage(|| File::open(&program).map(drop));
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn inside_threads_still_start_and_memory_is_had() {
        let sum = in_a_cage(|| {
            let numbers: Vec<u64> = (0..1 << 20).collect();
            std::thread::spawn(move || numbers.iter().sum::<u64>()).join().unwrap()
        });
        assert_eq!(sum, (1 << 19) * ((1 << 20) - 1));
    }

    #[test]
    fn a_driver_has_its_libraries_and_no_other_file_and_no_network() {
        if no_landlock() {
            assert!(enter_in_a_thread(Needs::Driver).is_err(), "a driver runs without landlock");
            return;
        }
        let (library, passwd, made, tcp, program) = in_a_cage_for(Needs::Driver, || {
            (
                File::open("/lib64/ld-linux-x86-64.so.2").map(drop),
                File::open("/etc/passwd").map(drop),
                File::create("/tmp/millwright-cage").map(drop),
                TcpListener::bind("127.0.0.1:0").map(drop),
                Command::new("/bin/true").status().map(drop),
            )
        });
        library.unwrap();
        for refused in [passwd, made, tcp, program] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::PermissionDenied);
        }
    }

    fn no_landlock() -> bool {
        std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    no_new_privileges().unwrap();
                    no_files()
                })
                .join()
                .unwrap()
        })
        .is_err()
    }

    fn enter_in_a_thread(needs: Needs) -> Result<Vec<String>, String> {
        std::thread::scope(|scope| scope.spawn(|| enter(needs)).join().unwrap())
    }
}
