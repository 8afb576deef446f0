//! Hours of work must not show in memory or descriptors. Mixed load on one appliance for
//! `SOAK_MINUTES` (two when nothing is said); not part of a plain run (`.config/nextest.toml`),
//! `make soak` and `make test` run it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Appliance, Client, PASSWORD, Person, fixtures};

const MINUTES: f64 = 2.0;

/// Between two requests of one person.
const PAUSE: Duration = Duration::from_millis(20);

/// Between two looks at memory and descriptors.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Part of the time in which caches, pools and the databases' own memory fill, and which does not
/// count.
const WARM_UP: f64 = 0.4;

/// Above this the server keeps what it has been given, in KiB (`src/memory.rs`).
const SERVER_MAX_KIB: f64 = 192.0 * 1024.0;

/// What a process may seem to grow by while it is looked at, in KiB: the allocator's arenas and
/// SQLite's page caches breathe by a few MiB, which the slope of a short run shows. A leak of 100
/// bytes in each of the about 100 requests a second would be 17 MiB in the longer run.
const GROWTH_MAX_KIB: f64 = 8.0 * 1024.0;

/// What descriptors may seem to grow by: connections and pooled readers come and go.
const GROWTH_MAX_DESCRIPTORS: f64 = 4.0;

/// Descriptors above what the first half of the time had at most.
const DESCRIPTORS_ABOVE: f64 = 16.0;

