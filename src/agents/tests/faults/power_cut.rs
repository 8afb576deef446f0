//! A power cut after every operation of the disk, with whatever was not synced there, gone, torn or
//! out of order.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use knowledge::Library;

use crate::disk::{Cut, Disk, Op, read_log};
use crate::flow::Step;
use crate::image::Image;
use crate::shim::{self, Shim};
use crate::site::{self, Site};
use crate::state::{self, Acknowledged, Known};
use crate::{runtime, scratch, setting};

const NAME: &str = "power_cut::no_power_cut_loses_or_halves_anything";

const SCRIPT: [Step; 13] = [
    Step::Tenant,
    Step::Person,
    Step::Login,
    Step::Upload,
    Step::Ingest,
    Step::Chat,
    Step::Admin,
    Step::Replace,
    Step::Ingest,
    Step::SecondTenant,
    Step::Suspend,
    Step::Remove,
    Step::Delete,
];

/// Distinct states that `make test` looks at.
const STATES: usize = 5_000;

/// So many are enough to know that something is wrong.
const VIOLATIONS_MAX: usize = 20;

/// A disk to be looked at.
struct State {
    image: Image,
    acknowledged: Acknowledged,
    what: String,
}

#[test]
fn no_power_cut_loses_or_halves_anything() {
    if let Some(root) = shim::role() {
        return runtime().block_on(record(&root));
    }
    let dir = scratch();
    let shim = Shim::new(dir.path());
    let recorded = shim.child(NAME).env("FAULTS_LOG", shim.log()).status().unwrap();
    assert!(recorded.success(), "the flow itself failed");
    let mut ops = read_log(&shim.log(), &shim.root);
    let wanted = setting("STATES", STATES);
    let found = judge(dir.path(), &ops, wanted);
    println!(
        "power cut: {} operations, {} states of the disk ({} of databases, {} of indexes), {} \
         violations",
        ops.len(),
        found.states,
        found.known.states(),
        found.known.indexes(),
        found.violations.len()
    );
    assert!(found.violations.is_empty(), "{:#?}", found.violations);
    assert!(found.states >= wanted, "only {} states differ", found.states);
    assert!(found.known.indexes() > 10, "the index was not looked at");
    // Whoever looks must see something where there is something to be seen.
    ops.retain(|op| !matches!(op, Op::Sync { .. } | Op::SyncDir { .. }));
    let found = judge(dir.path(), &ops, wanted);
    assert!(found.violations.len() >= VIOLATIONS_MAX, "a disk that never syncs goes unnoticed");
}

/// What looking at the states of a record found.
struct Found {
    states: usize,
    violations: Vec<String>,
    known: Known,
}

fn judge(dir: &Path, ops: &[Op], wanted: usize) -> Found {
    let (known, violations) = (Known::default(), Mutex::new(Vec::new()));
    let stop = AtomicBool::new(false);
    let runtime = runtime();
    let library = {
        let _inside = runtime.enter();
        site::library()
    };
    let (sender, receiver) = sync_channel(4);
    let receiver = Mutex::new(receiver);
    let looked_at = AtomicUsize::new(0);
    let states = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let desk = Desk { dir, library: &library, known: &known };
                while let Some(state) = next(&receiver) {
                    let number = looked_at.fetch_add(1, Ordering::Relaxed);
                    if let Err(what) = runtime.block_on(desk.look_at(number, &state)) {
                        let mut violations = violations.lock().unwrap();
                        violations.push(format!("{}: {what}", state.what));
                        stop.store(violations.len() >= VIOLATIONS_MAX, Ordering::Relaxed);
                    }
                }
            });
        }
        let states = cut_everywhere(ops, wanted, &stop, &sender);
        // Ends the channel, and with it the desks.
        drop(sender);
        states
    });
    Found { states, violations: violations.into_inner().unwrap(), known }
}

fn next(receiver: &Mutex<Receiver<State>>) -> Option<State> {
    receiver.lock().unwrap().recv().ok()
}

/// The child: the script, on a disk that keeps a record.
async fn record(root: &Path) {
    let data = root.join("data");
    let library = site::library();
    let open = |data: PathBuf| {
        let library = library.clone();
        tokio::task::spawn_blocking(move || Site::open(&data, &library).unwrap())
    };
    let site = open(data.clone()).await.unwrap();
    let mut last = Acknowledged::now(&site).await.unwrap();
    shim::mark(root, &last.to_json());
    let mut going = std::collections::BTreeSet::new();
    for step in SCRIPT {
        going.extend(step.going(&site));
        last.going.clone_from(&going);
        shim::mark(root, &last.to_json());
        step.run(&site).await.unwrap_or_else(|error| panic!("{step:?}: {error}"));
        last = Acknowledged::now(&site).await.unwrap();
        last.going.clone_from(&going);
        shim::mark(root, &last.to_json());
    }
    site.close().await;
    // A closed directory is opened again, changed and closed.
    let site = open(data).await.unwrap();
    state::put(&site.console().await.unwrap()).await.unwrap();
    last = Acknowledged::now(&site).await.unwrap();
    last.going = going;
    shim::mark(root, &last.to_json());
    site.close().await;
}

/// Sends distinct states until there are `wanted`, but every prefix of the record with each kind of
/// cut at least.
fn cut_everywhere(
    ops: &[Op],
    wanted: usize,
    stop: &AtomicBool,
    sender: &SyncSender<State>,
) -> usize {
    let mut seen = HashSet::new();
    for pass in 0_u64.. {
        let before = seen.len();
        let mut disk = Disk::default();
        let mut acknowledged = Acknowledged::default();
        for (position, op) in ops.iter().enumerate() {
            disk.apply(op);
            if let Op::Mark { text } = op {
                acknowledged = Acknowledged::parse(text);
            }
            for cut in cuts(pass, position as u64) {
                let image = disk.after(cut);
                if !seen.insert((image.fingerprint(), acknowledged.to_json())) {
                    continue;
                }
                let what = format!("after operation {position}, {cut:?}");
                let state = State { image, acknowledged: acknowledged.clone(), what };
                sender.send(state).unwrap();
            }
            let is_enough = pass > 1 && seen.len() >= wanted;
            if is_enough || stop.load(Ordering::Relaxed) {
                return seen.len();
            }
        }
        if pass > 1 && seen.len() == before {
            break;
        }
    }
    seen.len()
}

fn cuts(pass: u64, position: u64) -> Vec<Cut> {
    let seed = (pass << 32) | position;
    if pass == 0 {
        vec![Cut::Nothing, Cut::Everything, Cut::Contents, Cut::Names]
    } else {
        vec![
            Cut::Some { seed },
            Cut::Torn { seed, sector_bytes: 512 },
            Cut::Torn { seed, sector_bytes: 4096 },
        ]
    }
}

/// Where states are looked at.
struct Desk<'a> {
    dir: &'a Path,
    library: &'a Library,
    known: &'a Known,
}

impl Desk<'_> {
    async fn look_at(&self, number: usize, state: &State) -> Result<(), String> {
        let disk = self.dir.join(format!("state-{number}"));
        state.image.write_to(&disk);
        let data = disk.join("data");
        let checked = state::check(&data, self.library, &state.acknowledged, self.known).await;
        let found = checked.map_err(|error| state::chain(&*error));
        if found.is_ok() || std::env::var_os("KEEP").is_none() {
            std::fs::remove_dir_all(&disk).unwrap();
        }
        found
    }
}
