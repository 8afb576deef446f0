//! Traces for a collector of the plant (OTLP over HTTP). Off unless a collector is configured.
//!
//! Two spans are told, and of them only what [`ATTRIBUTES`] lists: one per HTTP request, one per
//! run of a durable job. They go from the tracing layer into the SDK's bounded queue; its own
//! thread hands them to the exporter, whose transport is the door of the `egress` room. A collector
//! that does not answer costs its traces and nothing else.
//!
//! Never:
//! - an event, a field or a span that is not listed here: no content, no names, no addresses, no
//!   path with an id in it;
//! - a request that waits for the collector;
//! - a connection beside the door.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use egress::Door;
use opentelemetry::trace::{SpanKind, Status, TracerProvider as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{RetryPolicy, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, Span, SpanData, SpanEvents,
    SpanExporter, SpanLinks, SpanProcessor,
};
use tokio::runtime::Handle;
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::{Layer, Registry};

use crate::composition::chain;
use crate::config::{self, CONNECTOR};

/// Spans that may wait; further ones are dropped and counted.
const QUEUE_MAX_SPANS: usize = 4096;

/// Spans of one export.
const BATCH_MAX_SPANS: usize = 512;

/// How long stopping may wait for the last export.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Spans handed to the collector, spans that it did not take, and spans that came while too many
/// waited.
const SPANS_TOTAL: &str = "millwright_telemetry_spans_total";

/// What an export says in its header. The exporter would add what `OTEL_EXPORTER_OTLP_HEADERS`
/// says; one place configures this process.
const HEADERS: [&str; 2] = ["content-type", "user-agent"];

/// The span of a request and that of a job, by where they are made and how they are called there.
const SPANS: [(&str, &str); 2] = [("http::frame", "http"), ("store::job_runner", "job")];

/// All that is told of a span: our name for it, and the collector's (OpenTelemetry semantic
/// conventions for HTTP server spans, where they have one).
const ATTRIBUTES: [(&str, &str); 8] = [
    ("http.method", "http.request.method"),
    ("http.route", "http.route"),
    ("http.status", "http.response.status_code"),
    ("request.id", "request.id"),
    ("tenant.id", "tenant.id"),
    ("job.id", "job.id"),
    ("job.kind", "job.kind"),
    ("job.outcome", "job.outcome"),
];

/// The export of traces, as long as the process serves.
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
    line: Line,
}

impl Telemetry {
    /// The export that is configured, if any. Nothing is sent before [`Telemetry::connect`].
    ///
    /// # Errors
    /// Which setting the exporter does not accept.
    pub(crate) fn prepare(config: &config::Telemetry) -> Result<Option<Self>, String> {
        let Some(collector) = config.collector()? else { return Ok(None) };
        let line = Line::default();
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(line.clone())
            .with_endpoint(collector.url)
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            // One call per batch: each is in the audit log, and the next batch is a retry.
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|error| chain(&error))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE_MAX_SPANS)
            .with_max_export_batch_size(BATCH_MAX_SPANS)
            .with_scheduled_delay(Duration::from_secs(config.export_interval_s.into()))
            .build();
        let waiting = Arc::new(AtomicUsize::new(0));
        let listed = Listed { exporter, waiting: Arc::clone(&waiting) };
        let next = BatchSpanProcessor::builder(listed).with_batch_config(batches).build();
        // Empty: the SDK's own resource would tell what stands in the environment.
        let resource = Resource::builder_empty()
            .with_service_name(config.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Bounded { next, waiting })
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource)
            .build();
        Ok(Some(Self { provider, line }))
    }

    /// The layer that hears of the spans, and of nothing else.
    pub(crate) fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let listed = FilterFn::new(|metadata| {
            metadata.is_span() && SPANS.contains(&(metadata.target(), metadata.name()))
        });
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("millwright"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(listed.with_max_level_hint(LevelFilter::INFO))
            .boxed()
    }

    /// Lets the traces go, through this door and on this runtime.
    pub(crate) fn connect(&self, door: Door) {
        metrics::describe_counter!(
            SPANS_TOTAL,
            "Spans by outcome: exported to the collector, lost because it did not take them, or \
             dropped because too many waited."
        );
        // A second door is never made.
        let _ = self.line.shared.way.set(Way { door, runtime: Handle::current() });
    }

    /// Exports what waits, for a short time.
    pub(crate) async fn shut_down(self) {
        let provider = self.provider;
        let flush = move || provider.shutdown_with_timeout(FLUSH_TIMEOUT);
        if !matches!(tokio::task::spawn_blocking(flush).await, Ok(Ok(()))) {
            tracing::warn!("the last traces could not be delivered in time");
        }
    }
}

