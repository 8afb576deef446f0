//! Isolation at rest: nothing that people wrote or uploaded stands readable on the disk.

use std::path::Path;

use serde_json::json;

use crate::support::{Appliance, Person, fixtures};

/// Stands in the document, the question, the file name, the title, a tag and a person's name.
const MARKER: &str = "Zirkonhalbschale";

#[test]
fn no_plaintext_stands_on_the_disk_after_ingestion_questions_and_a_crash() {
    let mut appliance = Appliance::started();
    appliance.tenant("alpha");
    let email = format!("{MARKER}@alpha.example");
    let admin = appliance.person("alpha", Person::new(&email, "admin"));
    let fact = format!("The {MARKER} of P-3 is tightened with 47 N·m.");
    let note = fixtures::markdown(&format!("{MARKER} manual"), &fact);
    let (_, job) = admin.ingest(
        &format!("{MARKER}.md"),
        &note,
        &[("tags", MARKER), ("metadata", &json!({ "part": MARKER }).to_string())],
    );
    assert_eq!(job["state"], "done", "{job:#}");
    let question = json!({ "message": format!("How is the {MARKER} tightened?"), "stream": false });
    let answer = admin.post("/api/v1/chat", &question).expect(200).json();
    assert!(answer["text"].as_str().unwrap().contains("47 N·m"), "{answer:#}");
    admin.post("/api/v1/search", &json!({ "query": MARKER })).expect(200);
    // While it runs, with write-ahead log and shared memory in use, and after a kill.
    let checked = assert_absent(&appliance.data_dir());
    appliance.kill();
    let after_kill = assert_absent(&appliance.data_dir());
    assert!(checked > 20_000 && after_kill > 20_000, "only {checked} and {after_kill} bytes seen");
    assert!(!appliance.log().contains(MARKER), "content stands in the log: {}", appliance.log());
    // It was there all the time: the next start still finds it.
    appliance.start();
    let found = appliance.json(&["search", MARKER, "--tenant", "alpha"]);
    assert!(found.to_string().contains(MARKER));
}

/// Fails when a file below `dir` holds the marker in any encoding that is likely; returns the
/// number of bytes looked at.
fn assert_absent(dir: &Path) -> u64 {
    let utf16: Vec<u8> = MARKER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let lower = MARKER.to_lowercase();
    let stem = &lower.as_bytes()[..12];
    let mut bytes_seen = 0;
    let mut waiting = vec![dir.to_path_buf()];
    while let Some(at) = waiting.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            assert!(!path.to_string_lossy().contains(MARKER), "in a name: {}", path.display());
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            // A socket, or a file that went away meanwhile, has nothing to read.
            let Ok(content) = std::fs::read(&path) else { continue };
            let lowered = content.to_ascii_lowercase();
            for needle in [lower.as_bytes(), stem, &utf16] {
                let found = lowered.windows(needle.len()).any(|window| window == needle);
                assert!(!found, "plaintext in {}", path.display());
            }
            bytes_seen += content.len() as u64;
        }
    }
    bytes_seen
}
