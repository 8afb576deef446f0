//! Each write, sync, renaming and opening of scripted flows fails once, in each way in which it can.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use knowledge::Library;

use crate::flow::Step;
use crate::image::Image;
use crate::shim::{self, Mode, Shim};
use crate::site::{self, Failure, Site};
use crate::state::{self, Acknowledged, Known};
use crate::{runtime, scratch, setting};

const NAME: &str = "io_faults::no_failing_call_loses_or_halves_anything";

/// What is going on while a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// The first start, on an empty disk.
    FirstStart,
    /// A start after a kill: the write-ahead logs are full.
    Start,
    /// One step.
    Step(Step),
    /// The orderly end.
    Close,
}

/// The flows in the order in which their states are prepared. A step begins with what the ones
/// before it left.
const FLOWS: [Flow; 12] = [
    Flow::FirstStart,
    Flow::Step(Step::Tenant),
    Flow::Step(Step::Person),
    Flow::Step(Step::Login),
    Flow::Step(Step::Upload),
    Flow::Step(Step::Ingest),
    Flow::Step(Step::Chat),
    Flow::Step(Step::Admin),
    Flow::Start,
    Flow::Close,
    Flow::Step(Step::SecondTenant),
    Flow::Step(Step::Remove),
];

/// Exit status after a failed sync (`EX_IOERR`).
const SYNC_FAILED: i32 = 74;

/// No flow takes so long.
const HANGS: Duration = Duration::from_secs(60);

impl Flow {
    /// In `make test` only every so many-th operation of the flow fails.
    fn stride(self) -> usize {
        let bounded = match self {
            Self::Step(Step::Ingest) => 12,
            Self::Step(Step::SecondTenant) => 8,
            Self::Step(Step::Person) => 3,
            _ => 1,
        };
        setting("STRIDE", bounded)
    }
}

/// Children at work at the same time. More than there are cores, since most of what they do is to
/// wait for pauses that the product makes after a failure.
const DESKS: usize = 4;

/// Flows of many operations are divided between desks.
const PARTS: usize = 6;

/// After a failure nobody waits longer for a job that nobody works on.
const PATIENCE: Duration = Duration::from_millis(400);

/// One failing call.
#[derive(Clone, Copy, Debug)]
struct Case {
    mode: Mode,
    at: usize,
}

/// What came of the cases of a flow.
#[derive(Default)]
struct Tally {
    cases: usize,
    fired: usize,
    /// The flow was acknowledged all the same.
    went_on: usize,
    refused: usize,
    ended: usize,
    violations: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.fired += other.fired;
        self.went_on += other.went_on;
        self.refused += other.refused;
        self.ended += other.ended;
        self.violations.extend(other.violations);
    }

    fn violation(&mut self, what: String) {
        println!("violation: {what}");
        self.violations.push(what);
    }
}

#[test]
fn no_failing_call_loses_or_halves_anything() {
    if let Some(root) = shim::role() {
        return runtime().block_on(play(&root));
    }
    let dir = scratch();
    prepare(dir.path());
    let shim = Shim::new(dir.path());
    let turns = FLOWS.iter().copied().enumerate();
    let queue: Vec<(usize, Flow, usize)> =
        (0..PARTS).flat_map(|part| turns.clone().map(move |(at, flow)| (at, flow, part))).collect();
    let queue = Mutex::new(queue.into_iter());
    let tallies = Mutex::new(BTreeMap::<usize, Tally>::new());
    std::thread::scope(|scope| {
        for desk in 0..DESKS {
            let (shim, queue, tallies) = (shim.beside(&format!("disk-{desk}")), &queue, &tallies);
            scope.spawn(move || {
                loop {
                    let Some((at, flow, part)) = queue.lock().unwrap().next() else { return };
                    let tally = carry_out(&shim, at, flow, part);
                    tallies.lock().unwrap().entry(at).or_default().add(tally);
                }
            });
        }
    });
    let tallies = tallies.into_inner().unwrap();
    let mut table = String::new();
    let mut violations = Vec::new();
    let mut sums = [0_usize; 5];
    for (index, tally) in &tallies {
        let counts = [tally.cases, tally.fired, tally.refused, tally.ended, tally.went_on];
        let _ = writeln!(
            table,
            "  {:<22} {:>6} {:>6} {:>8} {:>7} {:>9}",
            format!("{:?}", FLOWS[*index]),
            counts[0],
            counts[1],
            counts[2],
            counts[3],
            counts[4]
        );
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        violations.extend(&tally.violations);
    }
    println!(
        "I/O faults: {} cases, {} failed calls, {} violations\n  {:<22} {:>6} {:>6} {:>8} {:>7} \
         {:>9}\n{table}",
        sums[0],
        sums[1],
        violations.len(),
        "flow",
        "cases",
        "fired",
        "refused",
        "ended",
        "went on"
    );
    assert!(violations.is_empty(), "{violations:#?}");
    assert!(sums[3] > 0, "no failed sync ended the process");
    assert!(sums[1] * 10 >= sums[0] * 9, "too few of the calls were reached");
}

