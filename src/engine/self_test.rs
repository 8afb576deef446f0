//! Tries to break out of the worker's cage from inside, act by act, and says what happened.

use std::ffi::CStr;
use std::io::{self, Write as _};
use std::process::ExitCode;

use libc::c_long;
use models::{WorkerAct, WorkerCageReport};

use crate::cage::{self, Needs};

/// Largest page of any Linux this runs on, in bytes; what is aligned to it is aligned to all.
const PAGE_BYTES: usize = 64 * 1024;

/// What drivers of graphics processors do, so that it is not forbidden where one is used.
const DRIVER_ACTS: &[&str] = &["map_executable", "make_executable", "memory_file"];

const PASSWD: &CStr = c"/etc/passwd";
const ROOT: &CStr = c"/";
const TMP: &CStr = c"/tmp";
const ABSENT: &CStr = c"/dev/null/millwright";

/// What `millwright worker model --self-test` runs: closes the cage as the worker does, tries what is
/// forbidden, and writes a [`WorkerCageReport`] as JSON to fd 1. Loads no model.
#[must_use]
pub fn self_test_main() -> ExitCode {
    let page = vec![0u8; 2 * PAGE_BYTES];
    // SAFETY: getppid takes nothing and cannot fail.
    #[expect(unsafe_code, reason = "no safe wrapper gives the raw number")]
    let parent = unsafe { libc::getppid() };
    let needs = cage::needs();
    let Ok(held) = cage::enter(needs) else { return ExitCode::FAILURE };
    let mut acts = forbidden_acts(parent, &page);
    acts.retain(|act| needs == Needs::Nothing || !DRIVER_ACTS.contains(&act.name));
    let acts: Vec<WorkerAct> = acts.iter().map(Act::try_it).collect();
    let report = WorkerCageReport { held, acts };
    let written = serde_json::to_vec(&report)
        .map_err(io::Error::other)
        .and_then(|json| io::stdout().lock().write_all(&json));
    let holds = written.is_ok() && report.leaks().is_empty();
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A forbidden act: one system call with arguments that do no harm if it goes through.
struct Act {
    name: &'static str,
    call: c_long,
    arguments: [usize; 6],
}

impl Act {
    fn try_it(&self) -> WorkerAct {
        let leaked = match system_call(self.call, self.arguments) {
            // Another error than these means that the kernel looked at the arguments.
            Err(libc::EPERM | libc::EACCES) => None,
            // So that the C library takes the older call, whose arguments a filter can see.
            Err(libc::ENOSYS) if self.call == libc::SYS_clone3 => None,
            Err(errno) => Some(io::Error::from_raw_os_error(errno).to_string()),
            Ok(_) => Some("went through".to_owned()),
        };
        WorkerAct { name: self.name.to_owned(), leaked }
    }
}

fn system_call(call: c_long, a: [usize; 6]) -> Result<usize, i32> {
    // SAFETY: the acts below pass null, static strings, or a buffer that outlives the call and that
    // the kernel would at most remap while no reference into it is used.
    #[expect(unsafe_code, reason = "the point is to reach the kernel past every wrapper")]
    let result = unsafe { libc::syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]) };
    if result == -1 {
        return Err(io::Error::last_os_error().raw_os_error().unwrap_or(0));
    }
    if call == libc::SYS_clone && result == 0 {
        // The child of a fork that should not exist: it ends without running anything of ours.
        std::process::abort();
    }
    Ok(result as usize)
}

const fn act(name: &'static str, call: c_long, arguments: [usize; 6]) -> Act {
    Act { name, call, arguments }
}

fn forbidden_acts(parent: i32, page: &[u8]) -> Vec<Act> {
    let mut acts = file_acts();
    acts.extend(network_acts());
    acts.extend(process_acts(parent));
    acts.extend(memory_and_kernel_acts(page));
    acts
}