/// Keeps the SDK's queue from being full: there it would drop spans without a count.
#[derive(Debug)]
struct Bounded<P> {
    next: P,
    /// Spans handed on and not yet exported.
    waiting: Arc<AtomicUsize>,
}

impl<P: SpanProcessor> SpanProcessor for Bounded<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < QUEUE_MAX_SPANS {
            self.next.on_end(span);
        } else {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            metrics::counter!(SPANS_TOTAL, "outcome" => "dropped").increment(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

/// An exporter that passes on what is listed and counts it.
#[derive(Debug)]
struct Listed<E> {
    exporter: E,
    /// That of [`Bounded`].
    waiting: Arc<AtomicUsize>,
}

impl<E: SpanExporter> SpanExporter for Listed<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
        let listed: Vec<SpanData> = batch.into_iter().filter_map(only_listed).collect();
        let count = listed.len() as u64;
        let result = self.exporter.export(listed).await;
        let outcome = if result.is_ok() { "exported" } else { "lost" };
        metrics::counter!(SPANS_TOTAL, "outcome" => outcome).increment(count);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// The span with the listed attributes under the collector's names, and nothing else; `None` for a
/// span that is not listed.
fn only_listed(mut span: SpanData) -> Option<SpanData> {
    let ours = std::mem::take(&mut span.attributes);
    let told = |name: &str| ours.iter().find(|kv| kv.key.as_str() == name).map(|kv| &kv.value);
    let failed = match span.name.as_ref() {
        "http" => {
            let method = told("http.method")?.as_str();
            span.name = match told("http.route").map(Value::as_str) {
                // No route was found: the path is the caller's and stays here.
                None => method.into_owned().into(),
                Some(route) if route == "none" => method.into_owned().into(),
                Some(route) => format!("{method} {route}").into(),
            };
            span.span_kind = SpanKind::Server;
            matches!(told("http.status"), Some(Value::I64(500..)))
        }
        "job" => {
            span.name = format!("job {}", told("job.kind")?.as_str()).into();
            span.span_kind = SpanKind::Internal;
            told("job.outcome").is_some_and(|outcome| outcome.as_str() == "failed")
        }
        _ => return None,
    };
    span.status = if failed { Status::error("") } else { Status::Unset };
    span.attributes = ATTRIBUTES
        .iter()
        .filter_map(|(name, theirs)| Some(KeyValue::new(*theirs, told(name)?.clone())))
        .collect();
    span.events = SpanEvents::default();
    span.links = SpanLinks::default();
    span.dropped_attributes_count = 0;
    Some(span)
}

/// The exporter's transport: the door, once there is one.
#[derive(Clone, Default)]
struct Line {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    way: OnceLock<Way>,
    /// The last export failed, and that has been said.
    down: AtomicBool,
}

struct Way {
    door: Door,
    /// The exporter's thread has none of its own.
    runtime: Handle,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

#[async_trait::async_trait]
impl HttpClient for Line {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let Some(Way { door, runtime }) = self.shared.way.get() else {
            return Err("the door is not open yet".into());
        };
        let names = request.headers().keys();
        let foreign: Vec<_> =
            names.filter(|name| !HEADERS.contains(&name.as_str())).cloned().collect();
        for name in foreign {
            request.headers_mut().remove(name);
        }
        let door = door.clone();
        let call = runtime.spawn(async move { door.send(CONNECTOR, request).await });
        let result = match call.await {
            Ok(result) => result.map_err(HttpError::from),
            Err(stopped) => Err(stopped.into()),
        };
        match &result {
            Ok(answer) if answer.status().is_success() => self.is_up(),
            Ok(answer) => self.is_down(&format!("the collector answered {}", answer.status())),
            Err(error) => self.is_down(&chain(error.as_ref())),
        }
        result
    }
}

impl Line {
    fn is_up(&self) {
        if self.shared.down.swap(false, Ordering::Relaxed) {
            tracing::info!("traces are delivered again");
        }
    }

    /// Says so once per outage: every failed export would say the same.
    fn is_down(&self, reason: &str) {
        if !self.shared.down.swap(true, Ordering::Relaxed) {
            tracing::warn!(reason, "traces can't be delivered; everything else goes on");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{Event, Link, SpanContext, SpanId};

    use super::*;

    fn span(name: &'static str, attributes: &[(&'static str, Value)]) -> SpanData {
        let mut events = SpanEvents::default();
        let now = std::time::UNIX_EPOCH;
        events.events.push(Event::new("secret event", now, Vec::new(), 0));
        let mut links = SpanLinks::default();
        links.links.push(Link::with_context(SpanContext::empty_context()));
        SpanData {
            span_context: SpanContext::empty_context(),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: now,
            end_time: now,
            attributes: attributes.iter().map(|(k, v)| KeyValue::new(*k, v.clone())).collect(),
            dropped_attributes_count: 1,
            events,
            links,
            status: Status::error("secret status"),
            instrumentation_scope: InstrumentationScope::builder("millwright").build(),
        }
    }

    fn attribute<'a>(span: &'a SpanData, name: &str) -> Option<&'a Value> {
        span.attributes.iter().find(|kv| kv.key.as_str() == name).map(|kv| &kv.value)
    }

    #[test]
    fn only_what_is_listed_is_told() {
        let told = only_listed(span(
            "http",
            &[
                ("http.method", "GET".into()),
                ("http.route", "/api/v1/documents/{id}".into()),
                ("http.status", Value::I64(503)),
                ("request.id", "r-1".into()),
                ("question", "secret question".into()),
                ("error", "secret error".into()),
            ],
        ))
        .unwrap();
        assert_eq!(told.name, "GET /api/v1/documents/{id}");
        assert_eq!(told.span_kind, SpanKind::Server);
        assert_eq!(told.status, Status::error(""));
        assert_eq!(attribute(&told, "http.response.status_code"), Some(&Value::I64(503)));
        assert_eq!(attribute(&told, "request.id"), Some(&Value::from("r-1")));
        assert_eq!(told.attributes.len(), 4);
        assert!(!format!("{told:?}").contains("secret"), "{told:?}");
        assert!(told.events.is_empty() && told.links.is_empty());
    }

    #[test]
    fn a_request_without_a_route_tells_its_method_alone() {
        let attributes = [("http.method", "POST".into()), ("http.status", Value::I64(404))];
        let told = only_listed(span("http", &attributes)).unwrap();
        assert_eq!((told.name.as_ref(), told.status), ("POST", Status::Unset));
    }

    #[test]
    fn jobs_are_told_by_kind_and_foreign_spans_not_at_all() {
        let attributes = [("job.kind", "ingest".into()), ("job.outcome", "failed".into())];
        let told = only_listed(span("job", &attributes)).unwrap();
        assert_eq!((told.name.as_ref(), told.status), ("job ingest", Status::error("")));
        assert_eq!(only_listed(span("something", &[])), None);
    }

    /// Counts what reaches it.
    #[derive(Debug, Default)]
    struct Count(AtomicUsize);

    impl SpanProcessor for Count {
        fn on_start(&self, _: &mut Span, _: &Context) {}

        fn on_end(&self, _: SpanData) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    #[test]
    fn what_does_not_fit_the_queue_is_not_handed_on() {
        let waiting = Arc::new(AtomicUsize::new(0));
        let bounded = Bounded { next: Count::default(), waiting: Arc::clone(&waiting) };
        for _ in 0..QUEUE_MAX_SPANS + 3 {
            bounded.on_end(span("http", &[]));
        }
        assert_eq!(bounded.next.0.load(Ordering::Relaxed), QUEUE_MAX_SPANS);
        // An export makes room.
        waiting.fetch_sub(2, Ordering::Relaxed);
        for _ in 0..3 {
            bounded.on_end(span("http", &[]));
        }
        assert_eq!(bounded.next.0.load(Ordering::Relaxed), QUEUE_MAX_SPANS + 2);
    }
}
