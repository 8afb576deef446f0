//! The command line without a server, its exit statuses and its help.

use serde_json::json;

use crate::support::{Appliance, PASSWORD, Person, executable, fixtures};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_data_directory_alone_is_enough_from_init_to_a_cited_answer() {
    let appliance = Appliance::stopped();
    let made = appliance.json(&["init", "--tenant", "alpha", "--admin", "a@alpha.example"]);
    assert!(made["administrator"]["one_time_password"].as_str().unwrap().len() >= 12);
    let file = appliance.scratch().join("gap.md");
    let fact = "The coupling gap of pump P-7 is 3 mm.";
    std::fs::write(&file, fixtures::markdown("Pump note", fact)).unwrap();
    appliance.json(&["ingest", file.to_str().unwrap(), "--key", "PN-7"]);
    let output = appliance.command(&["ask", "What is the coupling gap of P-7?"]);
    let answer = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{answer}{}", text(&output.stderr));
    assert!(answer.contains(fact) && answer.contains("PN-7"), "{answer}");
    assert!(answer.contains("revision 1, page 1"), "{answer}");
    let refused = appliance.command(&["ask", "Who won the chess world championship in 1972?"]);
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused.stdout));
    let verified = appliance.json(&["audit", "verify"]);
    assert!(verified["logs"].as_array().unwrap().iter().all(|log| log["sound"] == true));
    let entries = appliance.json(&["audit", "show", "--action", "answer."]);
    assert_eq!(entries["items"].as_array().unwrap().len(), 2, "{entries:#}");
    let documents = appliance.json(&["document", "list"]);
    assert_eq!(documents["items"][0]["key"], "PN-7");
    appliance.json(&["document", "remove", "PN-7"]);
    let gone = appliance.command(&["ask", "What is the coupling gap of P-7?"]);
    assert_eq!(gone.status.code(), Some(4), "{}", text(&gone.stdout));
}

