//! Keys of a real appliance: sealed starts, shares, changes of keys, certificates that are brought.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Appliance, Person, fixtures};

const WORDS: &str = "correct horse battery";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A tenant with one document, whose answer cites it.
fn furnished() -> Appliance {
    let appliance = Appliance::stopped();
    let file = appliance.scratch().join("gap.md");
    let note = fixtures::markdown("Pump note", "The coupling gap of pump P-7 is 3 mm.");
    std::fs::write(&file, note).unwrap();
    appliance.json(&["init", "--tenant", "alpha", "--admin", "a@alpha.example"]);
    appliance.json(&["ingest", file.to_str().unwrap(), "--key", "PN-7"]);
    appliance
}

fn assert_answers(appliance: &Appliance) {
    let output = appliance.command(&["ask", "What is the coupling gap of P-7?"]);
    let answer = text(&output.stdout);
    assert!(
        answer.contains("is 3 mm") && answer.contains("PN-7"),
        "{answer}{}",
        text(&output.stderr)
    );
    let verified = appliance.json(&["audit", "verify"]);
    assert!(verified["logs"].as_array().unwrap().iter().all(|log| log["sound"] == true));
}

#[test]
fn a_sealed_server_waits_and_opens_without_a_restart() {
    let mut appliance = Appliance::stopped();
    let args = ["init", "--tenant", "alpha", "--admin", "a@alpha.example", "--passphrase"];
    let made = appliance.command_with(&args, &format!("{WORDS}\n"));
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(!appliance.data_dir().join("master.key").exists());
    // Stopped and without a terminal nobody can be asked.
    let refused = appliance.command(&["tenant", "list"]);
    assert_eq!(refused.status.code(), Some(6), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("millwright unseal"));

    appliance.start_sealed();
    let client = appliance.client();
    let ready = client.get("/health/ready").expect(503).json();
    assert_eq!(ready["sealed"], true);
    assert!(client.get("/").expect(200).text().contains("/assets/sealed.js"));
    client.get("/health/live").expect(200);
    let login = json!({ "tenant": "alpha", "email": "a@alpha.example", "password": "x" });
    let refused = client.post("/api/v1/auth/login", &login).expect(503).json();
    assert_eq!(refused["code"], "sealed");
    let refused = appliance.command(&["tenant", "list"]);
    assert_eq!(refused.status.code(), Some(6));
    assert!(text(&refused.stderr).contains("sealed"), "{}", text(&refused.stderr));

    let wrong = appliance.command_with(&["unseal"], "not the passphrase\n");
    assert_eq!(wrong.status.code(), Some(1), "{}", text(&wrong.stderr));
    assert!(text(&wrong.stderr).contains("passphrase is wrong"), "{}", text(&wrong.stderr));
    let right = appliance.command_with(&["unseal"], &format!("{WORDS}\n"));
    assert!(right.status.success(), "{}", text(&right.stderr));

    let ready = client.get("/health/ready").expect(200).json();
    assert!(ready["parts"].as_array().unwrap().len() > 5, "{ready:#}");
    assert!(client.get("/").expect(200).text().contains("/assets/app/"));
    let again = json!({ "passphrase": WORDS });
    assert_eq!(client.post("/api/v1/unseal", &again).expect(409).json()["code"], "not_sealed");
    assert_eq!(appliance.json(&["tenant", "list"])["items"].as_array().unwrap().len(), 1);
    let person = appliance.person("alpha", Person::new("b@alpha.example", "admin"));
    person.get("/api/v1/auth/me").expect(200);
    assert_eq!(appliance.json(&["key", "show"])["protection"], "sealed");
    let log = appliance.log();
    assert!(log.contains("\"ready\"") && log.contains("sealed: unseal"), "{log}");
    assert!(!log.contains("horse") && !log.contains("not the passphrase"), "{log}");
    let entries = appliance.json(&["key", "show"]);
    assert!(entries["passphrase"]["memory_kib"].as_u64().unwrap() >= 64 * 1024);
    assert!(entries["passphrase"]["passes"].as_u64().unwrap() >= 3);
    appliance.stop();
    // A stop while it is sealed is orderly too.
    appliance.start_sealed();
    appliance.stop();
}

