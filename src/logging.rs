//! Log lines: for people or as JSON, on standard error, never with content or personal data.

use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::{Log, LogFormat};
use crate::telemetry::Telemetry;

/// Starts logging, and the hearing of spans for traces where they are exported. Each has its own
/// filter: what is too quiet for the log is still a span.
///
/// # Errors
/// When the level is no filter.
pub(crate) fn start(log: &Log, telemetry: Option<&Telemetry>) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.level).map_err(|e| format!("log.level: {e}"))?;
    let lines = tracing_subscriber::fmt::layer()
        .with_span_events(FmtSpan::NONE)
        .with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        LogFormat::Pretty => lines.compact().with_filter(filter).boxed(),
    };
    let mut layers = vec![lines];
    layers.extend(telemetry.map(Telemetry::layer));
    tracing_subscriber::registry().with(layers).try_init().map_err(|e| e.to_string())
}
