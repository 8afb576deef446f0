//! The parts that readiness looks at.

use std::time::Instant;

use base::{TenantId, Timestamp};
use models::{BuildChoice, Tier, Tiers, Upstream, UpstreamState, WorkerCageReport, WorkerState};
use parse::LandlockState;
use store::{Health, KeyProtection, WitnessState};

use super::{Part, PartState};
use crate::state::AppState;
use crate::tls::{RENEW_BEFORE_DAYS, notice};

/// Below this much free space uploads may fail soon.
const DISK_LOW_BYTES: u64 = 1024 * 1024 * 1024;
/// Below this much nothing can be committed safely.
const DISK_FULL_BYTES: u64 = 32 * 1024 * 1024;
/// Wall clock and monotonic clock may differ by this much before it is called a jump.
const CLOCK_JUMP_MS: i64 = 60_000;
/// No appliance was built before this moment (2026-01-01): a clock before it was never set.
const CLOCK_EARLIEST: Timestamp = Timestamp::from_unix_ms(1_767_225_600_000);

/// Compares the wall clock with the monotonic one since the process started.
pub(crate) struct ClockWatch {
    wall_start: Timestamp,
    steady_start: Instant,
}

impl ClockWatch {
    pub(crate) fn start(now: Timestamp) -> Self {
        Self { wall_start: now, steady_start: Instant::now() }
    }

    /// By how much the wall clock has jumped since the start, in milliseconds; forward is positive.
    fn jump_ms(&self, now: Timestamp) -> i64 {
        let steady_ms = i64::try_from(self.steady_start.elapsed().as_millis()).unwrap_or(i64::MAX);
        now.since_ms(self.wall_start).saturating_sub(steady_ms)
    }
}

pub(super) fn all(state: &AppState) -> Vec<Part> {
    let mut parts = vec![
        store_part(state.store.health(), &state.store.read_only_tenants()),
        key_part(state),
        certificate_part(state),
        cage_part(state),
        model_part(&state.library.models().state()),
        language_part(state.tiers(), &state.upstreams),
        model_cage_part(state.model_cage.as_ref().map_err(String::as_str)),
        disk_part(state),
        clock_part(state.store.now(), &state.clock_watch),
    ];
    parts.extend(state.store.witness_state().as_ref().map(witness_part));
    parts
}

fn ok(name: &'static str, detail: impl Into<String>) -> Part {
    Part { name, state: PartState::Ok, detail: detail.into(), action: None }
}

fn troubled(
    name: &'static str,
    state: PartState,
    detail: impl Into<String>,
    action: impl Into<String>,
) -> Part {
    Part { name, state, detail: detail.into(), action: Some(action.into()) }
}

fn store_part(health: &Health, read_only_tenants: &[TenantId]) -> Part {
    match health {
        Health::Sound if read_only_tenants.is_empty() => {
            ok("store", "the database agrees with its signed checkpoint")
        }
        Health::Sound => {
            let names: Vec<_> = read_only_tenants.iter().map(TenantId::short).collect();
            troubled(
                "store",
                PartState::Degraded,
                format!(
                    "read-only, since their databases do not agree with their signed checkpoints: \
                     tenants {}",
                    names.join(", ")
                ),
                "run `millwright audit verify` on the machine and restore a backup",
            )
        }
        Health::ReadOnly(_) => troubled(
            "store",
            PartState::Failed,
            "the appliance's database does not agree with its signed checkpoint and is read-only",
            "run `millwright audit verify` on the machine and restore a backup",
        ),
    }
}

/// Only where a witness is configured.
fn witness_part(witness: &WitnessState) -> Part {
    const NAME: &str = "witness";
    if !witness.broken_logs.is_empty() {
        return troubled(
            NAME,
            PartState::Degraded,
            format!("{} logs are not what the witness saw", witness.broken_logs.len()),
            "run `millwright audit verify --witness FOLDER` on the machine: somebody may have \
             rolled back the data directory",
        );
    }
    let away = |name: &str, why: &str| format!("the {name} can't be written to ({why})");
    let troubles: Vec<String> = witness
        .places
        .iter()
        .filter_map(|place| place.trouble.as_deref().map(|why| away(place.name, why)))
        .collect();
    if troubles.is_empty() {
        return ok(NAME, "the newest checkpoints are in a second place");
    }
    troubled(
        NAME,
        PartState::Degraded,
        format!("{}; nothing else waits for it", troubles.join("; ")),
        "put the witness's medium back, or mend audit.witness_path; it is caught up by itself",
    )
}

fn key_part(state: &AppState) -> Part {
    match state.store.key_protection() {
        KeyProtection::Credential => ok("key", "the master key comes from a credential"),
        KeyProtection::Sealed => {
            ok("key", "the master key is under a passphrase or shares: each start is unsealed")
        }
        KeyProtection::KeyFile => {
            ok("key", "the master key comes from a key file: keep a copy in a safe place")
        }
    }
}