/// Makes the disk that each flow begins with, and notes what was acknowledged on it.
fn prepare(dir: &Path) {
    runtime().block_on(async {
        let library = site::library();
        let data = dir.join("prepared");
        let open = || {
            let (data, library) = (data.clone(), library.clone());
            tokio::task::spawn_blocking(move || Site::open(&data, &library).unwrap())
        };
        for (index, flow) in FLOWS.iter().enumerate() {
            if *flow == Flow::FirstStart {
                std::fs::create_dir(base(dir, index)).unwrap();
                note(dir, index, &Acknowledged::default());
                open().await.unwrap().close().await;
                continue;
            }
            // Still open: what a kill leaves. Only a start begins there.
            let site = open().await.unwrap();
            if let Ok(console) = site.console().await {
                state::put(&console).await.unwrap();
            }
            let mut acknowledged = Acknowledged::now(&site).await.unwrap();
            if let Flow::Step(step) = flow {
                // The tenant that the step removes may be there afterwards or not.
                acknowledged.going.extend(step.going(&site));
            }
            let killed = Image::of(&data);
            site.close().await;
            let image = if *flow == Flow::Start { killed } else { Image::of(&data) };
            image.write_to(&base(dir, index));
            note(dir, index, &acknowledged);
            if let Flow::Step(step) = flow {
                let site = open().await.unwrap();
                step.run(&site).await.unwrap_or_else(|error| panic!("{step:?}: {error}"));
                site.close().await;
            }
        }
    });
}

fn base(dir: &Path, index: usize) -> PathBuf {
    dir.join(format!("base-{index}"))
}

fn note(dir: &Path, index: usize, acknowledged: &Acknowledged) {
    std::fs::write(dir.join(format!("base-{index}.json")), acknowledged.to_json()).unwrap();
}

fn noted(dir: &Path, index: usize) -> Acknowledged {
    Acknowledged::parse(&std::fs::read_to_string(dir.join(format!("base-{index}.json"))).unwrap())
}

