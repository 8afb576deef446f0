//! Tries to break out of the cage from inside, act by act, and says what happened.

use std::ffi::CStr;
use std::io::{self, Write};
use std::process::ExitCode;

use libc::c_long;

use crate::cage::{self, ActOutcome, ActReport, CageLimits, CageReport};
use crate::detect::FormatHint;
use crate::document::parse_document;
use crate::limits::MEMORY_MIN_BYTES;
use crate::protocol::{EXIT_BAD_REQUEST, EXIT_CAGE_FAILED};
use crate::worker::{complain, request_from_environment, with_causes};

/// How much more than the limit is asked for, in bytes.
const EXCESS_BYTES: u64 = 64 * 1024 * 1024;

/// Memory that must be there for parsing, in bytes.
const WORKING_BYTES: usize = 8 * 1024 * 1024;

/// Largest page of any Linux this runs on, in bytes; what is aligned to it is aligned to all.
const PAGE_BYTES: usize = 64 * 1024;

const PASSWD: &CStr = c"/etc/passwd";
const ROOT: &CStr = c"/";
const TMP: &CStr = c"/tmp";
const ABSENT: &CStr = c"/dev/null/millwright";

/// What `millwright worker parse --self-test` runs: closes the same cage, tries what is forbidden
/// and what is needed, and writes a [`CageReport`] as JSON to fd 1.
///
/// Exit codes: 0 when the cage holds, 1 when it leaks or is too tight, 64 and 70 as
/// [`crate::worker_main`].
#[must_use]
pub fn self_test_main() -> ExitCode {
    let Some(request) = request_from_environment() else {
        return complain(EXIT_BAD_REQUEST, "this process is started by the server only");
    };
    let page = vec![0u8; 2 * PAGE_BYTES];
    // SAFETY: getppid takes nothing and cannot fail.
    #[expect(unsafe_code, reason = "no safe wrapper gives the raw number")]
    let parent = unsafe { libc::getppid() };
    let landlock = match cage::enter(&request.limits) {
        Ok(landlock) => landlock,
        Err(error) => return complain(EXIT_CAGE_FAILED, &with_causes(&error)),
    };
    let mut acts: Vec<ActReport> = forbidden_acts(parent, &page).iter().map(Act::try_it).collect();
    acts.push(allocate_beyond_limit(&request.limits));
    acts.extend(needed_acts());
    let report = CageReport { landlock, acts };
    let written = serde_json::to_vec(&report)
        .map_err(io::Error::other)
        .and_then(|json| io::stdout().lock().write_all(&json));
    if written.is_ok() && report.faults().is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A forbidden act: one system call with arguments that do no harm if it goes through.
struct Act {
    name: &'static str,
    call: c_long,
    arguments: [usize; 6],
}

impl Act {
    fn try_it(&self) -> ActReport {
        let outcome = match system_call(self.call, self.arguments) {
            // Another error than these two means that the kernel looked at the arguments.
            Err(libc::EPERM | libc::EACCES) => ActOutcome::Denied,
            Err(errno) => ActOutcome::Leaked { detail: errno_text(errno) },
            Ok(_) => ActOutcome::Leaked { detail: "went through".to_owned() },
        };
        ActReport { name: self.name.to_owned(), outcome }
    }
}

fn errno_text(errno: i32) -> String {
    io::Error::from_raw_os_error(errno).to_string()
}

fn system_call(call: c_long, a: [usize; 6]) -> Result<usize, i32> {
    // SAFETY: the acts below pass null, static strings, or a buffer that outlives the call and that
    // the kernel would at most read or remap while no reference into it is used.
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

fn forbidden_acts(parent: i32, page: &[u8]) -> Vec<Act> {
    let mut acts = file_acts();
    acts.extend(network_acts());
    acts.extend(process_acts(parent));
    acts.extend(memory_acts(page));
    acts.extend(kernel_acts());
    acts
}

const fn act(name: &'static str, call: c_long, arguments: [usize; 6]) -> Act {
    Act { name, call, arguments }
}

fn file_acts() -> Vec<Act> {
    let here = libc::AT_FDCWD as usize;
    let path = |p: &'static CStr| p.as_ptr() as usize;
    let tmpfile = (libc::O_TMPFILE | libc::O_WRONLY) as usize;
    vec![
        act("open_file_for_reading", libc::SYS_openat, [here, path(PASSWD), 0, 0, 0, 0]),
        act("create_file", libc::SYS_openat, [here, path(TMP), tmpfile, 0o600, 0, 0]),
        act("open_file_by_openat2", libc::SYS_openat2, [here, path(PASSWD), 0, 0, 0, 0]),
        act("stat_file", libc::SYS_newfstatat, [here, path(PASSWD), 0, 0, 0, 0]),
        act("read_link", libc::SYS_readlinkat, [here, path(ROOT), 0, 0, 0, 0]),
        act("remove_file", libc::SYS_unlinkat, [here, path(ABSENT), 0, 0, 0, 0]),
        act("make_directory", libc::SYS_mkdirat, [here, path(ABSENT), 0o700, 0, 0, 0]),
        act("rename_file", libc::SYS_renameat2, [here, path(ABSENT), here, path(ABSENT), 0, 0]),
        act("change_directory", libc::SYS_chdir, [path(ROOT), 0, 0, 0, 0, 0]),
        act("change_root", libc::SYS_chroot, [path(ABSENT), 0, 0, 0, 0, 0]),
        act("read_other_descriptor", libc::SYS_read, [3, 0, 0, 0, 0, 0]),
        act("write_other_descriptor", libc::SYS_write, [3, 0, 0, 0, 0, 0]),
        act("duplicate_descriptor", libc::SYS_dup, [1, 0, 0, 0, 0, 0]),
        act("control_terminal", libc::SYS_ioctl, [0, libc::TIOCSTI as usize, 0, 0, 0, 0]),
    ]
}

fn network_acts() -> Vec<Act> {
    let stream = libc::SOCK_STREAM as usize;
    let socket = |family: i32, kind: usize| [family as usize, kind, 0, 0, 0, 0];
    vec![
        act("socket_inet", libc::SYS_socket, socket(libc::AF_INET, stream)),
        act("socket_inet6", libc::SYS_socket, socket(libc::AF_INET6, stream)),
        act("socket_unix", libc::SYS_socket, socket(libc::AF_UNIX, stream)),
        act("socket_netlink", libc::SYS_socket, socket(libc::AF_NETLINK, libc::SOCK_RAW as usize)),
        act("connect", libc::SYS_connect, [0; 6]),
        act("bind", libc::SYS_bind, [0; 6]),
        act("send", libc::SYS_sendto, [0; 6]),
    ]
}

fn process_acts(parent: i32) -> Vec<Act> {
    let parent = parent as usize;
    let fork = [libc::SIGCHLD as usize, 0, 0, 0, 0, 0];
    vec![
        act("fork", libc::SYS_clone, fork),
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
        act("raise_limits", libc::SYS_prlimit64, [0; 6]),
        act(
            "change_process_settings",
            libc::SYS_prctl,
            [libc::PR_GET_DUMPABLE as usize, 0, 0, 0, 0, 0],
        ),
    ]
}

fn memory_acts(page: &[u8]) -> Vec<Act> {
    // The first page that lies wholly inside the buffer.
    let aligned = (page.as_ptr() as usize).next_multiple_of(PAGE_BYTES);
    let executable = (libc::PROT_READ | libc::PROT_EXEC) as usize;
    let anonymous = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
    let nowhere = usize::MAX;
    vec![
        act("map_executable", libc::SYS_mmap, [0, PAGE_BYTES, executable, anonymous, nowhere, 0]),
        act(
            "map_file",
            libc::SYS_mmap,
            [0, PAGE_BYTES, libc::PROT_READ as usize, libc::MAP_PRIVATE as usize, 0, 0],
        ),
        act("make_executable", libc::SYS_mprotect, [aligned, PAGE_BYTES, executable, 0, 0, 0]),
        act("memory_file", libc::SYS_memfd_create, [0; 6]),
        act("shared_memory", libc::SYS_shmget, [0; 6]),
        act("userfaultfd", libc::SYS_userfaultfd, [0; 6]),
    ]
}

fn kernel_acts() -> Vec<Act> {
    vec![
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

/// The memory limit is the resource limit's work, not the filter's: it answers ENOMEM.
fn allocate_beyond_limit(limits: &CageLimits) -> ActReport {
    let bytes = limits.memory_bytes.max(MEMORY_MIN_BYTES).saturating_add(EXCESS_BYTES);
    let protection = (libc::PROT_READ | libc::PROT_WRITE) as usize;
    let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE) as usize;
    let outcome =
        match system_call(libc::SYS_mmap, [0, bytes as usize, protection, flags, usize::MAX, 0]) {
            Err(libc::ENOMEM) => ActOutcome::Denied,
            Err(errno) => ActOutcome::Leaked { detail: errno_text(errno) },
            Ok(_) => ActOutcome::Leaked { detail: "went through".to_owned() },
        };
    ActReport { name: "allocate_beyond_limit".to_owned(), outcome }
}

/// A cage that is too tight is found here and not at the first document.
fn needed_acts() -> Vec<ActReport> {
    let memory = {
        let mut buffer: Vec<u8> = Vec::new();
        let reserved = buffer.try_reserve_exact(WORKING_BYTES).map_err(|e| e.to_string());
        reserved.map(|()| buffer.resize(WORKING_BYTES, 1))
    };
    let random = system_call(libc::SYS_getrandom, [0; 6]).map(drop).map_err(errno_text);
    let mut acts = vec![needed("allocate", memory), needed("random", random)];
    for (name, sample) in SAMPLES {
        let mut words = 0;
        let mut on_page = |page: crate::model::Page| {
            words += page.text().split_whitespace().count();
            Ok(())
        };
        let result = parse_document(sample.to_vec(), &FormatHint::default(), 10, &mut on_page);
        let result = match result {
            Err(failure) => Err(failure.to_string()),
            Ok(_) if words == 0 => Err("no text was found".to_owned()),
            Ok(_) => Ok(()),
        };
        acts.push(needed(name, result));
    }
    acts
}

/// Small documents of our own that must parse inside the cage.
const SAMPLES: &[(&str, &[u8])] = &[
    ("parse_text", b"PUMP P-101\n\nTighten the bolts.\n"),
    ("parse_markdown", b"# Pump P-101\n\n| part | torque |\n|---|---|\n| bolt | 45 Nm |\n"),
    ("parse_pdf", include_bytes!("fixtures/self_test.pdf")),
];

fn needed(name: &str, result: Result<(), String>) -> ActReport {
    let outcome = match result {
        Ok(()) => ActOutcome::Works,
        Err(detail) => ActOutcome::Broken { detail },
    };
    ActReport { name: name.to_owned(), outcome }
}
