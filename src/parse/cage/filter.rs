//! The seccomp allow-list. Everything else fails with EPERM, so that the self-test can see each
//! denial and a library that merely asks (for the time zone, for the number of processors) goes on
//! without an answer.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as ArgLen, SeccompCmpOp as Op,
    SeccompCondition as Condition, SeccompFilter, SeccompRule as Rule, TargetArch,
};

use super::CageError;

/// Calls that are allowed whatever their arguments: memory that is already ours, time, locks,
/// signals of our own, the end.
const PLAIN: &[libc::c_long] = &[
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_sched_yield,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Builds the filter for this process and installs it for good.
pub(super) fn install() -> Result<(), CageError> {
    let program = build(std::process::id()).map_err(CageError::Filter)?;
    seccompiler::apply_filter(&program).map_err(CageError::Seccomp)
}

fn build(process_id: u32) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<Rule>> = PLAIN.iter().map(|&n| (n, Vec::new())).collect();
    let descriptor = |fd: u64| Condition::new(0, ArgLen::Dword, Op::Eq, fd);
    rules.insert(libc::SYS_read, vec![Rule::new(vec![descriptor(0)?])?]);
    for call in [libc::SYS_write, libc::SYS_writev] {
        let out = Rule::new(vec![descriptor(1)?])?;
        let err = Rule::new(vec![descriptor(2)?])?;
        rules.insert(call, vec![out, err]);
    }
    rules.insert(libc::SYS_close, vec![Rule::new(vec![descriptor(0)?])?]);
    // Memory never becomes executable, and never comes from a file.
    let not_executable =
        || Condition::new(2, ArgLen::Dword, Op::MaskedEq(libc::PROT_EXEC as u64), 0);
    let anonymous = Condition::new(
        3,
        ArgLen::Dword,
        Op::MaskedEq(libc::MAP_ANONYMOUS as u64),
        libc::MAP_ANONYMOUS as u64,
    )?;
    rules.insert(libc::SYS_mmap, vec![Rule::new(vec![not_executable()?, anonymous])?]);
    rules.insert(libc::SYS_mprotect, vec![Rule::new(vec![not_executable()?])?]);
    // abort(3) signals its own thread; no other process can be signalled.
    let own = Condition::new(0, ArgLen::Dword, Op::Eq, u64::from(process_id))?;
    rules.insert(libc::SYS_tgkill, vec![Rule::new(vec![own])?]);
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        target()?,
    )?;
    filter.try_into()
}

fn target() -> Result<TargetArch, BackendError> {
    std::env::consts::ARCH.try_into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn nothing_that_opens_or_starts_is_on_the_list() {
        for call in [
            libc::SYS_openat,
            libc::SYS_socket,
            libc::SYS_clone,
            libc::SYS_execve,
            libc::SYS_ptrace,
            libc::SYS_kill,
            libc::SYS_ioctl,
            libc::SYS_prctl,
        ] {
            assert!(!PLAIN.contains(&call), "{call}");
        }
    }

    #[test]
    fn the_program_fits_the_kernel() {
        let program = build(1).unwrap();
        // BPF_MAXINSNS of the kernel.
        assert!(program.len() < 4096);
    }
}
