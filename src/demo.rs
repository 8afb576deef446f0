//! The demo plant: two tenants with people and documents, prepared once through the same API that
//! everybody uses.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use http::console::Console;
use rust_embed::RustEmbed;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cli::{Api, CliError, Who, encode, note, progress};

#[derive(RustEmbed)]
#[folder = "assets/sample-plant/"]
#[include = "plant.json"]
#[include = "golden.jsonl"]
#[include = "documents/*"]
struct SamplePlant;

/// Says that the demo is complete; what a kill left half done is finished at the next start.
const COMPLETE_FILE: &str = "demo-complete";

/// How long one document may take to become searchable.
const INGEST_TIMEOUT: Duration = Duration::from_secs(300);

#[derive(Deserialize)]
struct Plant {
    tenants: Vec<PlantTenant>,
}

#[derive(Deserialize)]
struct PlantTenant {
    slug: String,
    name: String,
    users: Vec<PlantUser>,
    documents: Vec<PlantDocument>,
}

#[derive(Deserialize)]
struct PlantUser {
    email: String,
    display_name: String,
    role: String,
    clearance: String,
    export_eligible: bool,
    language: String,
}

#[derive(Deserialize)]
struct PlantDocument {
    file: String,
    key: String,
    title: String,
    classification: String,
    export_control: bool,
    language: String,
    tags: Vec<String>,
    metadata: Map<String, Value>,
    effective_from: Option<String>,
    effective_to: Option<String>,
    status: String,
}

/// The golden questions of the sample plant, as JSON Lines.
pub(crate) fn golden_questions() -> Result<String, CliError> {
    let file = SamplePlant::get("golden.jsonl");
    let file = file.ok_or_else(|| CliError::Failed("golden.jsonl is not built in".into()))?;
    Ok(String::from_utf8_lossy(&file.data).into_owned())
}

/// Prepares the demo unless that is done; returns what to print once (one-time passwords).
pub(crate) async fn prepare(
    console: &Console,
    data_dir: &Path,
) -> Result<Option<String>, CliError> {
    let done = data_dir.join(COMPLETE_FILE);
    if done.exists() {
        return Ok(None);
    }
    let file = SamplePlant::get("plant.json")
        .ok_or_else(|| CliError::Failed("plant.json is not built in".into()))?;
    let plant: Plant = serde_json::from_slice(&file.data)
        .map_err(|e| CliError::Failed(format!("plant.json: {e}")))?;
    let started = Instant::now();
    let mut passwords = String::new();
    for tenant in &plant.tenants {
        prepare_tenant(console, tenant, &mut passwords).await?;
    }
    seal::write_atomically(&done, b"")
        .map_err(|source| CliError::File { what: done.display().to_string(), source })?;
    note(&format!("demo: ready after {} s", started.elapsed().as_secs()));
    Ok(Some(passwords))
}

async fn prepare_tenant(
    console: &Console,
    tenant: &PlantTenant,
    passwords: &mut String,
) -> Result<(), CliError> {
    let appliance = Api::new(console.clone(), Who::default());
    let new = json!({ "slug": tenant.slug, "name": tenant.name });
    unless_there(appliance.post("/api/v1/appliance/tenants", &new).await)?;
    let api = appliance.with(Who { tenant: Some(tenant.slug.clone()), acting_as: None });
    for user in &tenant.users {
        let created = api
            .post(
                "/api/v1/admin/users",
                &json!({
                    "email": user.email, "display_name": user.display_name, "role": user.role,
                    "clearance": user.clearance, "export_eligible": user.export_eligible,
                    "language": user.language,
                }),
            )
            .await;
        if let Some(created) = unless_there(created)? {
            let password = created["one_time_password"].as_str().unwrap_or_default();
            let _ = writeln!(
                passwords,
                "  {:<10} {:<34} {:<9} {:<13} {password}",
                tenant.slug, user.email, user.role, user.clearance
            );
        }
    }
    for (index, document) in tenant.documents.iter().enumerate() {
        progress(&format!(
            "demo: {} {}/{} {}",
            tenant.slug,
            index + 1,
            tenant.documents.len(),
            document.title
        ));
        ingest(&api, document).await?;
    }
    progress("");
    note(&format!("demo: {} has {} files", tenant.name, tenant.documents.len()));
    Ok(())
}

async fn ingest(api: &Api, document: &PlantDocument) -> Result<(), CliError> {
    let file = SamplePlant::get(&document.file)
        .ok_or_else(|| CliError::Failed(format!("{} is not built in", document.file)))?;
    let name = document.file.rsplit('/').next().unwrap_or(&document.file);
    let mut fields = vec![
        ("key", document.key.clone()),
        ("title", document.title.clone()),
        ("classification", document.classification.clone()),
        ("export_control", if document.export_control { "controlled" } else { "none" }.into()),
        ("language", document.language.clone()),
        ("tags", document.tags.join(",")),
        ("metadata", Value::Object(document.metadata.clone()).to_string()),
    ];
    fields.extend(document.effective_from.clone().map(|at| ("effective_from", at)));
    fields.extend(document.effective_to.clone().map(|at| ("effective_to", at)));
    let uploaded = api.upload(name, file.data.into_owned(), &fields).await;
    let Some(uploaded) = unless_there(uploaded)? else { return Ok(()) };
    wait_for_job(api, uploaded["job_id"].as_str().unwrap_or_default(), &document.file).await?;
    if document.status == "withdrawn" {
        let target = format!(
            "/api/v1/documents/{}/revisions/{}/withdraw",
            uploaded["document_id"].as_str().unwrap_or_default(),
            uploaded["revision_id"].as_str().unwrap_or_default()
        );
        api.post(&target, &json!({ "reason": "replaced by the next revision" })).await?;
    }
    Ok(())
}

/// Waits until a job has ended, and fails as it failed.
pub(crate) async fn wait_for_job(api: &Api, id: &str, what: &str) -> Result<(), CliError> {
    let target = format!("/api/v1/jobs/{}", encode(id));
    let started = Instant::now();
    let mut pause = Duration::from_millis(20);
    loop {
        let job = api.get(&target).await?;
        match job["state"].as_str() {
            Some("done") => return Ok(()),
            Some("failed" | "cancelled") => {
                let reason = job["error"]["detail"].as_str().unwrap_or("it was cancelled");
                return Err(CliError::Failed(format!("{what}: {reason}")));
            }
            _ if started.elapsed() > INGEST_TIMEOUT => {
                return Err(CliError::Failed(format!("{what}: still not searchable; see the log")));
            }
            _ => {}
        }
        if let (Some(done), Some(total)) =
            (job["progress"]["done"].as_u64(), job["progress"]["total"].as_u64())
        {
            progress(&format!("{what}: {done} of {total}"));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

/// What exists already is as good as made.
fn unless_there(result: Result<Value, CliError>) -> Result<Option<Value>, CliError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(CliError::Problem(problem)) if problem.status == 409 => Ok(None),
        Err(error) => Err(error),
    }
}
