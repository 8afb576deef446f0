//! `kill -9` in the middle of everything: questions, uploads and their ingestion, people, settings.
//! After each kill the next start is ready soon, has all that was acknowledged, nothing by half, and
//! its logs verify.
//!
//! `make test` kills so often that a CI machine is done in minutes; `make torture KILLS=10000` as
//! often as told. The moments come from a seed that is printed; `SEED=…` repeats it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base::{Entropy as _, OsEntropy, SeededEntropy};
use serde_json::{Value, json};

use crate::databases::Databases;
use crate::support::{Appliance, Client, Person, executable, fixtures};

const KILLS: usize = 200;

/// What users are promised of a start after a kill.
const READY_GOAL: Duration = Duration::from_secs(2);

/// What the test insists on: CI machines are shared, and builds of the test profile are slow.
const READY_BOUND: Duration = Duration::from_secs(10);

/// A start is cut off in one of so many rounds, before the server is ready.
const CUT_START_EVERY: usize = 8;

/// In one of so many rounds questions are asked too: their answers need the model worker, which
/// takes its time to start.
const ASK_EVERY: usize = 5;

/// Longest that a round goes on before its kill.
const ROUND_MS: u64 = 120;
const ROUND_WITH_QUESTIONS_MS: u64 = 1_200;

const ADMIN: &str = "admin@alpha.example";

/// What is done on the machine itself meanwhile, as far as the executable can do it.
const COMMANDS: [&[&str]; 1] = [&["key", "rotate"]];

/// What was acknowledged.
#[derive(Default)]
struct Acknowledged {
    users: BTreeSet<String>,
    /// The last name that was acknowledged for each person, and those that were asked for since.
    names: BTreeMap<String, Vec<String>>,
    revisions: BTreeSet<String>,
    answers: BTreeSet<String>,
    /// The last setting that was acknowledged, and those that were asked for since.
    languages: Vec<String>,
    writes: usize,
}

struct Torture {
    appliance: Appliance,
    tenant: String,
    random: SeededEntropy,
    acknowledged: Mutex<Acknowledged>,
    number: AtomicUsize,
    commands: Vec<&'static [&'static str]>,
    ready: Vec<Duration>,
}

fn setting(name: &str, bounded: usize) -> usize {
    std::env::var(name).ok().map_or(bounded, |text| text.parse().unwrap())
}

#[test]
fn no_kill_loses_or_halves_anything() {
    let kills = setting("KILLS", KILLS);
    let mut seed = [0; 4];
    OsEntropy.fill(&mut seed).unwrap();
    let seed = setting("SEED", u32::from_le_bytes(seed) as usize);
    println!("torture: SEED={seed}");
    let begun = Instant::now();
    let appliance = Appliance::started();
    let tenant = appliance.tenant("alpha")["id"].as_str().unwrap().to_owned();
    let mut admin = appliance.person("alpha", Person::new(ADMIN, "admin"));
    let note = fixtures::markdown("Pump note", "The coupling gap of P-7 is 3 mm.");
    admin.ingest("note.md", &note, &[]);
    let known = |command: &&[&str]| {
        let help: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        appliance.command(&help).status.success()
    };
    let commands = COMMANDS.into_iter().filter(known).collect();
    let mut torture = Torture {
        appliance,
        tenant,
        random: SeededEntropy::new(seed as u64),
        // As it is before anybody set it.
        acknowledged: Mutex::new(Acknowledged {
            languages: vec![String::new()],
            ..Acknowledged::default()
        }),
        number: AtomicUsize::new(0),
        commands,
        ready: Vec::new(),
    };
    for round in 0..kills {
        torture.work_and_kill(&admin, round);
        if round % CUT_START_EVERY == 0 {
            torture.appliance.launch(&[]);
            std::thread::sleep(torture.moment(400));
            torture.appliance.kill();
        }
        torture.restart();
        admin.move_to(&torture.appliance.address);
        torture.look(round);
    }
    torture.finish(&admin, kills, begun.elapsed());
}

