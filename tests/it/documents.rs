//! Documents through the API: formats, revisions, rights, and files that can't be read.

use serde_json::{Value, json};

use crate::support::{Appliance, Client, Person, fixtures};

fn appliance() -> (Appliance, Client) {
    let appliance = Appliance::started();
    appliance.tenant("alpha");
    let admin = appliance.person("alpha", Person::new("a@alpha.example", "admin"));
    (appliance, admin)
}

fn ask(client: &Client, question: &str) -> Value {
    client.post("/api/v1/chat", &json!({ "message": question, "stream": false })).expect(200).json()
}

#[test]
fn only_the_valid_revision_answers() {
    let (_appliance, admin) = appliance();
    let key = [("key", "SOP-1")];
    let first = fixtures::markdown("Lock-out", "The lock-out waiting time of U-9 is 5 minutes.");
    let second = fixtures::markdown("Lock-out", "The lock-out waiting time of U-9 is 12 minutes.");
    let (old, _) = admin.ingest("sop.md", &first, &key);
    let before = ask(&admin, "What is the lock-out waiting time of U-9?");
    assert!(before["text"].as_str().unwrap().contains("5 minutes"), "{before:#}");
    let (new, _) = admin.ingest("sop.md", &second, &key);
    assert_eq!(
        (new["revision_number"].as_u64(), &new["document_id"]),
        (Some(2), &old["document_id"])
    );
    let after = ask(&admin, "What is the lock-out waiting time of U-9?");
    let text = after["text"].as_str().unwrap();
    assert!(text.contains("12 minutes") && !text.contains("5 minutes"), "{after:#}");
    // The answer that cited the superseded revision can be found.
    let (document, revision) = (old["document_id"].as_str(), old["revision_id"].as_str());
    let target = format!(
        "/api/v1/documents/{}/revisions/{}/citations",
        document.unwrap(),
        revision.unwrap()
    );
    let citing = admin.get(&target).expect(200).json();
    assert_eq!(citing["items"].as_array().unwrap().len(), 1, "{citing:#}");
    // Withdrawn: no fallback to the older one.
    let target = format!(
        "/api/v1/documents/{}/revisions/{}/withdraw",
        document.unwrap(),
        new["revision_id"].as_str().unwrap()
    );
    assert!(admin.post(&target, &json!({ "reason": "wrong" })).status < 300);
    let withdrawn = ask(&admin, "What is the lock-out waiting time of U-9?");
    assert_eq!(withdrawn["refusal"], "not_in_documents", "{withdrawn:#}");
    // The same bytes again are a duplicate, not a revision.
    admin.upload("sop.md", &second, &key).expect(409);
}

#[test]
fn text_above_the_clearance_or_under_export_control_is_not_there() {
    let (appliance, admin) = appliance();
    let boss = appliance
        .person("alpha", Person::new("boss@alpha.example", "admin").clearance("RESTRICTED"));
    let secret = fixtures::markdown("Safe", "The vault combination wheel of X-5 has 40 marks.");
    let fields = [("classification", "RESTRICTED"), ("key", "VAULT")];
    let (uploaded, job) = boss.ingest("safe.md", &secret, &fields);
    assert_eq!(job["state"], "done");
    let question = "How many marks has the vault combination wheel of X-5?";
    assert!(ask(&boss, question)["text"].as_str().unwrap().contains("40 marks"));
    let refused = ask(&admin, question);
    assert_eq!(refused["refusal"], "not_in_documents");
    assert!(!refused.to_string().contains("vault combination wheel of X-5 has"), "{refused:#}");
    let id = uploaded["document_id"].as_str().unwrap();
    admin.get(&format!("/api/v1/documents/{id}")).expect(404);
    let listed = admin.get("/api/v1/documents").expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 0);
    // Export control: clearance alone is not enough.
    let note = fixtures::markdown("Converter", "The converter HF-1 reaches 900 Hz at the output.");
    let fields = [("export_control", "controlled")];
    assert!(boss.upload("hf.md", &note, &fields).status >= 400, "an ineligible uploader");
}

#[test]
fn files_that_cannot_be_read_leave_a_clear_error_on_the_document() {
    let (_appliance, admin) = appliance();
    let pdf = fixtures::plant_file("rauental/sop-loto-004-rev2.pdf");
    let cases: [(&str, Vec<u8>, &[&str]); 4] = [
        ("half.pdf", pdf[..pdf.len() / 3].to_vec(), &["damaged", "done"]),
        (
            "noise.pdf",
            (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect(),
            &["unsupported_format"],
        ),
        ("fake.docx", b"PK\x03\x04 not a zip at all".to_vec(), &["damaged", "unsupported_format"]),
        ("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), &["unsupported_format"]),
    ];
    for (name, content, codes) in cases {
        let (_, job) = admin.ingest(name, &content, &[]);
        let code = job["error"]["code"].as_str().or(job["state"].as_str()).unwrap().to_owned();
        assert!(codes.contains(&code.as_str()), "{name}: {job:#}");
    }
    admin.upload("empty.txt", b"", &[]).expect(422);
    admin.get("/health/ready").expect(200);
}

#[test]
fn bad_upload_fields_are_named() {
    let (_appliance, admin) = appliance();
    let cases = [
        (("classification", "SECRET"), "classification"),
        (("metadata", "[1,2]"), "metadata"),
        (("metadata", "{not json"), "metadata"),
        (("effective_from", "yesterday"), "effective_from"),
        (("export_control", "maybe"), "export_control"),
    ];
    for (field, named) in cases {
        let answer = admin.upload("note.md", b"# Note\n\ntext", &[field]);
        assert!(matches!(answer.status, 400 | 422), "{field:?}: {}", answer.text());
        assert_eq!(answer.json()["errors"][0]["field"], named, "{field:?}: {}", answer.text());
    }
    let documents = admin.get("/api/v1/documents").expect(200).json();
    assert_eq!(documents["items"].as_array().unwrap().len(), 0, "something was half stored");
}

#[test]
fn a_streamed_answer_has_its_events_in_order_and_ends_with_done() {
    let (_appliance, admin) = appliance();
    let note = fixtures::markdown("Pump note", "The coupling gap of P-7 is 3 mm.");
    admin.ingest("note.md", &note, &[]);
    let body = json!({ "message": "What is the coupling gap of P-7?", "stream": true });
    let answer = admin.post("/api/v1/chat", &body).expect(200);
    let kind = answer.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    let text = answer.text();
    let events: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    for name in ["status", "citation", "token", "receipt", "done"] {
        assert!(events.contains(&name), "{name} is missing in {events:?}");
    }
    assert_eq!(events.last(), Some(&"done"), "{events:?}");
    let ids = text.lines().filter(|line| line.starts_with("id: ")).count();
    assert_eq!(ids, events.len(), "every event has an id");
    assert!(text.contains("3 mm"));
}
