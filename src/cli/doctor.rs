//! `millwright doctor`: looks at everything that has stopped an appliance before, changes nothing.

use std::path::Path;

use base::{Clock as _, SystemClock, Timestamp};
use http::console::Console;
use http::{RENEW_BEFORE_DAYS, TlsIdentity};
use serde_json::json;

use super::error::{CliError, Exit};
use super::output::Out;
use super::told;
use crate::composition::{chain, parse_worker, tls_settings};
use crate::config::Config;
use crate::model_parts::model_command;
use crate::worker_builds::worker_builds;

/// How a part is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Warning,
    Failed,
}

struct Finding {
    part: &'static str,
    state: State,
    detail: String,
    advice: &'static str,
}

/// Free space below which ingestion is likely to fail, and below which people should be warned.
const FREE_LEAST_BYTES: u64 = 512 * 1024 * 1024;
const FREE_WARNING_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// When people are told that their certificate ends.
const CERTIFICATE_NOTICE_DAYS: i64 = 60;
const CERTIFICATE_URGENT_DAYS: i64 = 7;

/// No clock that is right shows an earlier moment: the program did not exist then.
const BUILT_AFTER: &str = "2026-11-01";

pub(crate) async fn run(config: &Config, out: Out) -> Result<(), CliError> {
    let mut findings =
        vec![server(config).await, data_dir(&config.data.dir), disk(&config.data.dir)];
    findings.push(clock());
    findings.push(certificate(config));
    findings.push(processor());
    findings.push(cage(config).await);
    findings.push(model_cage(config).await);
    findings.push(language_models(config).await);
    findings.push(weights());
    findings.push(telemetry(config));
    findings.push(witness(config));
    findings.push(keys(config));
    findings.push(memory());
    findings.push(issuers(config));
    let word = |state| match state {
        State::Ok => "ok",
        State::Warning => "warning",
        State::Failed => "FAILED",
    };
    for finding in &findings {
        out.line(&format!("{:<12} {:<8} {}", finding.part, word(finding.state), finding.detail));
        if finding.state != State::Ok && !finding.advice.is_empty() {
            out.line(&format!("{:<21} → {}", "", finding.advice));
        }
    }
    let parts: Vec<_> = findings
        .iter()
        .map(|f| {
            let state = word(f.state).to_ascii_lowercase();
            json!({ "part": f.part, "state": state, "detail": f.detail, "advice": f.advice })
        })
        .collect();
    let healthy = findings.iter().all(|finding| finding.state != State::Failed);
    out.value(&json!({ "healthy": healthy, "parts": parts }));
    if healthy { Ok(()) } else { told(Exit::Failed) }
}

fn finding(part: &'static str, state: State, detail: String, advice: &'static str) -> Finding {
    Finding { part, state, detail, advice }
}

async fn server(config: &Config) -> Finding {
    let running = Console::connect(&config.data.dir).await.is_ok();
    let detail = if running {
        format!("runs, configured for {}", config.server.listen)
    } else {
        "does not run on this data directory".to_owned()
    };
    finding("server", State::Ok, detail, "")
}

fn data_dir(dir: &Path) -> Finding {
    use std::os::unix::fs::PermissionsExt as _;
    let part = "data";
    let shown = dir.display();
    match std::fs::metadata(dir) {
        Err(_) => finding(
            part,
            State::Warning,
            format!("{shown} does not exist yet"),
            "`millwright serve` or `millwright init` makes it",
        ),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => finding(
            part,
            State::Warning,
            format!("{shown} can be entered by others"),
            "chmod 700 the data directory",
        ),
        Ok(_) if rustix::fs::access(dir, rustix::fs::Access::WRITE_OK).is_err() => finding(
            part,
            State::Failed,
            format!("{shown} can't be written to by this user"),
            "run as the user that owns the data directory",
        ),
        Ok(_) => finding(part, State::Ok, format!("{shown} is private and writable"), ""),
    }
}

