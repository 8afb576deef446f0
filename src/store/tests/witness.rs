//! Checkpoints in a second place, and what they are good for.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use serde_json::Value;

use super::*;

/// Longer than any test: rounds come with start and stop.
const NEVER: Duration = Duration::from_secs(3_600);

struct Site {
    ground: Ground,
    opened: Opened,
    tenant: TenantId,
    stick: tempfile::TempDir,
}

impl Site {
    async fn new() -> Self {
        let ground = Ground::new();
        let opened = ground.open();
        let tenant = opened.create("rauental").await;
        Self { ground, opened, tenant, stick: tempfile::tempdir().unwrap() }
    }

    fn settings(&self) -> WitnessSettings {
        WitnessSettings {
            folder: Some(self.stick.path().to_owned()),
            syslog: None,
            interval: NEVER,
        }
    }

    async fn put(&self, settings: &[&str]) {
        let ctx = self.opened.ctx(self.tenant).await;
        for name in settings {
            ctx.write(put(name)).await.unwrap();
        }
    }

    /// One run of the witness, to its end.
    fn witness(&self) -> WitnessState {
        self.witness_with(self.settings())
    }

    fn witness_with(&self, settings: WitnessSettings) -> WitnessState {
        elsewhere(|| self.opened.store.witness_start(settings).unwrap().unwrap().stop());
        self.opened.store.witness_state().unwrap()
    }

    /// Closes, lets `tamper` at the data directory, and opens again.
    async fn reopen(self, tamper: impl FnOnce(&Path)) -> Self {
        let Self { ground, opened, tenant, stick } = self;
        opened.close().await;
        tamper(&ground.data());
        let opened = ground.open();
        Self { ground, opened, tenant, stick }
    }

    fn file(&self, origin: &str) -> PathBuf {
        self.stick.path().join(format!("{}.checkpoints", origin.replace('/', "_")))
    }

    fn tenant_file(&self) -> PathBuf {
        self.file(&open_tenant::tenant_origin(self.tenant))
    }

    /// All signed notes in the folder.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for file in files(self.stick.path()) {
            for line in std::fs::read_to_string(file).unwrap().lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                notes.push(line["note"].as_str().unwrap().to_owned());
            }
        }
        notes
    }

    /// What comparing with the folder finds, log by log.
    fn found(&self) -> Vec<(String, String)> {
        let outcome = verify_with_witness(&self.opened.store, None, &self.notes()).unwrap();
        assert!(outcome.unknown_logs.is_empty(), "{:?}", outcome.unknown_logs);
        let word = |outcome: VerifyOutcome| {
            let finding = outcome.report.unwrap().finding;
            let found = finding.map_or("none".into(), |f| format!("{} at {}", f.kind, f.index));
            (outcome.name, found)
        };
        outcome.logs.into_iter().map(word).collect()
    }
}

fn expected(appliance: &str, tenant: &str) -> Vec<(String, String)> {
    vec![("appliance".into(), appliance.into()), ("rauental".into(), tenant.into())]
}

#[tokio::test]
async fn whoever_rolls_back_database_and_checkpoint_together_is_caught_by_the_witness() {
    let site = Site::new().await;
    site.put(&["a"]).await;
    let site = site.reopen(|_| {}).await;
    site.witness();
    let yesterday = site.ground.image("yesterday");
    site.put(&["b", "c"]).await;
    assert!(site.witness().broken_logs.is_empty());
    assert_eq!(site.found(), expected("none", "none"));

    // Root puts all of yesterday's data directory back: keys, databases and checkpoints agree.
    let site = site
        .reopen(|data| {
            std::fs::remove_dir_all(data).unwrap();
            copy_tree(&yesterday, data);
        })
        .await;
    assert_eq!(*site.opened.ctx(site.tenant).await.health(), Health::Sound);
    site.opened.assert_logs_are_sound();
    let behind = format!("behind_witness at {}", SCHEMA_ENTRIES + 1);
    assert_eq!(site.found(), expected("none", &behind));
    let before = std::fs::read(site.tenant_file()).unwrap();
    let state = site.witness();
    assert_eq!(state.broken_logs.len(), 1);
    assert!(state.broken_logs[0].contains("were rolled back together"), "{state:?}");

    // The log grows beyond what was witnessed: it is another history all the same.
    site.put(&["d", "e", "f"]).await;
    site.opened.assert_logs_are_sound();
    let forked = format!("forked at {}", SCHEMA_ENTRIES + 1);
    assert_eq!(site.found(), expected("none", &forked));
    let state = site.witness();
    assert!(state.broken_logs[0].contains("it is another history"), "{state:?}");
    assert_eq!(std::fs::read(site.tenant_file()).unwrap(), before, "the evidence stays as it was");
}

#[tokio::test]
async fn a_rollback_of_the_appliance_hides_no_tenant() {
    let site = Site::new().await;
    let site = site.reopen(|_| {}).await;
    site.witness();
    let yesterday = site.ground.image("yesterday");
    site.opened.create("lohberg").await;
    site.witness();
    let site = site
        .reopen(|data| {
            std::fs::remove_dir_all(data).unwrap();
            copy_tree(&yesterday, data);
        })
        .await;
    let outcome = verify_with_witness(&site.opened.store, None, &site.notes()).unwrap();
    assert_eq!(outcome.unknown_logs.len(), 1, "the tenant that is gone");
    let appliance = outcome.logs[0].report.as_ref().unwrap().finding.as_ref().unwrap();
    assert_eq!(appliance.kind, audit::FindingKind::BehindWitness);
}

