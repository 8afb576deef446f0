//! Files made to hurt their reader, through the front door: the server goes on as if nothing was.

#[path = "../../src/parse/tests/abuse/hostile.rs"]
mod files;

use std::collections::BTreeMap;

use crate::support::{Appliance, Person, fixtures};

/// Largest file that is sent.
const SENT_MAX_BYTES: usize = 3 * 1024 * 1024;

/// Tricks that end in much text: reading them is tested with the worker, embedding them takes minutes.
const MUCH_TEXT: [&str; 8] = [
    "_huge",
    "_long",
    "_without_end",
    "_wide",
    "_spread",
    "_million_times",
    "_deep",
    "large_together",
];

#[test]
fn hostile_uploads_are_refused_on_their_documents_and_the_server_goes_on() {
    let mut appliance = Appliance::started();
    let process = appliance.process_id();
    appliance.tenant("alpha");
    let operator = appliance.person("alpha", Person::new("op@alpha.example", "operator"));
    let mut files = files::soon_made();
    files.retain(|file| {
        let is_document = file.name.starts_with("pdf_") || file.name.starts_with("docx_");
        let is_much = MUCH_TEXT.iter().any(|word| file.name.contains(word));
        is_document && !is_much && file.bytes.len() <= SENT_MAX_BYTES
    });
    let mut jobs = Vec::new();
    for file in &files {
        let extension = file.name.split('_').next().unwrap();
        // Names that climb, too.
        let name = format!("..%2f..%2f{}.{extension}", file.name);
        let uploaded =
            operator.upload(&name, &file.bytes, &[("key", file.name)]).expect(202).json();
        jobs.push((file, uploaded["job_id"].as_str().unwrap().to_owned()));
    }
    let (mut counts, mut faults) = (BTreeMap::<String, usize>::new(), Vec::new());
    for (file, job) in jobs {
        let job = operator.wait_for_job(&job);
        let code = job["error"]["code"].as_str().unwrap_or("read").to_owned();
        let is_told =
            job["state"] == "done" || job["error"]["detail"].as_str().is_some_and(|r| r.len() > 20);
        if !is_told || code == "crashed" || file.refused.is_some_and(|wanted| code != wanted) {
            faults.push(format!("{}: {job:#}", file.name));
        }
        *counts.entry(code).or_default() += 1;
    }
    println!("hostile uploads: {} files: {counts:?}", files.len());
    assert!(files.len() >= 50, "only {} were sent", files.len());
    assert!(faults.is_empty(), "{faults:#?}");
    // The same process, with nothing in its memory or on its disk that hinders the next document.
    assert_eq!(appliance.process_id(), process);
    let note = fixtures::markdown("Flange", "The flange is tightened with 47 Nm.");
    let (_, job) = operator.ingest("flange.md", &note, &[]);
    assert_eq!(job["state"], "done", "{job:#}");
    let metrics = appliance.client().get("/metrics").expect(200).text();
    let failed = metrics.lines().filter(|line| line.starts_with("http_requests_total"));
    let failed: Vec<&str> = failed.filter(|line| line.contains("status=\"5")).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert!(!std::path::Path::new("/etc/cron.d/millwright").exists());
    appliance.stop();
}