#[test]
fn people_bring_their_shares_one_by_one() {
    let mut appliance = furnished();
    let set = appliance.command_with(&["key", "passphrase", "set"], &format!("{WORDS}\n"));
    assert!(set.status.success(), "{}", text(&set.stderr));
    let refused =
        appliance.command(&["key", "shares", "create", "--threshold", "2", "--count", "3"]);
    assert_eq!(refused.status.code(), Some(6), "stopped and sealed: {}", text(&refused.stderr));
    appliance.start_sealed();
    assert!(appliance.command_with(&["unseal"], &format!("{WORDS}\n")).status.success());
    let made = appliance.json(&["key", "shares", "create", "--threshold", "2", "--count", "3"]);
    let shares: Vec<&str> =
        made["shares"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    assert!(shares.iter().all(|share| share.starts_with("MW-SHARE-")), "{made:#}");
    appliance.stop();

    appliance.start_sealed();
    let one = appliance.command_with(&["unseal", "--share", "--one"], &format!("{}\n", shares[2]));
    assert!(one.status.success(), "{}", text(&one.stderr));
    assert!(text(&one.stderr).contains("1 of 2 shares"), "{}", text(&one.stderr));
    let twice = appliance.command_with(&["unseal", "--share"], &format!("{}\n", shares[2]));
    assert!(text(&twice.stderr).contains("counted already"), "{}", text(&twice.stderr));
    // The second comes from elsewhere.
    let client = appliance.client();
    let brought = json!({ "share": shares[0] });
    assert_eq!(client.post("/api/v1/unseal", &brought).expect(200).json()["sealed"], false);
    assert_answers(&appliance);
    assert!(!appliance.log().contains(&shares[0][12..30]));
    appliance.stop();
}

#[test]
fn keys_are_changed_while_the_server_runs_and_while_it_is_stopped() {
    let mut appliance = furnished();
    let before = appliance.json(&["key", "show"]);
    assert_eq!(before["protection"], "key_file");
    let rotated = appliance.json(&["key", "rotate"]);
    assert_eq!(rotated["from"], before["id"]);
    assert_eq!(appliance.json(&["key", "rotate", "--tenant", "alpha"])["state"], "done");
    assert_answers(&appliance);
    appliance.start();
    let person = appliance.person("alpha", Person::new("b@alpha.example", "admin"));
    assert_eq!(appliance.json(&["key", "rotate"])["from"], rotated["to"]);
    let moved = appliance.json(&["key", "rotate", "--tenant", "alpha"]);
    assert_eq!(moved["state"], "done", "{moved:#}");
    person.get("/api/v1/auth/me").expect(200);
    assert_answers(&appliance);
    let found = appliance.json(&["search", "coupling"]);
    assert!(!found["passages"].as_array().unwrap().is_empty());
    let refused = appliance.command(&["key", "rotate", "--tenant", "nobody"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    appliance.stop();
    assert_answers(&appliance);
    let tenant = appliance.json(&["tenant", "show", "alpha"]);
    let dir = appliance.data_dir().join("tenants").join(tenant["id"].as_str().unwrap());
    assert!(dir.join("tenant.2.db").exists() && !dir.join("tenant.db").exists());
}

#[test]
fn a_kill_in_the_middle_of_a_change_of_keys_loses_nothing() {
    let mut appliance = furnished();
    for delay_ms in [5, 20, 40, 80] {
        for change in [&["key", "rotate"][..], &["key", "rotate", "--tenant", "alpha"]] {
            appliance.start();
            let mut changing = appliance.spawn(change);
            let until = Instant::now() + Duration::from_millis(delay_ms);
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
            appliance.kill();
            changing.wait().unwrap();
            assert_answers(&appliance);
        }
    }
    assert!(!appliance.data_dir().join("keys.pending").exists());
}