fn disk(dir: &Path) -> Finding {
    let mut at = dir;
    let space = loop {
        match rustix::fs::statvfs(at) {
            Ok(space) => break Some(space),
            Err(_) => match at.parent() {
                Some(parent) => at = parent,
                None => break None,
            },
        }
    };
    let Some(space) = space else {
        return finding(
            "disk",
            State::Failed,
            "free space can't be read".into(),
            "check the mount",
        );
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let detail = format!("{:.1} GiB free", free as f64 / f64::from(1 << 30));
    let (state, advice) = match free {
        0..FREE_LEAST_BYTES => (State::Failed, "free some space: documents can't be stored"),
        FREE_LEAST_BYTES..FREE_WARNING_BYTES => (State::Warning, "free some space soon"),
        _ => (State::Ok, ""),
    };
    finding("disk", state, detail, advice)
}

fn clock() -> Finding {
    let now = SystemClock.now();
    let built = Timestamp::parse(BUILT_AFTER).unwrap_or_default();
    if now < built {
        let detail = format!("shows {now}, before this program was built");
        return finding(
            "clock",
            State::Failed,
            detail,
            "set the clock: sessions and validity need it",
        );
    }
    finding("clock", State::Ok, format!("shows {now}"), "")
}

fn certificate(config: &Config) -> Finding {
    let part = "certificate";
    if config.server.plain_http {
        return finding(part, State::Ok, "not used: plain HTTP on loopback".into(), "");
    }
    let own = !config.server.certificate_file.as_os_str().is_empty();
    if !own && !config.data.dir.join("tls").exists() {
        return finding(part, State::Ok, "is made at the first start".into(), "");
    }
    let opened = tls_settings(config).map_err(|e| e.to_string()).and_then(|settings| {
        TlsIdentity::open(&config.data.dir, &settings, std::sync::Arc::new(SystemClock))
            .map_err(|error| chain(&error))
    });
    match opened {
        Err(detail) => finding(part, State::Failed, detail, "see server.certificate_file"),
        Ok(identity) => {
            let days = identity.days_left();
            let detail = format!("valid for {days} more days");
            let uncovered = identity.uncovered_names();
            match days {
                ..=0 => finding(part, State::Failed, "has expired".into(), "install a new one"),
                1..=CERTIFICATE_URGENT_DAYS if own => {
                    finding(part, State::Warning, detail, "install a new one now")
                }
                1..=RENEW_BEFORE_DAYS if own => {
                    finding(part, State::Warning, detail, "install a new one soon")
                }
                1..=CERTIFICATE_NOTICE_DAYS if own => {
                    finding(part, State::Warning, detail, "order a new one")
                }
                _ if !uncovered.is_empty() => {
                    let detail = format!("{detail}, but not for {}", uncovered.join(", "));
                    let advice = "have it issued for all names of server.names, or correct them";
                    finding(part, State::Warning, detail, advice)
                }
                _ => finding(part, State::Ok, detail, ""),
            }
        }
    }
}

fn processor() -> Finding {
    let features = [
        ("AVX2", std::arch::is_x86_feature_detected!("avx2")),
        ("FMA", std::arch::is_x86_feature_detected!("fma")),
        ("AVX-512F", std::arch::is_x86_feature_detected!("avx512f")),
        ("AVX-512 VNNI", std::arch::is_x86_feature_detected!("avx512vnni")),
    ];
    let present: Vec<_> = features.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let detail = format!("{cores} cores; {}", present.join(", "));
    if features[0].1 && features[1].1 {
        finding("processor", State::Ok, detail, "")
    } else {
        let advice = "embedding is slow without AVX2 and FMA; check the virtual machine's CPU type";
        finding("processor", State::Warning, detail, advice)
    }
}

async fn cage(config: &Config) -> Finding {
    let part = "sandbox";
    let Ok(exe) = std::env::current_exe() else {
        return finding(part, State::Failed, "own executable is not known".into(), "");
    };
    match parse_worker(config, exe).self_test().await {
        Ok(report) => {
            let detail = format!(
                "{} forbidden acts refused; landlock is {}",
                report.denied_count(),
                report.landlock
            );
            let landlocked = matches!(report.landlock, parse::LandlockState::Enforced { .. });
            let state = if landlocked { State::Ok } else { State::Warning };
            let advice = "seccomp alone holds the cage; a kernel with landlock adds a second wall";
            finding(part, state, detail, advice)
        }
        Err(error) => finding(
            part,
            State::Failed,
            chain(&error),
            "no document is read until the cage holds; a newer kernel or another container \
             runtime may be needed",
        ),
    }
}

async fn model_cage(config: &Config) -> Finding {
    let part = "model cage";
    let Ok(exe) = std::env::current_exe() else {
        return finding(part, State::Failed, "own executable is not known".into(), "");
    };
    let advice = "what handles texts can do more than compute; another kernel or container runtime \
                  may be needed";
    match models::worker_cage_self_test(&model_command(config, exe)).await {
        Err(reason) => finding(part, State::Failed, reason, advice),
        Ok(report) if !report.leaks().is_empty() => {
            let detail = format!("not refused: {}", report.leaks().join(", "));
            finding(part, State::Failed, detail, advice)
        }
        Ok(report) => {
            let held = report.held.join(", ");
            let detail = format!("{} forbidden acts refused ({held})", report.denied_count());
            finding(part, State::Ok, detail, "")
        }
    }
}

/// Whether a tiny model comes out right here. Nothing else depends on it: quotes need no model.
async fn language_models(config: &Config) -> Finding {
    let part = "language models";
    let Ok(exe) = std::env::current_exe() else {
        return finding(part, State::Failed, "own executable is not known".into(), "");
    };
    let builds = worker_builds(&model_command(config, exe), config.models.worker_build);
    let proved = match builds.chosen().await {
        Ok(chosen) => builds.proof().await.map(|proof| (chosen, proof)),
        Err(reason) => Err(reason),
    };
    match proved {
        Ok((chosen, proof)) => {
            let passed_over = chosen.choice.passed_over.iter().map(|other| format!("; {other}"));
            let passed_over: String = passed_over.collect();
            let detail = format!(
                "{}, {}: {} tokens of a trial are right{passed_over}",
                chosen.choice.level, proof.library, proof.tokens
            );
            finding(part, State::Ok, detail, "")
        }
        Err(reason) => finding(
            part,
            State::Warning,
            reason,
            "models are refused here and answers are quotes; this processor may lack AVX2 \
             (x86-64-v3), or a virtual machine advertises what it does not give",
        ),
    }
}

fn weights() -> Finding {
    match engine::verify_weights() {
        Ok(sha256) => finding(
            "weights",
            State::Ok,
            format!("embedder all-MiniLM-L6-v2, {}…", &sha256[..12]),
            "",
        ),
        Err(error) => finding(
            "weights",
            State::Failed,
            chain(&error),
            "this executable is damaged: install it again and compare its SHA-256",
        ),
    }
}

/// Whether a rollback of everything would be noticed elsewhere. Writes nothing.
fn witness(config: &Config) -> Finding {
    let part = "witness";
    let folder = &config.audit.witness_path;
    if folder.as_os_str().is_empty() {
        let detail = if config.audit.witness_syslog {
            "checkpoints of the audit logs go to the log daemon"
        } else {
            "none: a rollback of the whole data directory would not be noticed"
        };
        return finding(part, State::Ok, detail.into(), "");
    }
    let shown = folder.display();
    let advice = "mount the medium, make the folder, and let this user write to it";
    match std::fs::metadata(folder) {
        Ok(meta) if !meta.is_dir() => {
            finding(part, State::Warning, format!("{shown} is not a folder"), advice)
        }
        Ok(_) if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok() => {
            finding(part, State::Ok, format!("checkpoints of the audit logs go to {shown}"), "")
        }
        Ok(_) => finding(part, State::Warning, format!("{shown} can't be written to"), advice),
        Err(error) => finding(part, State::Warning, format!("{shown}: {error}"), advice),
    }
}

/// Whether anything leaves this machine. Sends nothing.
fn telemetry(config: &Config) -> Finding {
    let part = "telemetry";
    let collector = match config.telemetry.collector() {
        Ok(None) => return finding(part, State::Ok, "off: nothing is sent anywhere".into(), ""),
        Ok(Some(collector)) => collector,
        Err(detail) => {
            return finding(part, State::Failed, detail, "see telemetry.otlp_endpoint");
        }
    };
    match collector.entry.check_certificates() {
        Ok(()) => finding(part, State::Ok, format!("on: traces are sent to {}", collector.url), ""),
        Err(error) => finding(part, State::Failed, chain(&error), "see telemetry.otlp_ca_file"),
    }
}

/// How the master key is kept. Opens nothing.
fn keys(config: &Config) -> Finding {
    let part = "keys";
    let dir = &config.data.dir;
    let own = &config.data.key_file;
    let key_file = if own.as_os_str().is_empty() { dir.join("master.key") } else { own.clone() };
    let (sealed, file) = (dir.join("master.sealed").exists(), key_file.exists());
    if dir.join("keys.pending").exists() {
        let advice = "supply the new credential and restart; `millwright key show` says more";
        let detail = "a change of the master key is not finished".to_owned();
        return finding(part, State::Warning, detail, advice);
    }
    match (sealed, file) {
        (true, false) => finding(
            part,
            State::Ok,
            "the master key is sealed: each start waits until somebody unseals it".into(),
            "",
        ),
        (true, true) => {
            finding(part, State::Ok, "a key file, and a passphrase or shares beside it".into(), "")
        }
        (false, true) => {
            finding(part, State::Ok, format!("a key file: {}", key_file.display()), "")
        }
        (false, false) => {
            finding(part, State::Ok, "no key file: a credential, or no start yet".into(), "")
        }
    }
}

/// Whether keys are kept out of the swap.
fn memory() -> Finding {
    let lock = seal::memory_lock();
    let state = if lock == seal::MemoryLock::Locked { State::Ok } else { State::Warning };
    let advice = "raise LimitMEMLOCK= in the unit (ulimit -l), or turn the swap off or encrypt it";
    finding("memory", state, lock.to_string(), advice)
}

fn issuers(config: &Config) -> Finding {
    let part = "issuers";
    if config.issuer.is_empty() {
        return finding(part, State::Ok, "no other issuer of tokens is trusted".into(), "");
    }
    for issuer in &config.issuer {
        let keys = match issuer.settings() {
            Ok((_, settings)) => settings.check_keys().map_err(|error| chain(&error)),
            Err(detail) => Err(detail),
        };
        if let Err(detail) = keys {
            let detail = format!("{}: {detail}", issuer.name);
            return finding(part, State::Failed, detail, "see key_file of [[issuer]]");
        }
    }
    let count = config.issuer.len();
    finding(part, State::Ok, format!("{count} trusted, their keys can be read"), "")
}