fn certificate_part(state: &AppState) -> Part {
    let Some(tls) = &state.tls else {
        return ok("certificate", "plain HTTP on a loopback address: no certificate in use");
    };
    let days = tls.days_left();
    let own = tls.authority_file().is_none();
    let renew = if own {
        "replace the configured certificate: its files are read again once a day and at a restart"
    } else {
        "it is renewed daily when due: see the log for what went wrong"
    };
    let uncovered = tls.uncovered_names();
    let detail = format!("the server certificate is valid for {days} days");
    match notice(days) {
        Some(0) => {
            troubled("certificate", PartState::Failed, "the server certificate has ended", renew)
        }
        Some(limit) if limit <= RENEW_BEFORE_DAYS => {
            let detail = format!("the server certificate ends in {days} days");
            troubled("certificate", PartState::Degraded, detail, renew)
        }
        _ if !uncovered.is_empty() => {
            let detail = format!("{detail}, but not for {}", uncovered.join(", "));
            let action = "have it issued for all names of server.names, or correct them";
            troubled("certificate", PartState::Degraded, detail, action)
        }
        // Early enough to order a new one.
        Some(_) if own => troubled("certificate", PartState::Ok, detail, renew),
        _ => ok("certificate", detail),
    }
}

fn cage_part(state: &AppState) -> Part {
    let report = match &state.cage {
        Ok(report) => report,
        Err(reason) => {
            return troubled(
                "parse_cage",
                PartState::Degraded,
                format!("the cage could not be tested, documents are not read: {reason}"),
                "run `millwright doctor` on the machine",
            );
        }
    };
    let faults = report.faults();
    if !faults.is_empty() {
        let names: Vec<_> = faults.iter().map(|act| act.name.as_str()).collect();
        return troubled(
            "parse_cage",
            PartState::Degraded,
            format!("the cage leaks, documents are not read: {}", names.join(", ")),
            "run `millwright doctor` on the machine",
        );
    }
    match report.landlock {
        LandlockState::Enforced { .. } => {
            ok("parse_cage", format!("closed: {} forbidden acts failed", report.denied_count()))
        }
        _ => troubled(
            "parse_cage",
            PartState::Degraded,
            "closed by seccomp alone: the kernel has no landlock",
            "use a kernel of version 5.13 or later with landlock enabled",
        ),
    }
}

fn model_part(worker: &WorkerState) -> Part {
    match worker {
        WorkerState::NotStarted => ok("model_worker", "starts with the first question"),
        WorkerState::Starting => ok("model_worker", "is starting"),
        WorkerState::Ready { build, .. } => ok("model_worker", answers(build)),
        WorkerState::Failed { next_retry, .. } => troubled(
            "model_worker",
            PartState::Degraded,
            format!("does not run: search goes by words alone; next try at {next_retry}"),
            "see the log for the reason, and `millwright doctor` for the machine's CPU features",
        ),
    }
}

/// Which build runs, and why not a faster one. What exactly the machine has is for `doctor` to say: anybody
/// may ask for readiness.
fn answers(build: &BuildChoice) -> String {
    let others = build.passed_over.iter().map(|other| format!("; {other}"));
    format!("answers; build {}{}", build.level, others.collect::<String>())
}

/// Without a language model answers are quotes, which is a way to work and no trouble.
fn language_part(tiers: &Tiers, upstreams: &[Upstream]) -> Part {
    const NAME: &str = "language_models";
    if tiers.is_empty() {
        return ok(NAME, "none is assigned: answers are quotes");
    }
    let down = upstreams.iter().map(Upstream::view).filter_map(|upstream| match upstream.state {
        UpstreamState::Down { reason } => {
            Some(format!("{} does not answer: {reason}", upstream.name))
        }
        UpstreamState::Unknown | UpstreamState::Answers => None,
    });
    let down: Vec<String> = down.collect();
    if !down.is_empty() {
        let action =
            "look after the servers; until then other models of the tiers answer, or quotes";
        return troubled(NAME, PartState::Degraded, down.join("; "), action);
    }
    let of_tier = |tier: Tier| format!("{} {tier}", tiers.members(tier).len());
    ok(NAME, Tier::ALL.map(of_tier).join(", "))
}

