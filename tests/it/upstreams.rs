//! A model on another machine as a member of tiers. The other machine is an appliance too, with a real
//! model of random weights behind its OpenAI-compatible API.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::models::import_long;
use crate::support::{Appliance, Client, Person, fixtures};

const QUESTION: &str = "What is the coupling gap of P-7?";

/// An appliance with a model, and a key for it.
fn neighbour() -> (Appliance, String, Client) {
    let appliance = Appliance::started();
    appliance.tenant("beta");
    import_long(&appliance, "cogwheel");
    appliance.json(&["model", "assign", "light", "cogwheel"]);
    let admin = appliance.person("beta", Person::new("b@beta.example", "admin"));
    let key = json!({ "name": "upstream", "scopes": ["chat.send"], "requests_per_minute": 600 });
    let key = admin.post("/api/v1/keys", &key).expect(201).json();
    (appliance, key["secret"].as_str().unwrap().to_owned(), admin)
}

/// The configuration of who sends its prompts there.
fn configuration(here: &Appliance, there: &Appliance, key: &str, model: &str) -> PathBuf {
    let key_file = here.scratch().join("upstream.key");
    std::fs::write(&key_file, key).unwrap();
    std::fs::set_permissions(&key_file, PermissionsExt::from_mode(0o600)).unwrap();
    let file = here.scratch().join("millwright.toml");
    let text = format!(
        "[[upstream]]\nname = 'neighbour'\nurl = 'https://{}/v1'\nmodel = '{model}'\n\
         tiers = ['light', 'standard']\ncontext_tokens = 32768\nca_file = '{}'\napi_key_file = '{}'\n",
        there.address,
        there.data_dir().join("tls/ca.pem").display(),
        key_file.display(),
    );
    std::fs::write(&file, text).unwrap();
    file
}

fn upstream(appliance: &Appliance) -> Value {
    appliance.json(&["model", "list"])["upstreams"][0].clone()
}

fn until_state(appliance: &Appliance, state: &str) -> Value {
    let started = Instant::now();
    loop {
        let upstream = upstream(appliance);
        if upstream["state"] == state {
            return upstream;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{upstream:#}\n{}", appliance.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_model_of_another_machine_writes_and_quotes_come_without_it() {
    let (mut there, key, neighbour) = neighbour();
    let mut here = Appliance::stopped();
    let file = configuration(&here, &there, &key, "cogwheel");
    here.start_with(&[("MILLWRIGHT_CONFIG", file.to_str().unwrap())]);
    here.tenant("alpha");
    let found = until_state(&here, "answers");
    assert_eq!((&found["name"], &found["model"]), (&json!("neighbour"), &json!("cogwheel")));
    assert_eq!(found["tiers"], json!(["light", "standard"]));

    // The same words as when the neighbour is asked itself: at once and as they come.
    let admin = here.person("alpha", Person::new("a@alpha.example", "admin"));
    let ask = |model: &str, stream: bool| {
        json!({ "model": model, "max_tokens": 24, "temperature": 0, "seed": 7, "stream": stream,
            "messages": [{ "role": "user", "content": "Which pump feeds line 3?" }] })
    };
    let content = |answer: &Value| answer["choices"][0]["message"]["content"].clone();
    let own = neighbour.post("/v1/chat/completions", &ask("cogwheel", false)).expect(200).json();
    let given = admin.post("/v1/chat/completions", &ask("neighbour", false)).expect(200).json();
    assert_eq!(content(&given), content(&own), "{given:#}");
    assert!(!content(&given).as_str().unwrap().is_empty());
    assert_eq!(given["usage"]["completion_tokens"], own["usage"]["completion_tokens"]);
    let streamed = admin.post("/v1/chat/completions", &ask("neighbour", true)).expect(200).text();
    let words: String = streamed
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(json!(words), content(&own));
    // A shape is held to there, and checked here.
    let mut shaped = ask("neighbour", false);
    shaped["max_tokens"] = json!(200);
    shaped["response_format"] = json!({ "type": "json_schema", "json_schema": { "name": "n",
        "strict": true, "schema": { "type": "object", "properties": { "n": { "enum": [1, 2] } },
        "required": ["n"], "additionalProperties": false } } });
    let shaped = admin.post("/v1/chat/completions", &shaped).expect(200).json();
    let parsed: Value = serde_json::from_str(content(&shaped).as_str().unwrap()).unwrap();
    assert!(parsed["n"].is_u64(), "{parsed}");

    // What noise it writes for an answer is struck, and the quote answers.
    let note = fixtures::markdown("Pump note", "The coupling gap of P-7 is 3 mm.");
    let (_, job) = admin.ingest("note.md", &note, &[("classification", "INTERNAL")]);
    assert_eq!(job["state"], "done", "{job:#}");
    let answer = || admin.post("/api/v1/chat", &json!({ "message": QUESTION })).expect(200).json();
    let quoted = answer();
    assert!(quoted.to_string().contains("3 mm"), "{quoted:#}");

    // Every call stands in the log, and nothing of what was said in it.
    let calls =
        here.json(&["audit", "show", "--appliance", "--action", "egress.", "--limit", "200"]);
    let calls = calls["items"].as_array().unwrap();
    assert!(calls.len() >= 5, "{calls:#?}");
    assert!(calls.iter().any(|call| call["action"] == "egress.opened"), "{calls:#?}");
    for call in calls {
        assert_eq!(call["object"]["id"], "upstream.neighbour", "{call:#}");
        assert!(!call.to_string().contains("pump"), "{call:#}");
    }

    // When it is gone, answers still come, and health says what is missing.
    there.kill();
    let still = answer();
    assert!(still.to_string().contains("3 mm"), "{still:#}");
    let down = until_state(&here, "down");
    assert!(down["detail"].as_str().unwrap().contains("connect_failed"), "{down:#}");
    let health = here.client().get("/health/ready").json();
    let parts = health["parts"].as_array().unwrap();
    let part = parts.iter().find(|part| part["name"] == "language_models").unwrap();
    assert_eq!(part["state"], "degraded", "{part:#}");
    assert!(part["detail"].as_str().unwrap().starts_with("neighbour does not answer"), "{part:#}");
}

#[test]
fn a_wrong_key_and_a_wrong_name_are_told() {
    let (there, key, _) = neighbour();
    for (key, model, said) in [
        ("mw_wrong", "cogwheel", "key"),
        (key.as_str(), "no-such-model", "does not know the model"),
    ] {
        let mut here = Appliance::stopped();
        let file = configuration(&here, &there, key, model);
        here.start_with(&[("MILLWRIGHT_CONFIG", file.to_str().unwrap())]);
        let down = until_state(&here, "down");
        assert!(down["detail"].as_str().unwrap().contains(said), "{down:#}");
    }
}