#[test]
fn memory_and_descriptors_stay_flat_under_mixed_load() {
    let minutes = std::env::var("SOAK_MINUTES").map_or(MINUTES, |text| text.parse().unwrap());
    let duration = Duration::from_secs_f64(minutes * 60.0);
    let mut appliance = Appliance::started();
    for tenant in ["alpha", "beta"] {
        appliance.tenant(tenant);
    }
    let load = Load::start(&appliance);
    let (mut server, mut worker, mut descriptors) = (Vec::new(), Vec::new(), Vec::new());
    let started = Instant::now();
    while started.elapsed() < duration {
        std::thread::sleep(LOOK_INTERVAL);
        let at_s = started.elapsed().as_secs_f64();
        if at_s < duration.as_secs_f64() * WARM_UP {
            continue;
        }
        let id = appliance.process_id();
        server.push((at_s, resident_kib(id).unwrap()));
        // The worker stops where nobody asks for it, which this load does not let happen.
        if let Some(kib) = model_worker_of(id).and_then(resident_kib) {
            worker.push((at_s, kib));
        }
        descriptors.push((at_s, count_in(&format!("/proc/{id}/fd"))));
    }
    let done = load.stop();
    println!("soak: {minutes} minutes, {done}");
    let faults: Vec<String> = [
        judge("serve, KiB", &server, GROWTH_MAX_KIB),
        judge("worker model, KiB", &worker, GROWTH_MAX_KIB),
        judge("descriptors", &descriptors, GROWTH_MAX_DESCRIPTORS),
        burst("descriptors", &descriptors),
        above("serve, KiB", &server, SERVER_MAX_KIB),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let panics = appliance.client().get("/metrics").expect(200).text();
    let panicked = panics.lines().find(|line| line.starts_with("millwright_http_panics_total"));
    assert!(panicked.is_none_or(|line| line.ends_with(" 0")), "{panicked:?}");
    appliance.stop();
}

/// Says what a figure did, and what is wrong with it if it grew by more than `growth_max`.
fn judge(name: &str, samples: &[(f64, f64)], growth_max: f64) -> Option<String> {
    if samples.len() < 20 {
        return Some(format!("{name}: only {} samples", samples.len()));
    }
    let span_s = samples[samples.len() - 1].0 - samples[0].0;
    let growth = slope(samples) * span_s;
    let middle = median(samples.iter().map(|(_, value)| *value).collect());
    let said = format!(
        "{name}: {} samples, median {middle:.0}, grew by {growth:.1} in {span_s:.0} s ({:.2} a minute)",
        samples.len(),
        growth / span_s * 60.0
    );
    println!("soak: {said}");
    (growth > growth_max).then_some(said)
}

/// Whether the second half had many more than the first ever had.
fn burst(name: &str, samples: &[(f64, f64)]) -> Option<String> {
    let (first, second) = samples.split_at(samples.len() / 2);
    let most = |part: &[(f64, f64)]| part.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let (before, after) = (most(first), most(second));
    (after > before + DESCRIPTORS_ABOVE).then(|| format!("{name}: {before} and then {after}"))
}

fn above(name: &str, samples: &[(f64, f64)], most: f64) -> Option<String> {
    let middle = median(samples.iter().map(|(_, value)| *value).collect());
    (middle > most).then(|| format!("{name}: {middle:.0}, at most {most:.0}"))
}

/// Theil-Sen: the median of the slopes between all pairs (thinned out), which up to 29 % of outliers
/// do not move.
fn slope(samples: &[(f64, f64)]) -> f64 {
    /// 400 samples are 80,000 pairs.
    const SAMPLES: usize = 400;
    let step = samples.len().div_ceil(SAMPLES).max(1);
    let thin: Vec<_> = samples.iter().step_by(step).collect();
    let pairs =
        thin.iter().enumerate().flat_map(|(i, a)| thin[i + 1..].iter().map(move |b| (a, b)));
    median(pairs.map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn the_slope_is_found_among_outliers() {
    let at = |n: i32| f64::from(n);
    let line = |n: i32| if n % 5 == 0 { 9_999.0 } else { 7.0 + 0.5 * at(n) };
    let samples: Vec<(f64, f64)> = (0..300).map(|n| (at(n), line(n))).collect();
    assert!((slope(&samples) - 0.5).abs() < 0.01, "{}", slope(&samples));
    assert!(judge("a leak", &samples, 100.0).is_some());
    assert!(judge("little", &samples, 200.0).is_none());
    let flat: Vec<(f64, f64)> = (0..300).map(|n| (at(n), 7.0 + f64::from(n % 3))).collect();
    assert!(judge("flat", &flat, 1.0).is_none());
}

fn resident_kib(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn count_in(dir: &str) -> f64 {
    f64::from(u32::try_from(std::fs::read_dir(dir).unwrap().count()).unwrap())
}

/// The child of `server` that runs as `worker model`.
fn model_worker_of(server: u32) -> Option<u32> {
    let tasks = std::fs::read_dir("/proc").ok()?;
    tasks.flatten().find_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
        let is_child = status.lines().any(|line| line == format!("PPid:\t{server}"));
        let is_model = command.windows(12).any(|window| window == b"worker\0model");
        (is_child && is_model).then_some(id)
    })
}

/// People at work, each in a thread.
struct Load {
    stop: Arc<AtomicBool>,
    people: Vec<(&'static str, Arc<AtomicU64>, JoinHandle<()>)>,
}

impl Load {
    fn start(appliance: &Appliance) -> Self {
        let mut load = Self { stop: Arc::default(), people: Vec::new() };
        let admin = appliance.person("alpha", Person::new("admin@alpha.example", "admin"));
        let asking = appliance.person("alpha", Person::new("ask@alpha.example", "viewer"));
        let other = appliance.person("beta", Person::new("up@beta.example", "operator"));
        let uploading = appliance.person("alpha", Person::new("up@alpha.example", "operator"));
        let stranger = appliance.client();
        load.person("questions", move |n| ask(&asking, n));
        load.person("uploads", move |n| upload(&uploading, n));
        load.person("uploads elsewhere", move |n| upload(&other, n));
        load.person("administration", move |n| administer(&admin, n));
        load.person("sign-ins", move |n| sign_in(&stranger, n));
        load
    }

    fn person(&mut self, name: &'static str, mut act: impl FnMut(u64) + Send + 'static) {
        let (stop, count) = (Arc::clone(&self.stop), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&count);
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                act(counted.fetch_add(1, Ordering::Relaxed));
                std::thread::sleep(PAUSE);
            }
        });
        self.people.push((name, count, thread));
    }

    /// Ends the load; says how much there was. A person who met something unexpected has panicked.
    fn stop(self) -> String {
        self.stop.store(true, Ordering::Relaxed);
        let mut said = Vec::new();
        for (name, count, thread) in self.people {
            assert!(thread.join().is_ok(), "{name} met something unexpected");
            let count = count.load(Ordering::Relaxed);
            assert!(count > 10, "{name}: only {count}");
            said.push(format!("{name} {count}"));
        }
        said.join(", ")
    }
}

