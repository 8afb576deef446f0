//! Traces: what leaves the machine when a collector is configured, and that nothing does otherwise.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Value, json};

use crate::support::{Appliance, Person, fixtures};

const EMAIL: &str = "sophie.brandt@alpha.example";
const QUESTION: &str = "What is the coupling gap of pump P-7?";
const FACT: &str = "The coupling gap of pump P-7 is 3 mm.";

/// All that a span may say.
const ATTRIBUTES: [&str; 8] = [
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "request.id",
    "tenant.id",
    "job.id",
    "job.kind",
    "job.outcome",
];

/// A collector on this machine that keeps what it gets.
struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    connections: usize,
    targets: BTreeSet<String>,
    headers: BTreeSet<String>,
    bodies: Vec<Bytes>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let received = Arc::new(Mutex::new(Received::default()));
        let keeps = Arc::clone(&received);
        // Ends with the test's process.
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    keeps.lock().unwrap().connections += 1;
                    let keeps = Arc::clone(&keeps);
                    let service = service_fn(move |request| receive(request, Arc::clone(&keeps)));
                    tokio::spawn(
                        hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service),
                    );
                }
            });
        });
        Self { address, received }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn connections(&self) -> usize {
        self.received.lock().unwrap().connections
    }

    fn spans(&self) -> Vec<Span> {
        let received = self.received.lock().unwrap();
        let exports = received.bodies.iter().map(|body| {
            ExportTraceServiceRequest::decode(body.clone()).expect("a body that is no export")
        });
        exports
            .flat_map(|export| export.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    }
}

async fn receive(
    request: Request<Incoming>,
    keeps: Arc<Mutex<Received>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = format!("{} {}", request.method(), request.uri());
    let headers: Vec<String> = request.headers().keys().map(ToString::to_string).collect();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut received = keeps.lock().unwrap();
    received.targets.insert(target);
    received.headers.extend(headers);
    received.bodies.push(body);
    Ok(Response::new(Full::default()))
}

/// An attribute, as text.
fn attribute(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        AnyValue::StringValue(text) => Some(text.clone()),
        AnyValue::IntValue(number) => Some(number.to_string()),
        other => panic!("{name}: {other:?}"),
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The line of `/metrics` that counts spans of this outcome.
fn spans_total(metrics: &str, outcome: &str) -> u64 {
    let name = format!("millwright_telemetry_spans_total{{outcome=\"{outcome}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(name.as_str()));
    line.map_or(0, |count| count.parse().unwrap())
}

/// Entries of the appliance's own log, which must be sound.
#[track_caller]
fn appliance_entries(appliance: &Appliance) -> u64 {
    let verified = appliance.json(&["audit", "verify"]);
    let logs = verified["logs"].as_array().unwrap();
    let log = logs.iter().find(|log| log["name"] == "appliance").unwrap();
    assert_eq!(log["sound"], true, "{verified:#}");
    log["size"].as_u64().unwrap()
}

#[test]
fn spans_of_requests_and_jobs_reach_the_collector_and_say_nothing_else() {
    let collector = Collector::start();
    let mut appliance = Appliance::stopped();
    appliance.start_with(&[
        ("MILLWRIGHT_TELEMETRY_OTLP_ENDPOINT", &collector.url()),
        ("MILLWRIGHT_TELEMETRY_SERVICE_NAME", "station 7"),
        // Nothing is due before the end: what arrives was flushed.
        ("MILLWRIGHT_TELEMETRY_EXPORT_INTERVAL_S", "3600"),
        // The log may be silent; the traces are not.
        ("MILLWRIGHT_LOG_LEVEL", "millwright=info,warn"),
        // What OpenTelemetry's own libraries listen to.
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-from-environment=secret"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-from-environment=secret"),
    ]);
    let live = appliance.client().get("/health/live").expect(200);
    let tenant = appliance.tenant("alpha")["id"].as_str().unwrap().to_owned();
    let person = appliance.person("alpha", Person::new(EMAIL, "operator"));
    let note = fixtures::markdown("Pump note", FACT);
    let (_, job) = person.ingest("secret-file-name.md", &note, &[]);
    assert_eq!(job["state"], "done", "{job:#}");
    let answered = person.post("/api/v1/chat", &json!({ "message": QUESTION })).expect(200);
    person.get("/no/such/page?token=secret-token").expect(404);
    let wrong = json!({ "tenant": "alpha", "email": EMAIL, "password": "secret-password" });
    let refused = appliance.client().post("/api/v1/auth/login", &wrong).expect(401);
    appliance.stop();

    let spans = collector.spans();
    let of_request = |answer: &crate::support::Answer| {
        let id = answer.headers["x-request-id"].to_str().unwrap();
        let mut found =
            spans.iter().filter(|span| attribute(span, "request.id").as_deref() == Some(id));
        let span = found.next().unwrap_or_else(|| panic!("no span of {id}: {spans:#?}"));
        assert!(found.next().is_none(), "two spans of {id}");
        span.clone()
    };
    let span = of_request(&live);
    assert_eq!(span.name, "GET /health/live");
    assert_eq!(attribute(&span, "http.route").unwrap(), "/health/live");
    assert_eq!(attribute(&span, "http.request.method").unwrap(), "GET");
    assert_eq!(attribute(&span, "http.response.status_code").unwrap(), "200");
    assert_eq!(attribute(&span, "tenant.id"), None);
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano && span.trace_id.len() == 16);
    let span = of_request(&answered);
    assert_eq!(span.name, "POST /api/v1/chat");
    assert_eq!(attribute(&span, "tenant.id").unwrap(), tenant);
    let span = of_request(&refused);
    assert_eq!(span.name, "POST /api/v1/auth/login");
    assert_eq!(attribute(&span, "http.response.status_code").unwrap(), "401");
    let job = spans.iter().find(|span| span.name == "job ingest").expect("no span of the job");
    assert_eq!(attribute(job, "job.outcome").unwrap(), "done");
    assert_eq!(attribute(job, "tenant.id").unwrap(), tenant);

    let allowed = BTreeSet::from(ATTRIBUTES);
    for span in &spans {
        assert!(span.attributes.iter().all(|a| allowed.contains(a.key.as_str())), "{span:#?}");
        assert!(span.events.is_empty() && span.links.is_empty(), "{span:#?}");
    }
    let received = collector.received.lock().unwrap();
    assert_eq!(received.targets, BTreeSet::from(["POST /v1/traces".to_owned()]));
    assert!(!received.headers.contains("x-from-environment"), "{:?}", received.headers);
    assert!(received.bodies.iter().any(|body| contains(body, "station 7")));
    for secret in [EMAIL, "sophie", QUESTION, "coupling", "secret", "no/such/page", "P-7"] {
        assert!(!received.bodies.iter().any(|body| contains(body, secret)), "{secret}");
    }
}