#[tokio::test]
async fn a_data_directory_made_anew_is_not_the_one_that_was_witnessed() {
    let site = Site::new().await;
    site.witness();
    let other = Site::new().await;
    let appliance = &verify_with_witness(&other.opened.store, None, &site.notes()).unwrap().logs[0];
    let finding = appliance.report.as_ref().unwrap().finding.as_ref().unwrap();
    assert_eq!(finding.kind, audit::FindingKind::Forked);
    assert!(finding.what.contains("another key"), "{}", finding.what);
    assert_eq!(appliance.witnessed, Some(0));
    // Nor does it write into the other one's folder.
    let settings =
        WitnessSettings { folder: Some(site.stick.path().to_owned()), ..site.settings() };
    let before = std::fs::read(site.file("millwright/appliance")).unwrap();
    let state = other.witness_with(settings);
    assert!(state.broken_logs.iter().any(|log| log.contains("another key")), "{state:?}");
    assert_eq!(std::fs::read(site.file("millwright/appliance")).unwrap(), before);
}

#[tokio::test]
async fn a_stick_that_was_pulled_is_told_and_caught_up_when_it_is_back() {
    let site = Site::new().await;
    let folder = site.stick.path().join("millwright");
    let settings = WitnessSettings {
        folder: Some(folder.clone()),
        interval: Duration::from_millis(5),
        ..site.settings()
    };
    let witness = site.opened.store.witness_start(settings).unwrap().unwrap();
    let until = async |done: &dyn Fn(&WitnessPlace) -> bool| {
        loop {
            let place = site.opened.store.witness_state().unwrap().places[0].clone();
            if done(&place) {
                return place;
            }
            tokio::task::yield_now().await;
        }
    };
    let away = until(&|place| place.trouble.is_some()).await;
    assert_eq!((away.name, away.complete_at), ("folder", None));
    site.put(&["a", "b"]).await;
    assert!(!folder.exists(), "nothing is made where the stick should be");
    std::fs::create_dir(&folder).unwrap();
    let back = until(&|place| place.trouble.is_none() && place.complete_at.is_some()).await;
    assert_eq!(back.complete_at, Some(site.opened.store.now()));
    site.put(&["c"]).await;
    site.opened.store.close().await;
    elsewhere(|| witness.stop());
    let text =
        std::fs::read_to_string(folder.join(site.tenant_file().file_name().unwrap())).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let size = last["note"].as_str().unwrap().lines().nth(1).unwrap().parse::<u64>().unwrap();
    assert_eq!(size, SCHEMA_ENTRIES + 3, "the last one is handed on at the stop");
}

#[tokio::test]
async fn many_writes_cost_one_line_and_no_write_costs_none() {
    let site = Site::new().await;
    site.witness();
    site.put(&["a", "b", "c", "d"]).await;
    site.witness();
    site.witness();
    let lines = std::fs::read_to_string(site.tenant_file()).unwrap().lines().count();
    assert_eq!(lines, 2);
    // An older stick is caught up in one line.
    let old: String = std::fs::read_to_string(site.tenant_file()).unwrap();
    let first = format!("{}\n", old.lines().next().unwrap());
    std::fs::write(site.tenant_file(), first).unwrap();
    assert!(site.witness().broken_logs.is_empty());
    assert_eq!(std::fs::read_to_string(site.tenant_file()).unwrap().lines().count(), 2);
    assert_eq!(site.found(), expected("none", "none"));
}

#[tokio::test]
async fn the_log_daemon_gets_what_puts_the_signed_note_together_again() {
    let site = Site::new().await;
    let socket = site.stick.path().join("log");
    let daemon = UnixDatagram::bind(&socket).unwrap();
    daemon.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let settings = WitnessSettings { folder: None, syslog: Some(socket), interval: NEVER };
    site.witness_with(settings.clone());
    let mut notes = Vec::new();
    for _ in 0..2 {
        let mut buffer = [0; 2048];
        let length = daemon.recv(&mut buffer).unwrap();
        let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
        let (_, fields) = text.split_once(SYSLOG_MARK).unwrap();
        let fields: Vec<_> = fields.split_whitespace().collect();
        let [origin, size, root, signature, extension @ ..] = fields.as_slice() else {
            panic!("{text}")
        };
        let extension = match extension {
            [] => String::new(),
            words => format!("{}\n", words.join(" ")),
        };
        notes.push(format!("{origin}\n{size}\n{root}\n{extension}\n— {origin} {signature}\n"));
    }
    let outcome = verify_with_witness(&site.opened.store, None, &notes).unwrap();
    assert!(outcome.logs.iter().all(|log| log.witnessed == Some(1)), "{outcome:?}");
    assert!(outcome.logs.iter().all(|log| log.report.as_ref().unwrap().finding.is_none()));
    drop(daemon);
    let state = site.witness_with(settings);
    assert_eq!(state.places[0].name, "syslog");
    assert!(state.places[0].trouble.is_some(), "nobody listens: {state:?}");
}
