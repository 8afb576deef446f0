//! What the audit log is good for: witnesses outside, who was shown what, and content that was pruned.

use std::path::Path;
use std::process::Command;

use audit::{
    Action, Checkpoint, Cover, EXPORT_FORMAT, Event, ExportEnd, ExportHead, PrunedBefore, Pruning,
    Stamp, leaf_hash, root,
};
use base::{Actor, OsEntropy, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use seal::{DataKey, SigningKey};
use serde_json::{Value, json};

use crate::support::{Appliance, Client, Person, executable, fixtures};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn part(client: &Client, name: &str) -> Value {
    let ready = client.get("/health/ready").expect(200).json();
    let parts = ready["parts"].as_array().unwrap();
    parts.iter().find(|part| part["name"] == name).unwrap().clone()
}

#[test]
fn a_rolled_back_data_directory_is_caught_by_the_witness() {
    let mut appliance = Appliance::stopped();
    let stick = appliance.scratch().join("stick");
    std::fs::create_dir(&stick).unwrap();
    let folder = stick.to_str().unwrap().to_owned();
    let with = [("MILLWRIGHT_AUDIT_WITNESS_PATH", folder.as_str())];
    appliance.start_with(&with);
    appliance.tenant("alpha");
    appliance.stop();
    let yesterday = appliance.scratch().join("yesterday");
    copy_tree(&appliance.data_dir(), &yesterday);
    appliance.start_with(&with);
    appliance.person("alpha", Person::new("a@alpha.example", "admin"));
    assert_eq!(part(&appliance.client(), "witness")["state"], "ok");
    appliance.stop();
    let sound = appliance.command(&["audit", "verify", "--witness", &folder]);
    let said = text(&sound.stdout);
    assert_eq!(sound.status.code(), Some(0), "{said}{}", text(&sound.stderr));
    assert_eq!(said.matches("as its witness saw it").count(), 2, "{said}");

    std::fs::remove_dir_all(appliance.data_dir()).unwrap();
    copy_tree(&yesterday, &appliance.data_dir());
    let alone = appliance.command(&["audit", "verify"]);
    assert_eq!(alone.status.code(), Some(0), "without its witness it is sound");
    let caught = appliance.command(&["audit", "verify", "--witness", &folder]);
    let said = text(&caught.stdout);
    assert_eq!(caught.status.code(), Some(5), "{said}{}", text(&caught.stderr));
    assert!(said.contains("alpha: DAMAGED at entry") && said.contains("behind_witness"), "{said}");
    // The appliance says so by itself, and its witness keeps what it saw.
    appliance.start_with(&with);
    let client = appliance.client();
    // Its first round may take a moment.
    let state = |_| part(&client, "witness")["state"].as_str().unwrap().to_owned();
    assert!((0..200).map(state).any(|state| state == "degraded"), "{}", appliance.log());
    appliance.stop();
    let still = appliance.command(&["audit", "verify", "--witness", &folder]);
    assert_eq!(still.status.code(), Some(5), "{}", text(&still.stdout));

    let empty = appliance.scratch().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let nothing = appliance.command(&["audit", "verify", "--witness", empty.to_str().unwrap()]);
    assert_eq!(nothing.status.code(), Some(2), "{}", text(&nothing.stderr));
    assert!(text(&nothing.stderr).contains("holds no checkpoints"), "{}", text(&nothing.stderr));
}

#[test]
fn what_a_person_was_shown_is_told_by_document_revision_chunk_and_page() {
    let appliance = Appliance::started();
    appliance.tenant("alpha");
    let admin = appliance.person("alpha", Person::new("a@alpha.example", "admin"));
    let viewer = appliance.person("alpha", Person::new("v@alpha.example", "viewer"));
    let fact = fixtures::markdown("Pump note", "The coupling gap of pump P-7 is 3 mm.");
    let (pump, _) = admin.ingest("pump.md", &fact, &[("key", "PN-7")]);
    let other = fixtures::markdown("Motor note", "The motor M-9 is greased every month.");
    admin.ingest("motor.md", &other, &[("key", "MN-9")]);
    let question = json!({ "message": "What is the coupling gap of P-7?", "stream": false });
    let answer = viewer.post("/api/v1/chat", &question).expect(200).json();
    let conversation = answer["conversation_id"].as_str().unwrap();
    viewer.get(&format!("/api/v1/conversations/{conversation}")).expect(200);
    let page = format!(
        "/api/v1/documents/{}/revisions/{}/pages/1",
        pump["document_id"].as_str().unwrap(),
        pump["revision_id"].as_str().unwrap()
    );
    viewer.get(&page).expect(200);

    let own = viewer.get("/api/v1/auth/me/disclosures").expect(200).json();
    let me = viewer.get("/api/v1/auth/me").expect(200).json();
    let target = format!("/api/v1/admin/users/{}/disclosures", me["id"].as_str().unwrap());
    let seen = admin.get(&target).expect(200).json();
    assert_eq!(seen, own);
    let items = seen["items"].as_array().unwrap();
    let actions: Vec<_> = items.iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["page.read", "conversation.read", "answer.given"], "{seen:#}");
    let of_pump = |one: &Value| {
        let shown = one["shown"].as_array().unwrap();
        shown.iter().find(|part| part["document_key"] == "PN-7").cloned()
    };
    for one in items {
        let part = of_pump(one).unwrap_or_else(|| panic!("{one:#}"));
        assert_eq!(part["revision_id"], pump["revision_id"], "{one:#}");
        assert_eq!(part["document_id"], pump["document_id"], "{one:#}");
        assert_eq!((&part["revision_number"], &part["pages"]), (&json!(1), &json!([1])), "{one:#}");
        let chunks = part["chunk_ids"].as_array().unwrap().len();
        assert_eq!(chunks > 0, one["action"] != "page.read", "{one:#}");
    }
    // Page by page, and by time, it is the same.
    let first = admin.get(&format!("{target}?limit=2")).expect(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = admin.get(&format!("{target}?limit=2&cursor={cursor}")).expect(200).json();
    let paged: Vec<_> =
        [&first, &rest].iter().flat_map(|page| page["items"].as_array().unwrap().clone()).collect();
    assert_eq!(&paged, items);
    let early = admin.get(&format!("{target}?until=2001-01-01")).expect(200).json();
    assert!(early["items"].as_array().unwrap().is_empty());
    let by_command = appliance.json(&["user", "seen", "v@alpha.example"]);
    assert_eq!(&by_command["items"], &seen["items"]);
    // Once a document is gone its revision is still named.
    appliance.json(&["document", "remove", "PN-7"]);
    let after = admin.get(&target).expect(200).json();
    let page_read = &after["items"][0]["shown"][0];
    assert_eq!(page_read["revision_id"], pump["revision_id"], "{after:#}");
    assert!(page_read["document_key"].is_null(), "{after:#}");
}

/// A log of twelve entries, of which the ninth may record a pruning.
struct Log {
    key: SigningKey,
    entries: Vec<String>,
}

const ORIGIN: &str = "millwright/tenants/test";

impl Log {
    fn new(record: Event, actor: Actor) -> Self {
        let time = Timestamp::from_unix_ms(1_795_000_000_123);
        let entry = |index: u64, event: Event, actor: Actor| {
            let stamp = Stamp { index, time, actor, tenant: None, request_id: None };
            String::from_utf8(event.into_entry(stamp).canonical()).unwrap()
        };
        let read = || Event::new(Action::new("page.read")).object("revision", "x");
        let mut entries: Vec<String> = (0..12).map(|i| entry(i, read(), Actor::Console)).collect();
        entries[8] = entry(8, record, actor);
        Self { key: SigningKey::from_seed(&DataKey::generate(&OsEntropy).unwrap()), entries }
    }

    /// An export from the sixth entry on, which says that those before it were pruned.
    fn export(&self, pruned: PrunedBefore, last: usize) -> String {
        let leaves: Vec<_> = self.entries.iter().map(|e| leaf_hash(e.as_bytes())).collect();
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size: 12, root: root(&leaves) };
        let cover = |range: std::ops::Range<usize>| {
            let mut cover = Cover::from(range.start as u64);
            leaves[range].iter().for_each(|leaf| cover.push_leaf(*leaf));
            cover.subtrees().to_vec()
        };
        let public_key = STANDARD.encode(self.key.verifying_key().as_bytes());
        let head = ExportHead {
            format: EXPORT_FORMAT.to_owned(),
            origin: ORIGIN.to_owned(),
            public_key,
            checkpoint: checkpoint.sign(&self.key).unwrap(),
            first: 5,
            before: cover(0..5),
            pruned: Some(pruned),
        };
        let end = ExportEnd { end: last as u64 - 5, after: cover(last..12) };
        let mut lines = vec![serde_json::to_string(&head).unwrap()];
        lines.extend(self.entries[5..last].iter().cloned());
        lines.push(serde_json::to_string(&end).unwrap());
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

#[test]
fn program_and_script_agree_about_what_was_pruned() {
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/verify-audit.py");
    let verdicts = |export: &str| {
        let file = dir.path().join("log.jsonl");
        std::fs::write(&file, export).unwrap();
        let script = Command::new("python3").arg(&script).arg(&file).output().unwrap();
        assert!(script.stderr.is_empty(), "{}", text(&script.stderr));
        let program = Command::new(executable())
            .args(["audit", "verify", "--export", file.to_str().unwrap()])
            .output()
            .unwrap();
        [script, program].map(|output| (output.status.success(), text(&output.stdout)))
    };
    let now = Timestamp::from_unix_ms(1_795_000_000_123);
    let rule = |end: u64, retention_days: u32, days_ago: u32| Pruning {
        first: 0,
        end,
        cutoff: Pruning::cutoff_at(now, days_ago),
        retention_days,
    };
    let by_8 = PrunedBefore { end: 5, by: 8 };
    for (what, pruning, actor, pruned, last, sound) in [
        ("as it should be", rule(5, 90, 90), Actor::Appliance, by_8, 12, true),
        ("gone further", rule(8, 2557, 3000), Actor::Appliance, by_8, 12, true),
        ("its record is not in here", rule(5, 90, 90), Actor::Appliance, by_8, 8, true),
        ("recorded for less", rule(4, 90, 90), Actor::Appliance, by_8, 12, false),
        ("recorded for itself", rule(9, 90, 90), Actor::Appliance, by_8, 12, false),
        ("by somebody", rule(5, 90, 90), Actor::Console, by_8, 12, false),
        ("too young", rule(5, 90, 89), Actor::Appliance, by_8, 12, false),
        ("a rule that is too short", rule(5, 89, 90), Actor::Appliance, by_8, 12, false),
        ("a rule that was not kept", rule(5, 120, 100), Actor::Appliance, by_8, 12, false),
        (
            "another entry",
            rule(5, 90, 90),
            Actor::Appliance,
            PrunedBefore { by: 7, end: 5 },
            12,
            false,
        ),
        (
            "another end",
            rule(5, 90, 90),
            Actor::Appliance,
            PrunedBefore { by: 8, end: 4 },
            12,
            false,
        ),
    ] {
        let export = Log::new(pruning.event(), actor).export(pruned, last);
        for (is_sound, said) in verdicts(&export) {
            assert_eq!(is_sound, sound, "{what}: {said}");
            assert_eq!(said.contains("pruned: all before 5; entry 8"), sound, "{what}: {said}");
            assert_eq!(said.starts_with("NOT SOUND: "), !sound, "{what}: {said}");
            let place = if last == 12 { ", in here" } else { ", not in here" };
            assert!(!sound || said.contains(place), "{what}: {said}");
        }
    }
}