/// The worker that leaks still computes: what it reads are texts, not files of strangers.
fn model_cage_part(report: Result<&WorkerCageReport, &str>) -> Part {
    let name = "model_cage";
    let action = "run `millwright doctor` on the machine";
    match report {
        Err(reason) => {
            let detail = format!("the cage could not be tested: {reason}");
            troubled(name, PartState::Degraded, detail, action)
        }
        Ok(report) if !report.leaks().is_empty() => {
            let detail = format!("the cage leaks: {}", report.leaks().join(", "));
            troubled(name, PartState::Degraded, detail, action)
        }
        Ok(report) => ok(name, format!("closed: {} forbidden acts failed", report.denied_count())),
    }
}

/// Space that the appliance may still write, in bytes.
pub(super) fn disk_free_bytes(state: &AppState) -> Result<u64, rustix::io::Errno> {
    let disk = rustix::fs::statvfs(state.store.data_dir())?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn disk_part(state: &AppState) -> Part {
    let free = match disk_free_bytes(state) {
        Ok(free) => free,
        Err(error) => {
            return troubled(
                "disk",
                PartState::Failed,
                format!("the data directory's disk does not answer: {error}"),
                "check the disk and its mount",
            );
        }
    };
    let detail = format!("{} MiB are free", free / (1024 * 1024));
    let action = "free space on the data directory's disk, or enlarge it";
    if free < DISK_FULL_BYTES {
        troubled("disk", PartState::Failed, detail, action)
    } else if free < DISK_LOW_BYTES {
        troubled("disk", PartState::Degraded, detail, action)
    } else {
        ok("disk", detail)
    }
}

fn clock_part(now: Timestamp, watch: &ClockWatch) -> Part {
    let jump_ms = watch.jump_ms(now);
    if now < CLOCK_EARLIEST {
        let detail = format!("the clock shows {now}");
        let action = "set the clock: sessions, certificates and validity of documents depend on it";
        troubled("clock", PartState::Degraded, detail, action)
    } else if jump_ms.abs() > CLOCK_JUMP_MS {
        let detail = format!("the clock jumped by {} s since the start", jump_ms / 1000);
        let action = "check the time source; restart the appliance once the clock is right";
        troubled("clock", PartState::Degraded, detail, action)
    } else {
        ok("clock", format!("the clock shows {now}"))
    }
}

#[cfg(test)]
mod tests {
    use models::WorkerAct;

    use super::*;

    #[test]
    fn a_clock_that_jumps_is_noticed() {
        let start = Timestamp::from_unix_ms(1_795_000_000_000);
        let watch = ClockWatch::start(start);
        assert_eq!(clock_part(start, &watch).state, PartState::Ok);
        assert_eq!(clock_part(start.plus_ms(3_600_000), &watch).state, PartState::Degraded);
        assert_eq!(clock_part(start.plus_ms(-3_600_000), &watch).state, PartState::Degraded);
        assert_eq!(clock_part(Timestamp::from_unix_ms(0), &watch).state, PartState::Degraded);
    }

    #[test]
    fn a_witness_that_is_away_or_saw_something_else_is_told_without_names() {
        let place = |trouble: Option<&str>| store::WitnessPlace {
            name: "folder",
            complete_at: None,
            trouble: trouble.map(str::to_owned),
        };
        let part = |trouble, broken: &[&str]| {
            let broken_logs = broken.iter().map(|log| (*log).to_owned()).collect();
            witness_part(&WitnessState { places: vec![place(trouble)], broken_logs })
        };
        assert_eq!(part(None, &[]).state, PartState::Ok);
        let away = part(Some("No such file or directory"), &[]);
        assert_eq!(away.state, PartState::Degraded);
        assert!(away.detail.contains("No such file"), "{}", away.detail);
        let broken = part(None, &["millwright/tenants/x: it has 3 entries"]);
        assert_eq!(broken.state, PartState::Degraded);
        assert!(!broken.detail.contains("tenants/x"), "{}", broken.detail);
    }

    #[test]
    fn a_cage_that_leaks_is_named() {
        let act = |name: &str, leaked: Option<&str>| WorkerAct {
            name: name.to_owned(),
            leaked: leaked.map(str::to_owned),
        };
        let mut report = WorkerCageReport { held: Vec::new(), acts: vec![act("fork", None)] };
        assert_eq!(model_cage_part(Ok(&report)).state, PartState::Ok);
        report.acts.push(act("open_file", Some("went through")));
        let part = model_cage_part(Ok(&report));
        assert_eq!(part.state, PartState::Degraded);
        assert!(part.detail.ends_with("open_file"), "{}", part.detail);
        assert_eq!(model_cage_part(Err("no report")).state, PartState::Degraded);
    }

    #[test]
    fn a_store_behind_its_checkpoint_fails_and_does_not_tell_strangers_the_details() {
        let part = store_part(&Health::ReadOnly("the database has 3 audit entries".into()), &[]);
        assert_eq!(part.state, PartState::Failed);
        assert!(!part.detail.contains("3 audit entries"));
    }
}
