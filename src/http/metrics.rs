//! The recorder behind `/metrics`: Prometheus text with set buckets.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::frame::{PANICS_TOTAL, REQUEST_DURATION, REQUESTS_TOTAL};
use crate::health::describe_figures;

/// Upper bounds of durations, in seconds: probes take milliseconds, answers up to two minutes.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

/// The process has one recorder (the `metrics` facade is global), whoever asks first makes it.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// What every room's figures are read from.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// The process's recorder, installed at the first call. From then on every room's figures
    /// count; call it before anything else starts.
    ///
    /// # Errors
    /// [`MetricsError`] when the buckets are refused.
    pub fn install() -> Result<Self, MetricsError> {
        if let Some(handle) = RECORDER.get() {
            return Ok(Self { handle: handle.clone() });
        }
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
            .build_recorder();
        let handle = recorder.handle();
        let handle = RECORDER.get_or_init(|| {
            // Fails only when another recorder is there already; ours then renders nothing, which
            // a scrape shows.
            let _ = ::metrics::set_global_recorder(recorder);
            describe();
            handle
        });
        Ok(Self { handle: handle.clone() })
    }

    /// The text of a scrape (Prometheus exposition format 0.0.4).
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }
}

/// The recorder could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the metrics recorder could not be made")]
pub struct MetricsError(#[from] BuildError);

fn describe() {
    ::metrics::describe_counter!(REQUESTS_TOTAL, "Requests by method, route and status.");
    ::metrics::describe_histogram!(
        REQUEST_DURATION,
        ::metrics::Unit::Seconds,
        "Seconds from a request's header to the beginning of its answer."
    );
    ::metrics::describe_counter!(PANICS_TOTAL, "Handlers that panicked.");
    describe_figures();
    ::models::describe_figures();
    ::agents::describe_figures();
}
