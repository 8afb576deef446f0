//! `millwright eval`: golden questions through the answering path, with a table per half.

use std::collections::BTreeMap;

use agents::evaluation::{
    Counts, EvaluationReport, GoldenQuestion, Half, HalfReport, evaluate, golden_parse,
};
use agents::{Minds, Workbench};
use base::{TenantId, UserId};
use serde_json::{Value, json};
use store::StoreError;

use super::api::{Api, read_file};
use super::args::{Eval, Who};
use super::error::{CliError, Exit};
use super::output::{Out, note};
use super::told;
use crate::composition::{Appliance, chain};
use crate::config::Config;
use crate::demo;

/// People to ask as: by tenant, clearance and export eligibility.
type People = BTreeMap<(String, String, bool), (TenantId, UserId)>;

pub(crate) async fn run(mut config: Config, args: &Eval, out: Out) -> Result<(), CliError> {
    let text = match &args.golden {
        Some(path) => String::from_utf8_lossy(&read_file(path)?).into_owned(),
        None => demo::golden_questions()?,
    };
    let questions = golden_parse(&text).map_err(|e| CliError::Usage(chain(&e)))?;
    // The built-in questions belong to the sample plant, so they get one of their own; it is gone
    // afterwards. Other questions are about the documents of the data directory.
    let temporary = match args.golden {
        None => Some(temporary_dir(&mut config)?),
        Some(_) => None,
    };
    let appliance = Appliance::open(&config).await?;
    appliance.start_background();
    if temporary.is_some() {
        note("eval: preparing the sample plant in a temporary directory");
        demo::prepare(&appliance.console(), &config.data.dir).await?;
    }
    let result = measure(&appliance, &questions).await;
    appliance.shut_down().await;
    if let Some(dir) = temporary {
        let _ = std::fs::remove_dir_all(dir);
    }
    report(&result?, args, out)
}

fn temporary_dir(config: &mut Config) -> Result<std::path::PathBuf, CliError> {
    let dir = std::env::temp_dir().join(format!("millwright-eval-{}", std::process::id()));
    if dir.exists() {
        return Err(CliError::Failed(format!("{} is in the way; remove it", dir.display())));
    }
    config.data.dir.clone_from(&dir);
    config.data.key_file = std::path::PathBuf::new();
    Ok(dir)
}

async fn measure(
    appliance: &Appliance,
    questions: &[GoldenQuestion],
) -> Result<EvaluationReport, CliError> {
    let people = people(appliance, questions).await?;
    let store = &appliance.store;
    let bench = Workbench::new(Minds::none(), appliance.library.clone())
        .map_err(|error| CliError::Failed(chain(&error)))?;
    let report = evaluate(&bench, questions, async |question| {
        let rights = wanted_rights(question);
        let (tenant, user) = people.get(&rights).copied().ok_or(StoreError::Unauthenticated)?;
        let scope = appliance.console.scope(store, tenant, Some(user)).await?;
        Ok(store.enter(scope, store.new_request_id()?).await?)
    });
    report.await.map_err(|error| CliError::Failed(chain(&error)))
}

fn wanted_rights(question: &GoldenQuestion) -> (String, String, bool) {
    (question.tenant.clone(), question.clearance.to_string(), question.export_eligible)
}

/// Finds somebody with exactly the rights of each question.
async fn people(appliance: &Appliance, questions: &[GoldenQuestion]) -> Result<People, CliError> {
    let mut people = People::new();
    let api = Api::new(appliance.console(), Who::default());
    for question in questions {
        let wanted = wanted_rights(question);
        if people.contains_key(&wanted) {
            continue;
        }
        let (slug, clearance, eligible) = &wanted;
        let tenant = appliance.store.tenant_id_by_slug(slug).ok_or_else(|| {
            CliError::Usage(format!("{}: there is no tenant '{slug}'", question.id))
        })?;
        let api = api.with(Who { tenant: Some(slug.clone()), acting_as: None });
        let users = api.items("/api/v1/admin/users").await?;
        let fits = |user: &&Value| {
            user["clearance"].as_str() == Some(clearance)
                && user["export_eligible"].as_bool() == Some(*eligible)
                && user["status"].as_str() == Some("active")
        };
        let found = users.iter().find(fits).and_then(|user| user["id"].as_str()?.parse().ok());
        let user: UserId = found.ok_or_else(|| {
            CliError::Usage(format!(
                "{}: nobody in the tenant '{slug}' has the clearance {clearance} and export \
                 eligibility {eligible}; add such a person",
                question.id
            ))
        })?;
        people.insert(wanted, (tenant, user));
    }
    Ok(people)
}

fn report(report: &EvaluationReport, args: &Eval, out: Out) -> Result<(), CliError> {
    for half in &report.halves {
        let name = match half.half {
            Half::Tuning => "tuning half (fitted on)",
            Half::Reported => "reported half",
        };
        out.line(&format!("\n{name}"));
        out.table(
            &[
                "category",
                "answerable",
                "right",
                "page",
                "wrong",
                "missed",
                "no answer",
                "refused",
                "invented",
                "invalid",
                "above rights",
            ],
            &rows(half),
        );
    }
    if args.details {
        for outcome in &report.outcomes {
            let verdict = serde_json::to_value(outcome.verdict).unwrap_or(Value::Null);
            out.line(&format!(
                "{:<6} {:<12} {:<18} {:.3}",
                outcome.id,
                outcome.category,
                verdict.as_str().unwrap_or_default(),
                outcome.score
            ));
        }
    }
    let reached = report.halves.iter().filter(|half| half.half == Half::Reported).all(|half| {
        let all = &half.all;
        all.right_share() * 100.0 >= args.min_answered
            && all.refused_share() * 100.0 >= args.min_refused
            && all.quoted_invalid == 0
            && all.above_rights == 0
    });
    let figures = serde_json::to_value(report).unwrap_or(Value::Null);
    out.value(&json!({ "reached": reached, "report": figures }));
    if reached { Ok(()) } else { told(Exit::BelowGoals) }
}

fn rows(half: &HalfReport) -> Vec<Vec<String>> {
    let row = |name: &str, counts: &Counts| {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        vec![
            name.to_owned(),
            counts.answerable.to_string(),
            format!("{} ({})", counts.right, percent(counts.right_share())),
            counts.right_page.to_string(),
            counts.wrong.to_string(),
            counts.missed.to_string(),
            counts.unanswerable.to_string(),
            format!("{} ({})", counts.refused, percent(counts.refused_share())),
            counts.invented.to_string(),
            counts.quoted_invalid.to_string(),
            counts.above_rights.to_string(),
        ]
    };
    let mut rows: Vec<_> = half.categories.iter().map(|(name, counts)| row(name, counts)).collect();
    rows.push(row("all", &half.all));
    rows
}
