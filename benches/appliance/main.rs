//! What the whole appliance costs: from start to ready, memory at rest with ten tenants, and the
//! way of four PDF files from upload to searchable.
//!
//! `cargo bench --bench appliance` measures the development executable; `TEST_RELEASE_FILE` names
//! another one, such as the release file. The PDF files are all below `BENCH_DOCUMENTS`
//! (default `../shared/data/documents/agency` beside the checkout); without them that part is
//! skipped. Fails when ready takes longer than [`READY_MAX_MS`] or memory at rest is above
//! [`REST_MAX_MIB`].
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench talks and may stop")]

#[path = "../../tests/it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use support::{Appliance, Person};

const READY_MAX_MS: u128 = 300;
const REST_MAX_MIB: f64 = 60.0;
const STARTS: usize = 9;
const TENANTS: usize = 10;

fn main() -> ExitCode {
    let mut appliance = Appliance::started();
    let mut people = Vec::new();
    for number in 0..TENANTS {
        let slug = format!("tenant-{number}");
        appliance.tenant(&slug);
        people.push(appliance.person(&slug, Person::new("ada@plant.example", "admin")));
    }
    let ready = ready_ms(&mut appliance);
    // Every tenant opened by a request of its own; nobody has asked anything yet.
    for person in &mut people {
        person.move_to(&appliance.address);
        person.get("/api/v1/documents").expect(200);
    }
    std::thread::sleep(Duration::from_secs(2));
    let rest = Usage::of_tree(appliance.process_id());
    println!("ready: {ready} ms (median of {STARTS} starts with {TENANTS} tenants)");
    println!("at rest with {TENANTS} open tenants: {:.1} MiB ({} processes)", rest.rss, rest.count);
    let folder = std::env::var_os("BENCH_DOCUMENTS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/documents/agency")),
        PathBuf::from,
    );
    if folder.is_dir() {
        ingest(&appliance, &people[0], &folder);
    } else {
        println!("skipped: no PDF files in {}", folder.display());
    }
    let good = ready <= READY_MAX_MS && rest.rss <= REST_MAX_MIB;
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Median time from starting the process to its word that it is ready. Leaves it running.
fn ready_ms(appliance: &mut Appliance) -> u128 {
    let mut times: Vec<u128> = (0..STARTS)
        .map(|_| {
            appliance.stop();
            let started = Instant::now();
            appliance.start();
            started.elapsed().as_millis()
        })
        .collect();
    times.sort_unstable();
    times[STARTS / 2]
}

fn ingest(appliance: &Appliance, person: &support::Client, folder: &Path) {
    let watch = Watch::start(appliance.process_id());
    let before = Usage::of_tree(appliance.process_id()).cpu_s;
    let started = Instant::now();
    let mut pages = 0;
    let mut chunks = 0;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let uploads: Vec<_> = files
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            person.upload(name, &std::fs::read(path).unwrap(), &[]).expect(202).json()
        })
        .collect();
    for upload in &uploads {
        let job = person.wait_for_job(upload["job_id"].as_str().unwrap());
        assert_eq!(job["state"], "done", "{job:#}");
        let id = upload["document_id"].as_str().unwrap();
        let document = person.get(&format!("/api/v1/documents/{id}")).expect(200).json();
        pages += document["current"]["page_count"].as_u64().unwrap();
        chunks += document["chunk_count"].as_u64().unwrap();
    }
    let took = started.elapsed().as_secs_f64();
    let cpu = Usage::of_tree(appliance.process_id()).cpu_s - before;
    let peaks = watch.stop();
    println!(
        "{} PDF files: {pages} pages, {chunks} chunks in {took:.1} s: {:.0} pages/s, {:.0} chunks/s, \
         {cpu:.1} CPU s",
        files.len(),
        pages as f64 / took,
        chunks as f64 / took
    );
    for (role, peak) in peaks {
        println!("  peak memory of {role}: {peak:.0} MiB");
    }
    let found = person
        .post("/api/v1/search", &serde_json::json!({ "query": "drinking water infrastructure" }))
        .expect(200)
        .json();
    assert!(!found["passages"].as_array().unwrap().is_empty(), "{found:#}");
}

/// What a process and its children use now.
struct Usage {
    rss: f64,
    cpu_s: f64,
    count: usize,
}

impl Usage {
    /// CPU time of ended children counts with their parents.
    fn of_tree(root: u32) -> Self {
        let mut usage = Self { rss: 0.0, cpu_s: 0.0, count: 0 };
        for process in tree(root) {
            usage.rss += status_mib(process, "VmRSS:").unwrap_or(0.0);
            usage.cpu_s += cpu_s(process).unwrap_or(0.0);
            usage.count += 1;
        }
        usage
    }
}

/// Highest memory of each role, looked at while it runs: parse workers live for a moment.
struct Watch {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<BTreeMap<String, f64>>,
}

impl Watch {
    fn start(root: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut peaks: BTreeMap<String, f64> = BTreeMap::new();
            while !seen.load(Ordering::Relaxed) {
                for process in tree(root) {
                    if let Some(peak) = status_mib(process, "VmHWM:") {
                        let most = peaks.entry(role(process)).or_default();
                        *most = most.max(peak);
                    }
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            peaks
        });
        Self { over, thread }
    }

    fn stop(self) -> BTreeMap<String, f64> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut at = 0;
    while at < found.len() {
        let tasks = format!("/proc/{}/task", found[at]);
        for task in std::fs::read_dir(tasks).into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(task.path().join("children"));
            found.extend(
                children.unwrap_or_default().split(' ').filter_map(|id| id.parse::<u32>().ok()),
            );
        }
        at += 1;
    }
    found
}

fn role(process: u32) -> String {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let words: Vec<_> = line.split(|&byte| byte == 0).map(String::from_utf8_lossy).collect();
    match words.get(1).map(AsRef::as_ref) {
        Some("worker") => format!("worker {}", words.get(2).map_or("", AsRef::as_ref)),
        _ => "serve".to_owned(),
    }
}

fn status_mib(process: u32, field: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

/// User and system time of a process and of its ended children (proc(5), fields 14 to 17, in ticks
/// of 10 ms).
fn cpu_s(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks: f64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    Some(ticks / 100.0)
}
