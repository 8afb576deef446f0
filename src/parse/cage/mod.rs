//! The cage: what the worker gives up before it reads its first foreign byte. Four walls, each
//! enough against a different mistake: resource limits, landlock (where the kernel has it), no new
//! privileges and no capabilities, and a seccomp allow-list of the calls that computing takes.

mod filter;
mod rlimits;

use std::fmt;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, Ruleset,
    RulesetAttr, RulesetStatus, Scope,
};
use rustix::thread::CapabilitySet;
use serde::{Deserialize, Serialize};

use crate::limits::{MEMORY_DEFAULT_BYTES, MEMORY_MIN_BYTES, PAGES_MAX, WALL_CLOCK_DEFAULT_MS};

/// What one document may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CageLimits {
    /// Memory beyond the worker's own program image, in bytes; at least
    /// [`crate::limits::MEMORY_MIN_BYTES`].
    pub memory_bytes: u64,
    /// Wall-clock time from start to last frame, in milliseconds.
    pub wall_clock_ms: u64,
    /// Most pages.
    pub max_pages: u32,
}

impl Default for CageLimits {
    fn default() -> Self {
        Self {
            memory_bytes: MEMORY_DEFAULT_BYTES,
            wall_clock_ms: WALL_CLOCK_DEFAULT_MS,
            max_pages: PAGES_MAX,
        }
    }
}

/// Whether landlock is one of the walls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LandlockState {
    /// No path can be opened, no TCP port used; the ABI version in force.
    Enforced {
        /// Landlock ABI version (1 = Linux 5.13).
        abi: u32,
    },
    /// The kernel knows landlock, but it was switched off at boot.
    Disabled,
    /// The kernel was built without landlock.
    Absent,
}

impl fmt::Display for LandlockState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enforced { abi } => write!(f, "enforced (ABI {abi})"),
            Self::Disabled => f.write_str("switched off at boot"),
            Self::Absent => f.write_str("not in this kernel"),
        }
    }
}

/// The cage could not be closed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CageError {
    #[error("the resource limits could not be set")]
    Rlimits(#[source] rustix::io::Errno),
    #[error("privileges could not be dropped")]
    Privileges(#[source] rustix::io::Errno),
    #[error("landlock could not be enforced")]
    Landlock(#[source] landlock::RulesetError),
    #[error("the system call filter could not be built")]
    Filter(#[source] seccompiler::BackendError),
    #[error("the system call filter could not be installed")]
    Seccomp(#[source] seccompiler::Error),
}

/// Closes the cage around this process, which must have a single thread. There is no way back.
///
/// # Errors
/// [`CageError`]; then nothing foreign may be read.
pub(crate) fn enter(limits: &CageLimits) -> Result<LandlockState, CageError> {
    close_other_descriptors();
    let image_bytes = rlimits::address_space_bytes();
    drop_privileges().map_err(CageError::Privileges)?;
    // Before the limits: its rule set is a descriptor for a moment.
    let landlock = restrict_files_and_network().map_err(CageError::Landlock)?;
    let memory_bytes = limits.memory_bytes.max(MEMORY_MIN_BYTES);
    rlimits::set(image_bytes.saturating_add(memory_bytes), limits.wall_clock_ms)
        .map_err(CageError::Rlimits)?;
    // Last: the filter denies the calls that the other walls need.
    filter::install()?;
    Ok(landlock)
}

/// Whatever else was inherited is closed; the server opens its files close-on-exec, this makes
/// sure.
fn close_other_descriptors() {
    // SAFETY: close_range has no pointers; nothing in this process owns a descriptor above 2, it
    // has opened nothing yet. A kernel without it (before 5.9) leaves close-on-exec alone.
    #[expect(unsafe_code, reason = "close_range has no safe wrapper")]
    unsafe {
        libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, libc::c_uint::MAX, 0);
    }
}

fn drop_privileges() -> Result<(), rustix::io::Errno> {
    rustix::thread::set_no_new_privs(true)?;
    // No core file, and no other process of this user may look into it.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    let held = rustix::thread::capabilities(None)?;
    if [held.effective, held.permitted, held.inheritable].iter().all(CapabilitySet::is_empty) {
        // Under the hardened unit there are none, and its filter refuses the very call.
        return Ok(());
    }
    let none = rustix::thread::CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, none)
}

/// Denies every path, every TCP port and every signal to outside, as far as the kernel can.
fn restrict_files_and_network() -> Result<LandlockState, landlock::RulesetError> {
    const NEWEST: ABI = ABI::V6;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .restrict_self()?;
    Ok(match status.landlock {
        LandlockStatus::Available { .. } if status.ruleset == RulesetStatus::NotEnforced => {
            LandlockState::Disabled
        }
        LandlockStatus::Available { effective_abi, .. } => {
            LandlockState::Enforced { abi: effective_abi.min(NEWEST) as i32 as u32 }
        }
        LandlockStatus::NotEnabled => LandlockState::Disabled,
        LandlockStatus::NotImplemented => LandlockState::Absent,
    })
}

/// What the self-test found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CageReport {
    /// Whether landlock is one of the walls; the others always are.
    pub landlock: LandlockState,
    /// Every act that was tried, forbidden ones first.
    pub acts: Vec<ActReport>,
}

/// One act of the self-test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActReport {
    /// Name of the act (`open_file_for_reading`).
    pub name: String,
    /// What became of it.
    pub outcome: ActOutcome,
}

/// What became of an act of the self-test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActOutcome {
    /// A forbidden act was denied.
    Denied,
    /// A forbidden act went through, or the kernel looked at it before refusing.
    Leaked {
        /// What the kernel said.
        detail: String,
    },
    /// An act that parsing needs works.
    Works,
    /// An act that parsing needs was denied.
    Broken {
        /// What the kernel said.
        detail: String,
    },
}

impl CageReport {
    /// The acts that make this cage unusable; empty when it holds.
    #[must_use]
    pub fn faults(&self) -> Vec<&ActReport> {
        let is_fault = |a: &&ActReport| {
            matches!(a.outcome, ActOutcome::Leaked { .. } | ActOutcome::Broken { .. })
        };
        self.acts.iter().filter(is_fault).collect()
    }

    /// How many forbidden acts were denied.
    #[must_use]
    pub fn denied_count(&self) -> usize {
        self.acts.iter().filter(|a| a.outcome == ActOutcome::Denied).count()
    }
}