impl Torture {
    /// A random time below so many milliseconds.
    fn moment(&self, below_ms: u64) -> Duration {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes).unwrap();
        Duration::from_micros(u64::from_le_bytes(bytes) % (below_ms * 1000))
    }

    /// Has everybody work until the server is killed in the middle of it.
    fn work_and_kill(&mut self, admin: &Client, round: usize) {
        let asks = round.is_multiple_of(ASK_EVERY);
        let moment = self.moment(if asks { ROUND_WITH_QUESTIONS_MS } else { ROUND_MS });
        let stop = AtomicBool::new(false);
        let Self { appliance, acknowledged, number, commands, .. } = self;
        let data = &appliance.data_dir();
        let desk = &Desk { admin, acknowledged, number, stop: &stop };
        std::thread::scope(|scope| {
            scope.spawn(move || desk.repeat(Desk::add_person));
            scope.spawn(move || desk.repeat(Desk::upload));
            scope.spawn(move || desk.repeat(Desk::change_settings));
            if asks {
                scope.spawn(move || desk.repeat(Desk::ask));
                for command in commands.iter() {
                    scope.spawn(move || desk.repeat(|desk| desk.command(command, data)));
                }
            }
            std::thread::sleep(moment);
            appliance.kill();
            stop.store(true, Ordering::Relaxed);
        });
    }

    fn restart(&mut self) {
        let begun = Instant::now();
        self.appliance.launch(&[]);
        self.appliance.wait_until_ready();
        self.ready.push(begun.elapsed());
    }

    /// What must hold after every kill.
    fn look(&self, round: usize) {
        let report = self.appliance.json(&["audit", "verify"]);
        let logs = report["logs"].as_array().unwrap();
        let sound = logs.len() == 2 && logs.iter().all(|log| log["sound"] == true);
        assert!(sound, "round {round}: {report:#}");
        let databases = Databases::open(
            &self.appliance.data_dir(),
            &self.appliance.data_dir().join("master.key"),
        );
        let database = databases.tenant(&self.tenant);
        // One view of it: the server is at work again.
        database.execute_batch("BEGIN").unwrap();
        let ids = |sql: &str| -> BTreeSet<String> {
            let mut statement = database.prepare(sql).unwrap();
            let ids = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            ids.map(Result::unwrap).collect()
        };
        let users = ids("SELECT lower(hex(id)) FROM users");
        let revisions = ids("SELECT lower(hex(id)) FROM revisions");
        let answers = ids("SELECT lower(hex(id)) FROM messages WHERE author = 'appliance'");
        let recorded = |kind: &str, actions: &str| {
            ids(&format!(
                "SELECT replace(substr(object, {}), '-', '') FROM audit_entries
                 WHERE action IN ({actions})",
                kind.len() + 2
            ))
        };
        let whole = "each change has its entry, and each entry its change";
        assert_eq!(users, recorded("user", "'user.created'"), "round {round}: {whole}");
        let uploaded = recorded("revision", "'revision.uploaded'");
        assert_eq!(revisions, uploaded, "round {round}: {whole}");
        let given = recorded("message", "'answer.given', 'answer.refused'");
        assert_eq!(answers, given, "round {round}: {whole}");
        let blobs = self.appliance.data_dir().join("tenants").join(&self.tenant).join("blobs");
        let mut acknowledged = self.acknowledged.lock().unwrap();
        for (what, there, kept) in [
            ("person", &users, &acknowledged.users),
            ("revision", &revisions, &acknowledged.revisions),
            ("answer", &answers, &acknowledged.answers),
        ] {
            let lost: Vec<_> = kept.iter().filter(|id| !there.contains(&plain(id))).collect();
            assert!(lost.is_empty(), "round {round}: a {what} is lost: {lost:?}");
        }
        for id in &acknowledged.revisions {
            assert!(blobs.join(id).exists(), "round {round}: the file of {id} is lost");
        }
        let text =
            |sql: &str| -> Option<String> { database.query_row(sql, [], |row| row.get(0)).ok() };
        let language = text("SELECT value FROM settings WHERE name = 'user_default_language'");
        let language = language.unwrap_or_default();
        assert!(
            acknowledged.languages.contains(&language),
            "round {round}: the setting is {language}, not of {:?}",
            acknowledged.languages
        );
        acknowledged.languages = vec![language];
        for (id, names) in &mut acknowledged.names {
            let sql =
                format!("SELECT display_name FROM users WHERE lower(hex(id)) = '{}'", plain(id));
            let name = text(&sql).unwrap_or_default();
            assert!(names.contains(&name), "round {round}: a name is {name}, not of {names:?}");
            *names = vec![name];
        }
        database.execute_batch("COMMIT").unwrap();
    }

    fn finish(&mut self, admin: &Client, kills: usize, took: Duration) {
        // What was acknowledged is not only in the rows: people get it.
        let acknowledged = self.acknowledged.lock().unwrap();
        for id in acknowledged.users.iter().rev().take(20) {
            admin.get(&format!("/api/v1/admin/users/{id}")).expect(200);
        }
        // And what a kill interrupted goes on to its end.
        let waited = Instant::now();
        loop {
            let jobs = admin.get("/api/v1/jobs?limit=200").expect(200).json();
            let open = |job: &Value| matches!(job["state"].as_str(), Some("queued" | "running"));
            if !jobs["items"].as_array().unwrap().iter().any(open) {
                break;
            }
            assert!(waited.elapsed() < Duration::from_secs(300), "jobs do not end: {jobs:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
        self.ready.sort();
        let at = |percent: usize| self.ready[(self.ready.len() - 1) * percent / 100];
        let (p50, p99, max) = (at(50), at(99), at(100));
        println!(
            "torture: {kills} kills in {took:.0?}; {} writes were acknowledged ({} people, {} \
             revisions, {} answers), 0 lost, 0 by half; ready again in {p50:.2?} (p50), {p99:.2?} \
             (p99), {max:.2?} (max), goal {READY_GOAL:?}",
            acknowledged.writes,
            acknowledged.users.len(),
            acknowledged.revisions.len(),
            acknowledged.answers.len()
        );
        assert!(acknowledged.writes > kills, "hardly anything was written between the kills");
        assert!(!acknowledged.answers.is_empty() && !acknowledged.revisions.is_empty());
        assert!(p99 <= READY_BOUND, "a start takes too long: {p99:?}");
    }
}

/// An id as the database writes it in hex.
fn plain(id: &str) -> String {
    id.replace('-', "")
}

/// Somebody who works without knowing that the server is about to be killed.
struct Desk<'a> {
    admin: &'a Client,
    acknowledged: &'a Mutex<Acknowledged>,
    number: &'a AtomicUsize,
    stop: &'a AtomicBool,
}

