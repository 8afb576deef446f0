//! `kill -9` in the middle of ingestion: the job goes on and ends as if nothing had happened.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Appliance, Client, Person, fixtures};

const FILE: &str = "rauental/mm-ps1-001-maintenance-manual.pdf";

fn appliance() -> (Appliance, Client) {
    let appliance = Appliance::started();
    appliance.tenant("alpha");
    let admin = appliance.person("alpha", Person::new("a@alpha.example", "admin"));
    (appliance, admin)
}

/// What the documents say and where, without ids and times.
fn chunks(appliance: &Appliance) -> Vec<String> {
    let queries = ["P-101", "tightening torque", "bearing grease", "vibration", "seal", "motor"];
    let mut found = Vec::new();
    for query in queries {
        let results = appliance.json(&["search", query, "--tenant", "alpha", "--limit", "50"]);
        for passage in results["passages"].as_array().unwrap() {
            found.push(format!(
                "{query}|{}|{}|{}",
                passage["page_first"], passage["page_last"], passage["text"]
            ));
        }
    }
    found.sort();
    found
}

fn chunk_count(client: &Client, document: &Value) -> u64 {
    let id = document.as_str().unwrap();
    let details = client.get(&format!("/api/v1/documents/{id}")).expect(200).json();
    details["chunk_count"].as_u64().unwrap()
}

#[test]
fn a_killed_ingestion_ends_with_the_same_chunks_as_an_undisturbed_one() {
    let content = fixtures::plant_file(FILE);
    let (undisturbed, admin) = appliance();
    let (uploaded, job) = admin.ingest("manual.pdf", &content, &[("key", "MM")]);
    assert_eq!(job["state"], "done", "{job:#}");
    let expected = chunks(&undisturbed);
    let expected_count = chunk_count(&admin, &uploaded["document_id"]);
    assert!(expected_count > 10 && !expected.is_empty());

    for delay_ms in [30, 250, 700, 1500] {
        let (mut killed, admin) = appliance();
        let uploaded = admin.upload("manual.pdf", &content, &[("key", "MM")]).expect(202).json();
        std::thread::sleep(Duration::from_millis(delay_ms));
        killed.kill();
        killed.start();
        // Tokens outlive the restart; the port does not.
        let token = relogin(&killed);
        let job = token.wait_for_job(uploaded["job_id"].as_str().unwrap());
        assert_eq!(job["state"], "done", "killed after {delay_ms} ms: {job:#}");
        assert_eq!(chunk_count(&token, &uploaded["document_id"]), expected_count);
        assert_eq!(chunks(&killed), expected, "killed after {delay_ms} ms");
        let report = killed.json(&["audit", "verify"]);
        let logs = report["logs"].as_array().unwrap();
        assert!(logs.len() == 2 && logs.iter().all(|log| log["sound"] == true), "{report:#}");
    }
}

fn relogin(appliance: &Appliance) -> Client {
    let mut client = appliance.client();
    let login = serde_json::json!({
        "tenant": "alpha", "email": "a@alpha.example",
        "password": crate::support::PASSWORD, "token": true,
    });
    let token = client.post("/api/v1/auth/login", &login).expect(200).json();
    client.use_token(token["access_token"].as_str().unwrap());
    client
}