#[test]
fn without_configuration_nothing_is_sent_whatever_the_environment_says() {
    let collector = Collector::start();
    let traces = format!("{}/v1/traces", collector.url());
    let mut appliance = Appliance::stopped();
    // What OpenTelemetry's own libraries listen to.
    appliance.start_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &traces),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1"),
    ]);
    appliance.client().get("/health/live").expect(200);
    let metrics = appliance.client().get("/metrics").expect(200).text();
    assert!(!metrics.contains("millwright_telemetry"), "{metrics}");
    appliance.stop();
    assert_eq!(collector.connections(), 0);
    let report = appliance.json(&["doctor"]);
    let part = |name: &str| -> Value {
        let parts = report["parts"].as_array().unwrap();
        parts.iter().find(|part| part["part"] == name).unwrap().clone()
    };
    assert!(part("telemetry")["detail"].as_str().unwrap().starts_with("off"), "{report:#}");
}

#[test]
fn a_collector_that_is_down_costs_its_traces_and_one_warning() {
    // A port that was free a moment ago.
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut appliance = Appliance::stopped();
    let entries = appliance_entries(&appliance);
    appliance.start_with(&[
        ("MILLWRIGHT_TELEMETRY_OTLP_ENDPOINT", &format!("http://{dead}/")),
        ("MILLWRIGHT_TELEMETRY_EXPORT_INTERVAL_S", "1"),
    ]);
    let client = appliance.client();
    let started = Instant::now();
    // Each look is a request, and so a span: the count rises once per failed export.
    let (mut exports, mut lost) = (0_u64, 0);
    while exports < 3 {
        assert!(started.elapsed() < Duration::from_secs(60), "{lost}: {}", appliance.log());
        let now = spans_total(&client.get("/metrics").expect(200).text(), "lost");
        if now > lost {
            (exports, lost) = (exports + 1, now);
        }
    }
    appliance.stop();
    let log = appliance.log();
    let warnings = log.lines().filter(|line| line.contains("traces can't be delivered")).count();
    assert_eq!(warnings, 1, "{log}");
    // Every attempt is an entry.
    assert!(appliance_entries(&appliance) >= entries + exports);
}

#[test]
fn a_collector_that_hangs_does_not_hold_up_the_end() {
    // Accepts connections (the kernel does) and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut appliance = Appliance::stopped();
    let entries = appliance_entries(&appliance);
    appliance.start_with(&[
        (
            "MILLWRIGHT_TELEMETRY_OTLP_ENDPOINT",
            &format!("http://{}", listener.local_addr().unwrap()),
        ),
        ("MILLWRIGHT_TELEMETRY_EXPORT_INTERVAL_S", "3600"),
    ]);
    appliance.client().get("/health/live").expect(200);
    let started = Instant::now();
    appliance.stop();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert!(listener.accept().is_ok(), "the last export was not tried");
    // The call that was cut off is recorded before the databases close.
    assert_eq!(appliance_entries(&appliance), entries + 1);
}

#[test]
fn a_collector_that_can_not_be_trusted_is_told_before_anything_starts() {
    let appliance = Appliance::stopped();
    let file = appliance.scratch().join("millwright.toml");
    let absent = appliance.scratch().join("absent.pem");
    let text = format!(
        "[telemetry]\notlp_endpoint = 'https://collector.example'\notlp_ca_file = '{}'\n",
        absent.display()
    );
    std::fs::write(&file, text).unwrap();
    let config = file.to_str().unwrap();
    let output = appliance.command(&["--config", config, "serve", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("absent.pem") && said.contains("telemetry"), "{said}");
    let output = appliance.command(&["--config", config, "doctor", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let part = report["parts"].as_array().unwrap().iter().find(|p| p["part"] == "telemetry");
    assert_eq!(part.unwrap()["state"], "failed", "{report:#}");
}
