//! `millwright ingest`

use serde_json::json;

use super::Api;
use super::api::read_file;
use super::args::Ingest;
use super::error::CliError;
use super::output::{Out, note, progress};
use super::text::field;
use crate::demo::wait_for_job;

pub(crate) async fn run(api: &Api, args: &Ingest, out: Out) -> Result<(), CliError> {
    if args.key.is_some() && args.files.len() > 1 {
        return Err(CliError::Usage("--key names one document: give one file with it".into()));
    }
    let mut results = Vec::new();
    let mut failed = 0_usize;
    for path in &args.files {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("document");
        match one(api, args, path, name, out).await {
            Ok(uploaded) => results.push(uploaded),
            Err(error @ (CliError::Problem(_) | CliError::Failed(_) | CliError::File { .. })) => {
                progress("");
                note(&format!("{name}: {error}"));
                results.push(json!({ "file": name, "error": error.to_json()["error"] }));
                failed += 1;
            }
            Err(error) => return Err(error),
        }
    }
    out.value(&json!({ "files": results }));
    if failed == 0 {
        Ok(())
    } else {
        Err(CliError::Failed(format!("{failed} of {} files were not ingested", args.files.len())))
    }
}

async fn one(
    api: &Api,
    args: &Ingest,
    path: &std::path::Path,
    name: &str,
    out: Out,
) -> Result<serde_json::Value, CliError> {
    let content = read_file(path)?;
    let mut fields = vec![
        ("classification", args.classification.clone()),
        ("export_control", if args.export_control { "controlled" } else { "none" }.into()),
        ("tags", args.tag.join(",")),
    ];
    fields.extend(args.key.clone().map(|key| ("key", key)));
    fields.extend(args.language.clone().map(|language| ("language", language)));
    fields.extend(args.metadata.clone().map(|metadata| ("metadata", metadata)));
    fields.extend(args.effective_from.clone().map(|at| ("effective_from", at)));
    let uploaded = api.upload(name, content, &fields).await?;
    let job = field(&uploaded, "job_id");
    if args.no_wait {
        out.line(&format!("{name}: stored, job {job}"));
    } else {
        wait_for_job(api, &job, name).await?;
        progress("");
        out.line(&format!(
            "{name}: searchable as {} revision {}",
            field(&uploaded, "key"),
            field(&uploaded, "revision_number")
        ));
    }
    Ok(uploaded)
}