fn file_acts() -> Vec<Act> {
    let here = libc::AT_FDCWD as usize;
    let path = |p: &'static CStr| p.as_ptr() as usize;
    let tmpfile = (libc::O_TMPFILE | libc::O_WRONLY) as usize;
    vec![
        act("open_file", libc::SYS_openat, [here, path(PASSWD), 0, 0, 0, 0]),
        act("create_file", libc::SYS_openat, [here, path(TMP), tmpfile, 0o600, 0, 0]),
        act("open_file_by_openat2", libc::SYS_openat2, [here, path(PASSWD), 0, 0, 0, 0]),
        act("remove_file", libc::SYS_unlinkat, [here, path(ABSENT), 0, 0, 0, 0]),
        act("make_directory", libc::SYS_mkdirat, [here, path(ABSENT), 0o700, 0, 0, 0]),
        act("rename_file", libc::SYS_renameat2, [here, path(ABSENT), here, path(ABSENT), 0, 0]),
        act("change_root", libc::SYS_chroot, [path(ROOT), 0, 0, 0, 0, 0]),
    ]
}

fn network_acts() -> Vec<Act> {
    let socket = |family: i32| [family as usize, libc::SOCK_STREAM as usize, 0, 0, 0, 0];
    vec![
        act("socket_inet", libc::SYS_socket, socket(libc::AF_INET)),
        act("socket_inet6", libc::SYS_socket, socket(libc::AF_INET6)),
        act("socket_unix", libc::SYS_socket, socket(libc::AF_UNIX)),
        act("connect", libc::SYS_connect, [0; 6]),
        act("listen", libc::SYS_listen, [usize::MAX, 0, 0, 0, 0, 0]),
    ]
}

fn process_acts(parent: i32) -> Vec<Act> {
    let parent = parent as usize;
    vec![
        act("fork", libc::SYS_clone, [libc::SIGCHLD as usize, 0, 0, 0, 0, 0]),
        act("clone3", libc::SYS_clone3, [0; 6]),
        act("execute", libc::SYS_execve, [0; 6]),
        act("execute_descriptor", libc::SYS_execveat, [0; 6]),
        act("trace", libc::SYS_ptrace, [libc::PTRACE_TRACEME as usize, 0, 0, 0, 0, 0]),
        act("read_other_process", libc::SYS_process_vm_readv, [parent, 0, 0, 0, 0, 0]),
        act("write_other_process", libc::SYS_process_vm_writev, [parent, 0, 0, 0, 0, 0]),
        act("signal_parent", libc::SYS_kill, [parent, 0, 0, 0, 0, 0]),
        act("signal_parent_thread", libc::SYS_tgkill, [parent, parent, 0, 0, 0, 0]),
        act("open_process", libc::SYS_pidfd_open, [parent, 0, 0, 0, 0, 0]),
        act("become_root", libc::SYS_setuid, [0; 6]),
        act("raise_limits", libc::SYS_prlimit64, [0, libc::RLIMIT_CORE as usize, 1, 0, 0, 0]),
        act("allow_dumps", libc::SYS_prctl, [libc::PR_SET_DUMPABLE as usize, 1, 0, 0, 0, 0]),
    ]
}

fn memory_and_kernel_acts(page: &[u8]) -> Vec<Act> {
    // The first page that lies wholly inside the buffer.
    let aligned = (page.as_ptr() as usize).next_multiple_of(PAGE_BYTES);
    let executable = (libc::PROT_READ | libc::PROT_EXEC) as usize;
    let anonymous = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
    vec![
        act(
            "map_executable",
            libc::SYS_mmap,
            [0, PAGE_BYTES, executable, anonymous, usize::MAX, 0],
        ),
        act("make_executable", libc::SYS_mprotect, [aligned, PAGE_BYTES, executable, 0, 0, 0]),
        act("memory_file", libc::SYS_memfd_create, [0; 6]),
        act("userfaultfd", libc::SYS_userfaultfd, [0; 6]),
        act("mount", libc::SYS_mount, [0; 6]),
        act("new_namespace", libc::SYS_unshare, [libc::CLONE_NEWUSER as usize, 0, 0, 0, 0, 0]),
        act("enter_namespace", libc::SYS_setns, [0; 6]),
        act("io_uring", libc::SYS_io_uring_setup, [0; 6]),
        act("bpf", libc::SYS_bpf, [0; 6]),
        act("perf_events", libc::SYS_perf_event_open, [0; 6]),
        act("kernel_keys", libc::SYS_keyctl, [0; 6]),
        act("kernel_module", libc::SYS_finit_module, [0; 6]),
    ]
}
