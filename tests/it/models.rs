//! Language models from a file to an answer, with a real worker and a model made on the spot: what it
//! says is noise, and the way is what counts.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use engine::tiny::{TinyModel, TinyOptions, TinyShape, WeightKind};
use models::ModelPurpose;
use serde_json::{Value, json};

use crate::support::{Appliance, Client, Person, fixtures};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A GGUF file with a model of its own.
fn model_file(appliance: &Appliance, name: &str, seed: u64) -> PathBuf {
    let path = appliance.scratch().join(format!("{name}.gguf"));
    let options = TinyOptions {
        weights: WeightKind::F32,
        seed,
        name: name.to_owned(),
        ..TinyOptions::default()
    };
    let model = TinyModel::new(TinyShape::smallest(), options).unwrap();
    model.write(File::create(&path).unwrap()).unwrap();
    path
}

fn import(appliance: &Appliance, name: &str, seed: u64) -> Value {
    let file = model_file(appliance, name, seed);
    let imported = appliance.json(&["model", "import", file.to_str().unwrap()]);
    imported["models"][0].clone()
}

/// A model with room for the prompts of answers, under this name.
pub(crate) fn import_long(appliance: &Appliance, name: &str) {
    let path = appliance.scratch().join(format!("{name}.gguf"));
    let options =
        TinyOptions { weights: WeightKind::F32, name: name.to_owned(), ..TinyOptions::default() };
    let shape = TinyShape { context_tokens: 32_768, ..TinyShape::smallest() };
    TinyModel::new(shape, options).unwrap().write(File::create(&path).unwrap()).unwrap();
    appliance.json(&["model", "import", path.to_str().unwrap()]);
}

#[test]
fn a_model_is_brought_in_tried_assigned_and_asked_without_a_server() {
    let appliance = Appliance::stopped();
    appliance.json(&["init", "--tenant", "alpha", "--admin", "a@alpha.example"]);
    let model = import(&appliance, "tiny", 1);
    assert_eq!(model["name"], "tiny");
    assert_eq!(
        (&model["architecture"], &model["licence"]),
        (&json!("llama"), &json!("apache-2.0"))
    );
    let trial = &model["trial"];
    assert_eq!(trial["state"], "passed", "{model:#}");
    for rate in ["prompt_tokens_per_s", "generation_tokens_per_s", "peak_memory_bytes"] {
        assert!(trial[rate].as_f64().unwrap() > 0.0, "{rate}: {trial:#}");
    }
    let assigned = appliance.json(&["model", "assign", "light", "tiny"]);
    assert_eq!(assigned["items"][0]["tiers"], json!(["light"]));
    let listed = appliance.command(&["model", "list"]);
    assert!(text(&listed.stdout).contains("tiny"), "{}", text(&listed.stdout));
    let shown = appliance.command(&["model", "show", "tiny"]);
    let hash = model["hash"].as_str().unwrap();
    assert!(text(&shown.stdout).contains(hash), "{}", text(&shown.stdout));
    let verified = appliance.json(&["model", "verify"]);
    assert_eq!(verified["models"][0]["sound"], true);
    // What stands in the way is said.
    let in_use = appliance.command(&["model", "rm", "tiny"]);
    assert!(text(&in_use.stderr).contains("light"), "{}", text(&in_use.stderr));
    let file = appliance.scratch().join("tiny.gguf").display().to_string();
    let again = appliance.command(&["model", "import", "--name", "other", &file]);
    assert!(text(&again.stderr).contains("tiny"), "{}", text(&again.stderr));
    let embed = appliance.command(&["model", "assign", "embed", "tiny"]);
    assert_ne!(embed.status.code(), Some(0));
    assert!(text(&embed.stderr).contains("is made to generate"), "{}", text(&embed.stderr));
    // A file that changes is found out.
    let kept = appliance.data_dir().join(format!("models/{hash}.gguf"));
    std::fs::write(&kept, b"GGUF nonsense").unwrap();
    let damaged = appliance.command(&["model", "verify", "tiny"]);
    assert_eq!(damaged.status.code(), Some(1), "{}", text(&damaged.stderr));
    appliance.json(&["model", "assign", "light"]);
    appliance.json(&["model", "rm", "tiny"]);
    assert!(!kept.exists());
    let verified = appliance.json(&["audit", "verify"]);
    assert!(verified["logs"].as_array().unwrap().iter().all(|log| log["sound"] == true));
}

/// Sends a model's file over the console, and goes away after a while without having read an answer.
fn send_and_leave(appliance: &Appliance, file: &Path, after: Duration) {
    let content = std::fs::read(file).unwrap();
    let socket = appliance.data_dir().join("run/console.sock");
    let mut stream = UnixStream::connect(socket).unwrap();
    let head = format!(
        "POST /api/v1/models HTTP/1.1\r\nHost: console\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {}\r\n\r\n",
        content.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&content).unwrap();
    std::thread::sleep(after);
}

