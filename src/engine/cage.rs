//! What the worker gives up before it reads its first call: files, network, new processes, dumps.
//!
//! The worker handles what people upload, in native code; if it is ever made to do something else,
//! there is nothing left to do. Every restriction is taken as far as the kernel has it, and what
//! was had is told to the client for the log.

use std::collections::BTreeMap;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus};
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
    // No file, whether the kernel has landlock or not: weights and tokenizer are in the program.
    libc::SYS_openat,
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
    libc::SYS_memfd_create,
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
    libc::SYS_open,
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

/// Shuts the cage around the calling thread and all that it starts later; must be called before
/// other threads exist. Gives the names of the restrictions that hold.
pub(crate) fn enter() -> Vec<String> {
    let attempts = [
        ("no-new-privileges", no_new_privileges()),
        ("no-core-dump", no_core_dump()),
        ("no-files", no_files()),
        ("no-network-files-or-processes", refuse_calls()),
    ];
    let mut held = Vec::new();
    for (name, outcome) in attempts {
        match outcome {
            Ok(()) => held.push(name.to_owned()),
            Err(reason) => {
                tracing::warn!(restriction = name, %reason, "model worker runs without a restriction");
            }
        }
    }
    held
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
    let restricted = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(LANDLOCK)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(|error| error.to_string())?;
    match restricted.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
        RulesetStatus::NotEnforced => Err("this kernel has no landlock".to_owned()),
    }
}

fn refuse_calls() -> Result<(), String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| told(&error))?;
    let refused = REFUSED.iter().chain(REFUSED_HERE);
    let mut rules: BTreeMap<i64, Vec<Rule>> = refused.map(|call| (*call, Vec::new())).collect();
    rules.extend(refused_arguments().map_err(|error| told(&error))?);
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
fn refused_arguments() -> Result<Vec<(i64, Vec<Rule>)>, BackendError> {
    let when = |argument, length, op, value| {
        Condition::new(argument, length, op, value).and_then(|c| Rule::new(vec![c]))
    };
    // As long as the kernel takes it: what is beyond an `int` is not looked at.
    let (int, long) = (|| ArgLen::Dword, || ArgLen::Qword);
    let (exec, thread) = (libc::PROT_EXEC as u64, libc::CLONE_THREAD as u64);
    let own = u64::from(std::process::id());
    Ok(vec![
        // Threads are started, processes are not.
        (libc::SYS_clone, vec![when(0, long(), Op::MaskedEq(thread), 0)?]),
        // No memory becomes code.
        (libc::SYS_mmap, vec![when(2, long(), Op::MaskedEq(exec), exec)?]),
        (libc::SYS_mprotect, vec![when(2, long(), Op::MaskedEq(exec), exec)?]),
        // Its own threads may be signalled: abort(3) does.
        (libc::SYS_tgkill, vec![when(0, int(), Op::Ne, own)?]),
        // Limits may be asked for.
        (libc::SYS_prlimit64, vec![when(2, long(), Op::Ne, 0)?]),
        (libc::SYS_prctl, vec![when(0, int(), Op::Eq, libc::PR_SET_DUMPABLE as u64)?]),
    ])
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
        std::thread::scope(|scope| {
            let caged = scope.spawn(|| {
                no_new_privileges().unwrap();
                if let Err(reason) = no_files() {
                    assert!(reason.contains("landlock"), "{reason}");
                }
                refuse_calls().unwrap();
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
}