#[test]
fn wrong_input_says_what_is_wrong_and_how_to_mend_it() {
    let appliance = Appliance::stopped();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["tenant", "create", "Not A Slug"], 2, "slug"),
        (&["tenant", "show", "nobody"], 2, "millwright tenant list"),
        (&["ask"], 2, "Usage"),
        (&["ingest", "/no/such/file.pdf"], 1, "no such file"),
        (&["--config", "/no/such.toml", "tenant", "list"], 3, "/no/such.toml"),
    ];
    for (args, code, says) in cases {
        let output = appliance.command(args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{args:?}: {said}");
        assert!(said.to_lowercase().contains(&says.to_lowercase()), "{args:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn completions_manual_and_defaults_are_printed_without_a_data_directory() {
    let run = |args: &[&str]| {
        let output = std::process::Command::new(executable()).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    assert!(run(&["completions", "bash"]).contains("_millwright"));
    assert!(run(&["config", "default"]).contains("[server]"));
    let dir = tempfile::tempdir().unwrap();
    run(&["man", dir.path().to_str().unwrap()]);
    assert!(dir.path().join("millwright-ask.1").exists());
    insta::assert_snapshot!("help", run(&["--help"]));
}

#[test]
fn doctor_looks_and_changes_nothing() {
    let appliance = Appliance::stopped();
    let report = appliance.json(&["doctor"]);
    let parts: Vec<&str> =
        report["parts"].as_array().unwrap().iter().map(|p| p["part"].as_str().unwrap()).collect();
    for part in [
        "disk",
        "clock",
        "certificate",
        "processor",
        "sandbox",
        "model cage",
        "language models",
        "weights",
    ] {
        assert!(parts.contains(&part), "{part} is missing: {report:#}");
    }
    assert!(!appliance.data_dir().exists());
}

#[test]
fn an_export_of_the_log_is_verified_offline_by_the_program_and_by_the_script() {
    let appliance = Appliance::stopped();
    appliance.json(&["init", "--tenant", "alpha", "--admin", "a@alpha.example"]);
    appliance.json(&["user", "add", "b@alpha.example", "--name", "B \"the\" second"]);
    let key = appliance.json(&["audit", "checkpoint"])["public_key"].as_str().unwrap().to_owned();
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/verify-audit.py");
    let lines = std::fs::read_to_string(&script).unwrap().lines().count();
    assert!(lines <= 200, "an auditor reads {lines} lines");
    let by_script = |file: &std::path::Path, key: &str| {
        let output = std::process::Command::new("python3")
            .arg(&script)
            .arg(file)
            .args(["--public-key", key])
            .output()
            .expect("python3 runs");
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        (output.status.code(), text(&output.stdout))
    };
    // Without a data directory, as on the auditor's machine.
    let by_program = |file: &std::path::Path, key: &str| {
        let output = std::process::Command::new(executable())
            .args(["audit", "verify", "--export", file.to_str().unwrap(), "--public-key", key])
            .output()
            .unwrap();
        (output.status.code(), text(&output.stdout))
    };
    for format in ["jsonl", "csv"] {
        let file = appliance.scratch().join(format!("log.{format}"));
        let out = file.to_str().unwrap();
        appliance.json(&["audit", "export", "--format", format, "--out", out]);
        let again = appliance.command(&["audit", "export", "--format", format, "--out", out]);
        assert_eq!(again.status.code(), Some(1), "an existing file was overwritten");
        for (code, said) in [by_script(&file, &key), by_program(&file, &key)] {
            assert_eq!(code, Some(0), "{format}: {said}");
            assert!(said.starts_with("sound: ") && said.contains("(as given)"), "{said}");
        }
        let whole = std::fs::read_to_string(&file).unwrap();
        let other_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let half: String = whole.lines().take(3).map(|line| format!("{line}\n")).collect();
        let note = whole.find("\\n\\n— ").unwrap() - 3;
        let mut forged = whole.clone();
        forged.replace_range(note..=note, if &whole[note..=note] == "A" { "B" } else { "A" });
        for (what, content, key) in [
            ("altered", whole.replacen("user.created", "user.deleted", 2), key.as_str()),
            ("left out", whole.replacen("\"index\":2,", "\"index\":3,", 1), &key),
            ("cut off", half, &key),
            ("forged", forged, &key),
            ("empty", String::new(), &key),
            ("another key", whole.clone(), other_key),
        ] {
            // In the CSV form the quotes of an entry are doubled.
            let content = if what == "left out" && format == "csv" {
                whole.replacen("\"\"index\"\":2,", "\"\"index\"\":3,", 1)
            } else {
                content
            };
            assert!(what == "another key" || content != whole, "{what}");
            let damaged = appliance.scratch().join("damaged");
            std::fs::write(&damaged, content).unwrap();
            for (code, said) in [by_script(&damaged, key), by_program(&damaged, key)] {
                assert_ne!(code, Some(0), "{format}, {what}: {said}");
                assert!(said.starts_with("NOT SOUND: "), "{format}, {what}: {said}");
            }
        }
    }
}

#[test]
fn sign_ins_that_are_refreshed_are_seen_and_ended_at_the_command_line() {
    let appliance = Appliance::started();
    appliance.tenant("alpha");
    appliance.person("alpha", Person::new("v@alpha.example", "viewer"));
    let login = json!({ "tenant": "alpha", "email": "v@alpha.example", "password": PASSWORD,
        "token": true, "refresh": true });
    let login = appliance.client().post("/api/v1/auth/login", &login).expect(200).json();
    let seen = text(&appliance.command(&["user", "sessions", "v@alpha.example"]).stdout);
    for kind in ["session", "token", "family"] {
        assert!(seen.lines().any(|line| line.starts_with(kind)), "{kind}: {seen}");
    }
    let ended = text(&appliance.command(&["user", "sign-out", "v@alpha.example"]).stdout);
    assert!(ended.contains("1 families of tokens have ended"), "{ended}");
    let refresh = json!({ "refresh_token": login["refresh_token"] });
    appliance.client().post("/api/v1/auth/refresh", &refresh).expect(401);
}

#[test]
fn issuers_are_refused_where_they_would_be_a_hole() {
    use std::os::unix::fs::PermissionsExt as _;
    let appliance = Appliance::stopped();
    let (file, secret) =
        (appliance.scratch().join("millwright.toml"), appliance.scratch().join("secret"));
    let run = |environment: &str, words: &[&str]| {
        let issuer = format!(
            "environment = '{environment}'\n[[issuer]]\nname = 'dev'\nissuer = 'dev'\n\
             audience = 'millwright-api'\nalgorithm = 'HS256'\nkey_file = '{}'\ntenant = 'alpha'\n",
            secret.display()
        );
        std::fs::write(&file, issuer).unwrap();
        let words = [&["--config", file.to_str().unwrap()], words].concat();
        let output = appliance.command(&words);
        (output.status.code(), text(&output.stderr))
    };
    let list = ["tenant", "list"];
    let (code, said) = run("prod", &list);
    assert!(code == Some(3) && said.contains("HS256") && said.contains("environment"), "{said}");
    assert!(!appliance.data_dir().exists(), "nothing was begun");
    let (code, said) = run("dev", &list);
    assert!(code == Some(3) && said.contains("secret"), "no file: {said}");
    std::fs::write(&secret, "nothing is at stake where this stands").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = run("dev", &list);
    assert!(code == Some(3) && said.contains("0600"), "readable by all: {said}");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&secret, "short").unwrap();
    let (code, said) = run("dev", &list);
    assert!(code == Some(3) && said.contains("at least 32 bytes"), "short: {said}");
    std::fs::write(&secret, "nothing is at stake where this stands").unwrap();
    assert_eq!(run("dev", &list).0, Some(0));
    let (_, said) = run("dev", &["config", "check"]);
    assert!(said.is_empty(), "{said}");
}
