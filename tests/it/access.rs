//! API keys and groups, from the command line to the wire.

use serde_json::json;

use crate::support::{Appliance, Client, Person};

fn with_key(appliance: &Appliance, secret: &str) -> Client {
    let mut client = appliance.client();
    client.use_token(secret);
    client
}

#[test]
fn keys_and_groups_are_kept_at_the_console_and_count_on_the_wire() {
    let mut appliance = Appliance::started();
    appliance.tenant("alpha");
    let anna = "anna@alpha.example";
    let client = appliance.person("alpha", Person::new(anna, "viewer"));
    let key = |args: &[&str]| {
        let mut all = vec!["api-key"];
        all.extend(args);
        all.extend(["--as", anna]);
        appliance.json(&all)
    };
    let scopes = ["--scope", "documents.read", "--scope", "jobs.read"];
    let beyond = [&["api-key", "create", "bridge", "--as", anna], &scopes[..]].concat();
    let output = appliance.command(&beyond);
    assert_eq!(output.status.code(), Some(1), "jobs.read is no viewer's: {output:?}");

    // A group gives what the role lacks; then the key may have it.
    appliance.json(&["group", "create", "Watchers", "--permission", "jobs.read"]);
    appliance.json(&["group", "add", "Watchers", anna]);
    let members = appliance.json(&["group", "members", "watchers"]);
    assert_eq!(members["items"][0]["email"], anna);
    client.get("/api/v1/jobs").expect(200);
    let made = key(&[&["create", "bridge", "--days", "30"], &scopes[..]].concat());
    let (id, first) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let bridge = with_key(&appliance, first);
    bridge.get("/api/v1/documents").expect(200);
    bridge.get("/api/v1/jobs").expect(200);
    bridge.post("/api/v1/chat", &json!({ "message": "x", "stream": false })).expect(403);

    // What the group no longer gives, the key no longer may.
    appliance.json(&["group", "change", "Watchers", "--no-permissions"]);
    bridge.get("/api/v1/jobs").expect(403);
    bridge.get("/api/v1/documents").expect(200);
    appliance.json(&["group", "change", "Watchers", "--permission", "jobs.read"]);

    let rotated = key(&["rotate", id, "--overlap-hours", "1"]);
    let second = rotated["secret"].as_str().unwrap().to_owned();
    for secret in [first, &second] {
        with_key(&appliance, secret).get("/api/v1/documents").expect(200);
    }
    let listed = key(&["list"]);
    assert_eq!(listed["items"][0]["secrets"].as_array().unwrap().len(), 2, "{listed:#}");
    assert!(!listed.to_string().contains(&second));

    // After a restart with a narrower ceiling nobody may read jobs, by group or role.
    appliance.stop();
    let ceiling = ("MILLWRIGHT_POLICY_WITHHELD_PERMISSIONS", "['jobs.read']");
    appliance.start_with(&[ceiling]);
    let bridge = with_key(&appliance, &second);
    bridge.get("/api/v1/documents").expect(200);
    bridge.get("/api/v1/jobs").expect(403);
    appliance.json(&["group", "take", "Watchers", anna]);
    appliance.json(&["group", "remove", "Watchers"]);
    appliance.json(&["api-key", "revoke", id, "--as", anna]);
    bridge.get("/api/v1/documents").expect(401);
}
