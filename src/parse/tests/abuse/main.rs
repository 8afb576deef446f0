//! The parse worker under attack: mutants of the sample plant's documents and files made to hurt,
//! each in a real worker process. Whatever comes, the caller gets pages or a refusal with a reason,
//! within the worker's limits of time and memory, and the next document is read as ever.
//!
//! `ABUSE_MUTANTS` makes more of them than a check does, `ABUSE_SEED` others.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
#![allow(clippy::print_stdout, reason = "the counts are the result")]

mod hostile;
mod mutants;
#[path = "../../../../fuzz/mutate.rs"]
mod mutate;
mod peak;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::Coded as _;
use parse::{CageLimits, FormatHint, ParseError, ParseInput, ParseWorker, ParsedDocument};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use mutants::{Maker, samples};
use peak::Peak;

/// Mutants of one check.
const MUTANTS: usize = 2_000;

/// What the worker may use (section 4 of DESIGN and the defaults of the configuration).
const WORKER_MAX_KIB: u64 = 512 * 1024;
const WORKER_MAX: Duration = Duration::from_secs(30);

/// For starting and ending a process on a machine that does other work as well.
const GRACE: Duration = Duration::from_secs(5);

/// Codes that tell the person who uploaded what is wrong with the file. Not among them: `crashed`,
/// which is a fault of ours, and what says that the worker itself can't be used.
const REFUSALS: [&str; 9] = [
    "damaged",
    "encrypted",
    "memory",
    "timeout",
    "too_large",
    "too_many_pages",
    "unsupported_format",
    "xml_forbidden",
    "zip_bomb",
];

fn number_from(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// What became of one file.
struct Outcome {
    name: String,
    result: Result<ParsedDocument, ParseError>,
    took: Duration,
}

/// Reads files in worker processes, as many at once as there are processors.
struct Pool {
    worker: ParseWorker,
    places: Arc<Semaphore>,
    reading: JoinSet<Outcome>,
    peak: Peak,
}

impl Pool {
    fn new() -> Self {
        let at_once = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            worker: ParseWorker::new(env!("CARGO_BIN_EXE_parse-worker"), CageLimits::default()),
            places: Arc::new(Semaphore::new(at_once)),
            reading: JoinSet::new(),
            peak: Peak::watch(),
        }
    }

    /// Starts reading once there is a place.
    async fn read(&mut self, name: String, bytes: Vec<u8>) {
        let place = Arc::clone(&self.places).acquire_owned().await.unwrap();
        let worker = self.worker.clone();
        self.reading.spawn(async move {
            let hint = FormatHint::new(Some(&name), None);
            let started = Instant::now();
            let cancel = CancellationToken::new();
            let result = worker.parse_whole(ParseInput::Bytes(bytes), &hint, &cancel).await;
            drop(place);
            Outcome { name, result, took: started.elapsed() }
        });
    }

    async fn outcomes(&mut self) -> Vec<Outcome> {
        let mut all = Vec::new();
        while let Some(outcome) = self.reading.join_next().await {
            all.push(outcome.unwrap());
        }
        all
    }
}

/// Counts what became of the files, prints it, and says what should not have become of them.
fn judge(what: &str, outcomes: &[Outcome], peak_kib: u64) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    let mut slowest = Duration::ZERO;
    for outcome in outcomes {
        let code = outcome.result.as_ref().map_or_else(|error| error.code(), |_| "read");
        *counts.entry(code).or_default() += 1;
        slowest = slowest.max(outcome.took);
        if outcome.took > WORKER_MAX + GRACE {
            faults.push(format!("{}: took {:?}", outcome.name, outcome.took));
        }
        match &outcome.result {
            Ok(document) if document.pages.is_empty() => {
                faults.push(format!("{}: read as nothing", outcome.name));
            }
            Ok(_) => {}
            Err(error) if !REFUSALS.contains(&code) || !is_clear(&error.reason()) => {
                faults.push(format!("{}: {code}: {error:?}", outcome.name));
            }
            Err(_) => {}
        }
    }
    let counts: Vec<String> = counts.iter().map(|(code, n)| format!("{code} {n}")).collect();
    println!(
        "{what}: {} files: {}; slowest {:.1} s; largest worker {} MiB",
        outcomes.len(),
        counts.join(", "),
        slowest.as_secs_f64(),
        peak_kib / 1024
    );
    if peak_kib > WORKER_MAX_KIB {
        faults.push(format!("a worker had {peak_kib} KiB of memory"));
    }
    faults
}

/// A sentence, not a word of a program.
fn is_clear(reason: &str) -> bool {
    reason.split(' ').count() >= 4 && !reason.contains("panicked") && !reason.contains("Error(")
}

/// All samples are read, and the cage holds: as before, so afterwards.
async fn assert_sound(pool: &mut Pool) {
    pool.worker.self_test().await.unwrap();
    for sample in samples() {
        pool.read(sample.name, sample.bytes).await;
    }
    for outcome in pool.outcomes().await {
        assert!(outcome.result.is_ok(), "{}: {:?}", outcome.name, outcome.result);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mutants_are_read_or_refused_with_a_reason() {
    let (count, seed) = (number_from("ABUSE_MUTANTS", MUTANTS), number_from("ABUSE_SEED", 1));
    let maker = Maker::new(samples());
    let mut pool = Pool::new();
    assert_sound(&mut pool).await;
    for number in 0..count {
        let (sample, bytes) = maker.make(seed as u64, number);
        // The extension stays last: it is what an upload's name tells.
        pool.read(format!("{number}-{sample}"), bytes).await;
    }
    let outcomes = pool.outcomes().await;
    assert_eq!(outcomes.len(), count);
    let faults = judge("mutants", &outcomes, pool.peak.kib());
    assert!(faults.is_empty(), "{} of seed {seed}: {faults:#?}", faults.len());
    // Mutants that all fail at the door would prove nothing of what is behind it.
    let read = outcomes.iter().filter(|outcome| outcome.result.is_ok()).count();
    assert!(read * 4 > count && read < count, "{read} of {count} were read");
    assert_sound(&mut pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_are_read_in_part_or_refused_with_a_reason() {
    let mut pool = Pool::new();
    let mut expected = BTreeMap::new();
    for hostile in hostile::all() {
        expected.insert(hostile.name, hostile.refused);
        pool.read(hostile.name.to_owned(), hostile.bytes).await;
    }
    let outcomes = pool.outcomes().await;
    assert_eq!(outcomes.len(), expected.len(), "two have one name");
    let mut faults = judge("hostile", &outcomes, pool.peak.kib());
    for outcome in &outcomes {
        let code = outcome.result.as_ref().map_or_else(|error| error.code(), |_| "read");
        if outcome.took > Duration::from_secs(5) {
            println!("{}: {code} after {:.1} s", outcome.name, outcome.took.as_secs_f64());
        }
        if let Some(wanted) = expected[outcome.name.as_str()]
            && code != wanted
        {
            faults.push(format!("{}: {code}, not {wanted}: {:?}", outcome.name, outcome.result));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_sound(&mut pool).await;
}
