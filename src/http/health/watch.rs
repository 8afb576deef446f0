//! What readiness finds, as figures and as log lines when it changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Unit, describe_gauge, gauge};
use models::WorkerState;
use tokio_util::sync::CancellationToken;

use super::{Part, PartState, parts};
use crate::state::AppState;

/// How often the parts are looked at when nobody asks.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

const PART_STATE: &str = "millwright_part_state";
const OPEN_TENANTS: &str = "millwright_open_tenants";
const CERTIFICATE_EXPIRES: &str = "millwright_certificate_expires_timestamp_seconds";
const RATE_LIMIT_KEYS: &str = "millwright_rate_limit_keys";
const DISK_FREE_BYTES: &str = "millwright_disk_free_bytes";
const WORKER_BUILD: &str = "millwright_model_worker_build";
const GPU_BYTES: &str = "millwright_model_worker_gpu_bytes";
const WITNESS_COMPLETE: &str = "millwright_witness_complete_timestamp_seconds";

/// Says what the figures mean; once, when the recorder is made.
pub(crate) fn describe_figures() {
    describe_gauge!(PART_STATE, "State of a part: 0 ok, 1 degraded, 2 failed.");
    describe_gauge!(OPEN_TENANTS, "Tenants whose database is open.");
    describe_gauge!(CERTIFICATE_EXPIRES, "Unix time at which the server certificate ends.");
    describe_gauge!(
        WITNESS_COMPLETE,
        "Unix time at which all logs' newest checkpoints were last in the witness; 0 for never."
    );
    describe_gauge!(RATE_LIMIT_KEYS, "Callers that a rate limiter remembers, by limiter.");
    describe_gauge!(WORKER_BUILD, "1 for the build of the model worker that runs, by level.");
    describe_gauge!(
        GPU_BYTES,
        Unit::Bytes,
        "Memory of the graphics processors that language models are computed on; 0 without one."
    );
    describe_gauge!(DISK_FREE_BYTES, Unit::Bytes, "Free space on the data directory's disk.");
}

/// Sets the figures to what is found now. Blocks on the disk.
pub(crate) fn set_figures(state: &AppState) {
    for part in parts::all(state) {
        let value = match part.state {
            PartState::Ok => 0.0,
            PartState::Degraded => 1.0,
            PartState::Failed => 2.0,
        };
        gauge!(PART_STATE, "part" => part.name).set(value);
    }
    gauge!(OPEN_TENANTS).set(state.store.open_tenants() as f64);
    for (limiter, keys) in [
        ("user", state.person_limiter.keys()),
        ("key", state.key_limiter.keys()),
        ("tenant", state.tenant_limiter.keys()),
        ("address", state.address_limiter.keys()),
        ("sign-in", state.login_limiter.keys()),
    ] {
        gauge!(RATE_LIMIT_KEYS, "limiter" => limiter).set(keys as f64);
    }
    if let Some(tls) = &state.tls {
        gauge!(CERTIFICATE_EXPIRES).set(tls.expires_at().unix_ms() as f64 / 1000.0);
    }
    for place in state.store.witness_state().iter().flat_map(|witness| &witness.places) {
        let complete_s = place.complete_at.map_or(0.0, |at| at.unix_ms() as f64 / 1000.0);
        gauge!(WITNESS_COMPLETE, "place" => place.name).set(complete_s);
    }
    if let WorkerState::Ready { hello, build, .. } = state.library.models().state() {
        gauge!(WORKER_BUILD, "level" => build.level.clone()).set(1.0);
        gauge!(GPU_BYTES).set(hello.gpu_bytes as f64);
    }
    if let Ok(free) = parts::disk_free_bytes(state) {
        gauge!(DISK_FREE_BYTES).set(free as f64);
    }
}

/// Logs every change of a part's state until `shutdown` is cancelled.
pub(crate) async fn watch(state: Arc<AppState>, shutdown: CancellationToken) {
    let mut known = HashMap::new();
    loop {
        let looked = Arc::clone(&state);
        if let Ok(parts) = tokio::task::spawn_blocking(move || parts::all(&looked)).await {
            for part in parts {
                let before = known.insert(part.name, part.state).unwrap_or(PartState::Ok);
                if before != part.state {
                    log_change(&part);
                }
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
        }
    }
}

fn log_change(part: &Part) {
    let (name, state, detail) = (part.name, part.state.as_str(), part.detail.as_str());
    match &part.action {
        None => tracing::info!(part = name, state, detail, "a part is well again"),
        Some(action) => {
            tracing::warn!(part = name, state, detail, action, "a part is not as it should be");
        }
    }
}