/// Runs a part of the cases of a flow in children, a new one whenever a failed sync ended the last.
fn carry_out(shim: &Shim, index: usize, flow: Flow, part: usize) -> Tally {
    let dir = shim.root.parent().unwrap();
    let mut tally = Tally::default();
    let (known, runtime) = (Known::default(), runtime());
    let library = {
        let _inside = runtime.enter();
        site::library()
    };
    let mut from = 0;
    loop {
        let errors = shim.root.with_extension("stderr");
        let mut child = shim
            .child(NAME)
            .env("FLOW", index.to_string())
            .env("FROM", from.to_string())
            .env("PART", part.to_string())
            .stderr(std::fs::File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        let mut running = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            let Some(told) = line.strip_prefix("told:") else { continue };
            let (word, rest) = told.split_once(' ').unwrap_or((told, ""));
            match word {
                "begin" => {
                    let (number, what) = rest.split_once(' ').unwrap();
                    from = number.parse::<usize>().unwrap() + 1;
                    running = Some(what.to_owned());
                    tally.cases += 1;
                }
                "fired" => tally.fired += 1,
                "refused" => tally.refused += 1,
                "went-on" => tally.went_on += 1,
                "violation" => tally.violation(format!("{flow:?}: {rest}")),
                _ => {}
            }
            if word == "end" {
                running = None;
            }
        }
        let status = child.wait().unwrap();
        let said = std::fs::read_to_string(&errors).unwrap();
        if said.contains("panicked at") {
            tally.violation(format!("{flow:?}: a panic: {said}"));
        }
        let Some(what) = running else {
            assert!(status.success(), "{flow:?}: {status}: {said}");
            return tally;
        };
        // The case that the child did not survive.
        tally.fired += 1;
        tally.ended += 1;
        if status.code() != Some(SYNC_FAILED) || !said.contains("a sync to disk failed") {
            tally.violation(format!("{flow:?} {what}: {status}: {said}"));
        }
        let acknowledged = noted(dir, index);
        let data = shim.root.join("data");
        let checked = state::check(&data, &library, &acknowledged, &known);
        if let Err(error) = runtime.block_on(checked) {
            let found = state::chain(&*error);
            tally.violation(format!("{flow:?} {what}, after the restart: {found}"));
        }
    }
}

/// The child: cases one after the other, as long as it lives.
async fn play(root: &Path) {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let index: usize = std::env::var("FLOW").unwrap().parse().unwrap();
    let from: usize = std::env::var("FROM").unwrap().parse().unwrap();
    let player = Player { root, index, flow: FLOWS[index], library: site::library() };
    let cases = player.cases().await;
    let known = Known::default();
    let part: usize = std::env::var("PART").unwrap().parse().unwrap();
    let mine = cases.iter().enumerate().filter(|(number, _)| number % PARTS == part);
    for (number, case) in mine.filter(|(number, _)| *number >= from) {
        tell(&format!("begin {number} {case:?}"));
        match tokio::time::timeout(HANGS, player.play(*case, &known)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let what = state::chain(&*error).replace('\n', " ");
                tell(&format!("violation {case:?}: {what}"));
            }
            Err(_) => tell(&format!("violation {case:?}: it hangs")),
        }
        tell("end");
    }
}

fn tell(what: &str) {
    println!("\ntold:{what}");
}

struct Player<'a> {
    root: &'a Path,
    index: usize,
    flow: Flow,
    library: Library,
}

/// What came of one run of a flow.
struct Run {
    /// What the flow was answered.
    done: Result<(), Failure>,
    seen: shim::Seen,
    /// All that was acknowledged until the end of the process.
    acknowledged: Acknowledged,
}