#[test]
fn a_model_that_arrived_is_tried_though_its_sender_has_gone() {
    let appliance = Appliance::started();
    let file = model_file(&appliance, "tiny", 1);
    let listed = || appliance.json(&["model", "list"])["items"].clone();
    // Whoever leaves before the file is whole on the disk leaves nothing. The first one who leaves later does so
    // while the worker looks into it.
    let waits = (0..250).map(|step| Duration::from_millis(step * 2));
    let mut arrived = waits.filter(|wait| {
        send_and_leave(&appliance, &file, *wait);
        std::thread::sleep(Duration::from_millis(300));
        listed() != json!([])
    });
    let wait = arrived.next().expect("the model arrives");
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let trial = listed()[0]["trial"].clone();
        if trial["state"] == "passed" {
            break;
        }
        assert!(Instant::now() < deadline, "its sender left after {wait:?}: {trial:#}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Has the admin's jobs end, and gives those that embed.
fn embed_jobs(admin: &Client) -> Vec<Value> {
    let list = || admin.get("/api/v1/jobs").expect(200).json()["items"].clone();
    let jobs: Vec<Value> = list().as_array().unwrap().clone();
    let ids = jobs.iter().map(|job| job["id"].as_str().unwrap().to_owned());
    let ended: Vec<Value> = ids.map(|id| admin.wait_for_job(&id)).collect();
    ended.into_iter().filter(|job| job["kind"] == "embed").collect()
}

#[test]
fn models_that_find_texts_have_their_part_in_what_is_found() {
    let appliance = Appliance::started();
    appliance.tenant("alpha");
    let admin = appliance.person("alpha", Person::new("a@alpha.example", "admin"));
    for (title, fact) in [
        ("Pump note", "The coupling gap of P-7 is 3 mm."),
        ("Crane note", "The rope drum of the crane is greased every month."),
    ] {
        let note = fixtures::markdown(title, fact);
        let file = format!("{}.md", title.replace(' ', "-"));
        let (_, job) = admin.ingest(&file, &note, &[("classification", "INTERNAL")]);
        assert_eq!(job["state"], "done", "{job:#}");
    }
    for (purpose, name) in [(ModelPurpose::Embed, "finder"), (ModelPurpose::Rerank, "judge")] {
        let path = appliance.scratch().join(format!("{name}.gguf"));
        let options = TinyOptions { name: name.to_owned(), purpose, ..TinyOptions::default() };
        let model = TinyModel::new(TinyShape::encoder(), options).unwrap();
        model.write(File::create(&path).unwrap()).unwrap();
        let imported = appliance.json(&["model", "import", path.to_str().unwrap()]);
        let model = &imported["models"][0];
        assert_eq!(model["purpose"], purpose.as_str());
        let trial = &model["trial"];
        assert_eq!(trial["state"], "passed", "{imported:#}");
        assert!(trial["prompt_tokens_per_s"].as_f64().unwrap() > 0.0);
        assert!(trial.get("generation_tokens_per_s").is_none(), "{trial:#}");
    }
    let search = || {
        let query = json!({ "query": "coupling gap of the pump and the rope drum of the crane" });
        admin.post("/api/v1/search", &query).expect(200).json()
    };
    let before = search();
    assert!(before.get("embedder").is_none() && before.get("reranker").is_none(), "{before:#}");
    assert_eq!(
        appliance.json(&["model", "assign", "embed", "finder"])["items"][0]["name"],
        "finder"
    );
    appliance.json(&["model", "assign", "rerank", "judge"]);
    let jobs = embed_jobs(&admin);
    assert_eq!(jobs.len(), 1, "{jobs:#?}");
    assert_eq!(jobs[0]["state"], "done", "{jobs:#?}");
    let found = search();
    assert_eq!(found["embedder"], "finder", "{found:#}");
    assert_eq!(found["reranker"], "judge", "{found:#}");
    assert_eq!(
        found["passages"].as_array().unwrap().len(),
        before["passages"].as_array().unwrap().len()
    );
    // Answers are given and checked as before, and their receipts say who had a part.
    let question = json!({ "message": "What is the coupling gap of P-7?", "stream": false });
    let answer = admin.post("/api/v1/chat", &question).expect(200).json();
    assert!(answer["text"].as_str().unwrap().contains("3 mm"), "{answer:#}");
    assert_eq!(answer["receipt"]["embedder"], "finder");
    // A new document is found at once, and embedded by the model a moment later.
    let note = fixtures::markdown("Gate note", "The gate of hall 4 closes at 22:00.");
    admin.ingest("gate.md", &note, &[("classification", "INTERNAL")]);
    assert!(embed_jobs(&admin).iter().all(|job| job["state"] == "done"));
    assert_eq!(search()["embedder"], "finder");
    appliance.json(&["model", "assign", "embed"]);
    appliance.json(&["model", "assign", "rerank"]);
    assert!(embed_jobs(&admin).iter().all(|job| job["state"] == "done"));
    let after = search();
    assert!(after.get("embedder").is_none() && after.get("reranker").is_none(), "{after:#}");
    appliance.json(&["model", "rm", "finder"]);
    let verified = appliance.json(&["audit", "verify"]);
    assert!(verified["logs"].as_array().unwrap().iter().all(|log| log["sound"] == true));
}

#[test]
fn files_that_are_no_models_are_refused_by_name() {
    let appliance = Appliance::stopped();
    appliance.json(&["init", "--tenant", "alpha", "--admin", "a@alpha.example"]);
    let write = |name: &str, content: &[u8]| {
        let path = appliance.scratch().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let cases = [
        (write("a.gguf", b"PK not this"), "no GGUF file"),
        (write("b.gguf", b"GGUF\x03\0\0\0 cut off"), "model"),
        (write("c-00001-of-00002.gguf", b"GGUF"), "join them first"),
        (appliance.scratch().join("absent.gguf").display().to_string(), "absent.gguf"),
    ];
    for (file, says) in &cases {
        let refused = appliance.command(&["model", "import", file]);
        assert_ne!(refused.status.code(), Some(0));
        assert!(text(&refused.stderr).contains(says), "{file}: {}", text(&refused.stderr));
    }
    let left = std::fs::read_dir(appliance.data_dir().join("models/.incoming")).unwrap();
    assert_eq!(left.count(), 0);
    let listed = appliance.json(&["model", "list"]);
    assert_eq!(listed["items"], json!([]));
}

#[test]
fn a_directory_and_standard_input_bring_models_to_a_running_server() {
    let appliance = Appliance::started();
    appliance.tenant("alpha");
    let folder = appliance.scratch().join("stick");
    std::fs::create_dir(&folder).unwrap();
    for (i, name) in ["one", "two"].into_iter().enumerate() {
        let file = model_file(&appliance, name, 10 + i as u64);
        std::fs::rename(file, folder.join(format!("{name}.gguf"))).unwrap();
    }
    let imported = appliance.json(&["model", "import", folder.to_str().unwrap()]);
    let names: Vec<&str> = imported["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["one", "two"]);
    let file = model_file(&appliance, "three", 12);
    let piped = Command::new(crate::support::executable())
        .args(["model", "import", "-", "--name", "piped", "--json", "--data-dir"])
        .arg(appliance.data_dir())
        .stdin(File::open(&file).unwrap())
        .output()
        .unwrap();
    assert!(piped.status.success(), "{}", text(&piped.stderr));
    let piped: Value = serde_json::from_slice(&piped.stdout).unwrap();
    assert_eq!(piped["models"][0]["name"], "piped");
    let bench = appliance.json(&["model", "bench", "piped"]);
    assert_eq!(bench["trial"]["state"], "passed");
    appliance.json(&["model", "assign", "heavy", "two", "one"]);
    // From the next request on, without a restart.
    let client = appliance.person("alpha", Person::new("v@alpha.example", "viewer"));
    let ask = json!({ "model": "millwright-heavy", "max_tokens": 8,
        "messages": [{ "role": "user", "content": "Which pump?" }] });
    let given = client.post("/v1/chat/completions", &ask).expect(200).json();
    assert!(["one", "two"].contains(&given["model"].as_str().unwrap()), "{given:#}");
    assert!(given["usage"]["completion_tokens"].as_u64().unwrap() > 0);
    let metrics = appliance.client().get("/metrics").text();
    for name in ["llm_requests_total", "llm_request_duration_seconds", "llm_tokens_total"] {
        assert!(metrics.contains(name), "{name} is missing");
    }
    assert!(metrics.contains("token_budget_used_total"));
}

#[test]
fn the_openai_package_works_unchanged() {
    let Some(python) = std::env::var_os("TEST_OPENAI_PYTHON") else {
        println!("skipped: TEST_OPENAI_PYTHON names no Python with tests/contract/openai.txt");
        return;
    };
    let appliance = Appliance::started();
    appliance.tenant("alpha");
    import(&appliance, "tiny", 1);
    appliance.json(&["model", "assign", "light", "tiny"]);
    let admin = appliance.person("alpha", Person::new("a@alpha.example", "admin"));
    let note = fixtures::markdown("Pump note", "The coupling gap of P-7 is 3 mm.");
    let (_, job) = admin.ingest("note.md", &note, &[("classification", "INTERNAL")]);
    assert_eq!(job["state"], "done", "{job:#}");
    let key = json!({ "name": "openai", "scopes": ["chat.send"] });
    let key = admin.post("/api/v1/keys", &key).expect(201).json();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/contract/openai_client.py");
    let output = Command::new(python)
        .arg(script)
        .arg(format!("https://{}", appliance.address))
        .arg(appliance.data_dir().join("tls/ca.pem"))
        .arg("tiny")
        .env("MILLWRIGHT_KEY", key["secret"].as_str().unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}\n{}", text(&output.stderr), appliance.log());
}