fn ask(client: &Client, n: u64) {
    let question = json!({ "message": format!("How is flange P-{} tightened?", n % 50), "stream": n.is_multiple_of(2) });
    let answer = client.post("/api/v1/chat", &question).expect(200);
    client.post("/api/v1/search", &json!({ "query": "torque" })).expect(200);
    client.get("/api/v1/conversations").expect(200);
    if n % 2 == 1 {
        let conversation = answer.json()["conversation_id"].as_str().unwrap().to_owned();
        client.get(&format!("/api/v1/conversations/{conversation}")).expect(200);
        client.send("DELETE", &format!("/api/v1/conversations/{conversation}"), None).expect(204);
    }
}

/// A document comes and goes.
fn upload(client: &Client, n: u64) {
    let fact = format!("The flange P-{} is tightened with {} Nm.", n % 50, 20 + n % 80);
    let note = fixtures::markdown(&format!("Flange {n}"), &fact);
    let (uploaded, job) = client.ingest(&format!("flange-{n}.md"), &note, &[]);
    assert_eq!(job["state"], "done", "{job:#}");
    let document = format!("/api/v1/documents/{}", uploaded["document_id"].as_str().unwrap());
    client.get(&document).expect(200);
    // One of a format that is not read, now and then: its worker ends with a refusal.
    if n.is_multiple_of(5) {
        let (torn, job) = client.ingest("torn.pdf", b"%PDF-1.7\ntorn", &[]);
        assert_eq!(job["state"], "failed", "{job:#}");
        let torn = torn["document_id"].as_str().unwrap();
        client.send("DELETE", &format!("/api/v1/documents/{torn}"), None).expect(204);
    }
    client.send("DELETE", &document, None).expect(204);
}

fn administer(client: &Client, n: u64) {
    client.get("/api/v1/admin/users").expect(200);
    client.get("/api/v1/admin/audit").expect(200);
    client.get("/api/v1/admin/metrics").expect(200);
    client.get("/metrics").expect(200);
    client.get("/health/ready").expect(200);
    client.get("/no/such/page").expect(404);
    // Hashing a one-time password takes a tenth of a second of one processor.
    if n.is_multiple_of(50) {
        let person = json!({
            "email": format!("p{n}@alpha.example"), "display_name": "Somebody", "role": "viewer",
        });
        client.post("/api/v1/admin/users", &person).expect(201);
    }
}

fn sign_in(client: &Client, n: u64) {
    client.get("/").expect(200);
    client.get("/api/v1/documents").expect(401);
    if n.is_multiple_of(20) {
        let login = json!({
            "tenant": "beta", "email": "up@beta.example", "password": PASSWORD, "token": false,
        });
        let mut inside = client.clone();
        let answer = client.post("/api/v1/auth/login", &login);
        // A minute has a limit of sign-ins for each address.
        if answer.status == 200 {
            inside.use_cookie(&answer.cookie().unwrap());
            inside.get("/api/v1/auth/me").expect(200);
            inside.post("/api/v1/auth/logout", &json!({})).expect(204);
        } else {
            answer.expect(429);
        }
    }
}