impl Player<'_> {
    /// All cases of the flow: found by playing it once, undisturbed, and kept for the next child.
    async fn cases(&self) -> Vec<Case> {
        let kept = self.root.with_extension(format!("kinds-{}", self.index));
        if !kept.exists() {
            let run = self.run(Case { mode: Mode::Count, at: 0 }).await.unwrap();
            run.done.unwrap_or_else(|error| panic!("{:?} itself failed: {error}", self.flow));
            std::fs::write(&kept, run.seen.kinds.iter().collect::<String>()).unwrap();
        }
        let kinds = std::fs::read_to_string(&kept).unwrap();
        let stride = self.flow.stride();
        let places = kinds.chars().enumerate().filter(|(place, _)| place % stride == 0);
        places
            .flat_map(|(place, kind)| {
                let modes = Mode::FAILING.into_iter().filter(move |mode| mode.concerns(kind));
                modes.map(move |mode| Case { mode, at: place + 1 })
            })
            .collect()
    }

    /// One case: the flow with its failing call, the same process afterwards, the next start.
    async fn play(&self, case: Case, known: &Known) -> Result<(), Failure> {
        let Run { done, seen, acknowledged } = self.run(case).await?;
        if seen.fired.is_some() {
            tell("fired");
        }
        tell(if done.is_ok() { "went-on" } else { "refused" });
        // The index is made anew from the database; whoever can't open says so and ends.
        let derived = seen.fired_at.contains("/index");
        let starts = matches!(self.flow, Flow::FirstStart | Flow::Start) && done.is_err();
        // SQLite lets a failed sync of a directory pass. Whatever it made there is synced by the
        // store itself before anything is acknowledged.
        let of_sqlite = Path::new(&seen.fired_at).is_dir();
        if seen.fired == Some('s') && !derived && !of_sqlite && !starts {
            let at = seen.fired_at;
            return Err(format!("the process outlived a failed sync of {at}: {done:?}").into());
        }
        let data = self.root.join("data");
        let checked = state::check(&data, &self.library, &acknowledged, known).await;
        checked.map_err(|error| {
            let (kind, at) = (seen.fired, &seen.fired_at);
            format!("{kind:?} of {at}: {done:?}: {}", state::chain(&*error))
        })?;
        match self.flow {
            Flow::Step(step) if done.is_err() && step != Step::Person => self.again(step).await,
            _ => Ok(()),
        }
    }

    /// What was refused can be asked for again after the next start.
    async fn again(&self, step: Step) -> Result<(), Failure> {
        let site = self.open().await?;
        let done = step.run(&site).await;
        site.close().await;
        // It was put off by the failure and goes on at its time.
        let waits = |error: &Failure| state::chain(&**error).contains("it waits for its next try");
        if done.as_ref().is_err_and(waits) {
            return Ok(());
        }
        let end = |error: Failure| format!("{step:?} fails again: {}", state::chain(&*error));
        Ok(done.map_err(end)?)
    }

    async fn open(&self) -> Result<Site, Failure> {
        let (path, library) = (self.root.join("data"), self.library.clone());
        tokio::task::spawn_blocking(move || Site::open(&path, &library)).await?
    }

    async fn run(&self, case: Case) -> Result<Run, Failure> {
        let dir = self.root.parent().unwrap();
        let data = self.root.join("data");
        if data.exists() {
            std::fs::remove_dir_all(&data).unwrap();
        }
        Image::of(&base(dir, self.index)).write_to(&data);
        let before = noted(dir, self.index);
        match self.flow {
            Flow::FirstStart | Flow::Start => self.start(case, before).await,
            Flow::Step(step) => self.step(step, case, before).await,
            Flow::Close => {
                let site = self.open().await?;
                state::put(&site.console().await?).await?;
                let acknowledged = Acknowledged::now(&site).await?;
                shim::arm(self.root, case.mode, case.at);
                site.close().await;
                Ok(Run { done: Ok(()), seen: shim::disarm(self.root), acknowledged })
            }
        }
    }

    async fn start(&self, case: Case, before: Acknowledged) -> Result<Run, Failure> {
        shim::arm(self.root, case.mode, case.at);
        let opened = self.open().await;
        let entered = match &opened {
            // The tenant too, where there is one.
            Ok(site) if self.flow == Flow::Start => site.console().await.map(|_| ()),
            _ => Ok(()),
        };
        let seen = shim::disarm(self.root);
        let site = match opened {
            Ok(site) => site,
            Err(error) => return Ok(Run { done: Err(error), seen, acknowledged: before }),
        };
        if self.flow == Flow::Start {
            state::put(&site.console().await?).await?;
        }
        let acknowledged = Acknowledged::now(&site).await?;
        site.close().await;
        Ok(Run { done: entered, seen, acknowledged })
    }

    async fn step(&self, step: Step, case: Case, before: Acknowledged) -> Result<Run, Failure> {
        let mut site = self.open().await?;
        if case.mode != Mode::Count {
            site.patience = PATIENCE;
        }
        shim::arm(self.root, case.mode, case.at);
        let done = step.run(&site).await;
        let seen = shim::disarm(self.root);
        // The process goes on, and takes the next change.
        if let Ok(console) = site.console().await {
            state::put(&console).await?;
        }
        let mut acknowledged = Acknowledged::now(&site).await?;
        acknowledged.going = before.going;
        site.close().await;
        Ok(Run { done, seen, acknowledged })
    }
}