impl Desk<'_> {
    fn repeat(&self, work: impl Fn(&Self) -> Option<()>) {
        while !self.stop.load(Ordering::Relaxed) {
            if work(self).is_some() {
                self.acknowledged.lock().unwrap().writes += 1;
            }
        }
    }

    fn number(&self) -> usize {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// The answer of a request that was acknowledged.
    fn ask_for(&self, method: &str, target: &str, body: &Value) -> Option<Value> {
        let body = ("application/json", body.to_string().into());
        let answer = self.admin.try_send(method, target, Some(body)).ok()?;
        // Refusals of a server that is stopping or overrun; a fault would be another status.
        assert!(answer.status < 300 || [429, 503].contains(&answer.status), "{}", answer.text());
        (answer.status < 300).then(|| serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// Adds somebody, and gives them another name.
    fn add_person(&self) -> Option<()> {
        let number = self.number();
        let email = format!("person-{number}@alpha.example");
        let new = json!({ "email": email, "display_name": "First", "role": "viewer" });
        let made = self.ask_for("POST", "/api/v1/admin/users", &new)?;
        let id = made["user"]["id"].as_str().or(made["id"].as_str())?.to_owned();
        let name = format!("Second {number}");
        {
            let mut acknowledged = self.acknowledged.lock().unwrap();
            acknowledged.users.insert(id.clone());
            acknowledged.writes += 1;
            let names = vec!["First".to_owned(), name.clone()];
            acknowledged.names.insert(id.clone(), names);
        }
        let change = json!({ "display_name": name });
        self.ask_for("PATCH", &format!("/api/v1/admin/users/{id}"), &change)?;
        self.acknowledged.lock().unwrap().names.insert(id, vec![name]);
        Some(())
    }

    /// Uploads a note; its ingestion goes on beside everything else.
    fn upload(&self) -> Option<()> {
        let number = self.number();
        let note = fixtures::markdown("Note", &format!("The gap of P-{number} is {number} mm."));
        let answer = self.admin.try_upload(&format!("note-{number}.md"), &note, &[]).ok()?;
        if answer.status != 202 {
            assert!([429, 503].contains(&answer.status), "{}", answer.text());
            return None;
        }
        let uploaded: Value = serde_json::from_slice(&answer.body).ok()?;
        let id = uploaded["revision_id"].as_str()?.to_owned();
        self.acknowledged.lock().unwrap().revisions.insert(id);
        // Few, so that the jobs of many rounds do not pile up.
        std::thread::sleep(Duration::from_millis(40));
        Some(())
    }

    fn change_settings(&self) -> Option<()> {
        let number = self.number();
        let language = format!("en-x-{number}");
        self.acknowledged.lock().unwrap().languages.push(language.clone());
        let change = json!({ "user_default_language": language });
        self.ask_for("PATCH", "/api/v1/admin/settings", &change)?;
        self.acknowledged.lock().unwrap().languages = vec![language];
        Some(())
    }

    /// Ends before the next start: without a server the command works by itself.
    fn command(&self, command: &[&str], data: &Path) -> Option<()> {
        let ran = Command::new(executable()).args(command).arg("--data-dir").arg(data).output();
        ran.unwrap().status.success().then_some(())
    }

    fn ask(&self) -> Option<()> {
        let question = json!({ "message": "What is the coupling gap of P-7?", "stream": false });
        let answer = self.ask_for("POST", "/api/v1/chat", &question)?;
        let id = answer["message_id"].as_str()?.to_owned();
        self.acknowledged.lock().unwrap().answers.insert(id);
        Some(())
    }
}
