//! Runs the golden questions over the sample plant with the real workers, in a directory of its
//! own: for tuning quote mode and for looking at single questions.
//!
//! ```text
//! golden PLANT_DIR DATA_DIR PARSE_WORKER MODEL_WORKER features   > features.jsonl
//! golden PLANT_DIR DATA_DIR PARSE_WORKER MODEL_WORKER evaluate   > report.json
//! ```
//!
//! `features` writes what was measured of every candidate of the tuning half and of
//! `tuning.jsonl`, for `models/quote-mode/fit.py`; it never looks at the other half. The plant is ingested into
//! DATA_DIR once.

mod plant;

use std::io::Write as _;
use std::path::Path;

use agents::evaluation::{EvaluationReport, Half, candidate_features, evaluate, golden_parse};

use plant::Plant;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [plant_dir, data_dir, parse_worker, model_worker, mode] = arguments.as_slice() else {
        return Err("golden PLANT_DIR DATA_DIR PARSE_WORKER MODEL_WORKER features|evaluate".into());
    };
    let plant_dir = Path::new(plant_dir);
    // Workers start in the root directory.
    let (parse_worker, model_worker) =
        (std::path::absolute(parse_worker)?, std::path::absolute(model_worker)?);
    let plant = Plant::open(Path::new(data_dir), &parse_worker, &model_worker)?;
    plant.ingest(plant_dir).await?;
    let questions = golden_parse(&std::fs::read_to_string(plant_dir.join("golden.jsonl"))?)?;
    match mode.as_str() {
        "features" => {
            let further = plant_dir.join("tuning.jsonl");
            // A plant that is only tuned on has all of its questions in golden.jsonl.
            let further = match further.exists() {
                true => golden_parse(&std::fs::read_to_string(further)?)?,
                false => Vec::new(),
            };
            let questions = questions.into_iter().chain(further);
            let mut out = std::io::stdout().lock();
            for question in questions.filter(|q| q.half == Half::Tuning) {
                let ctx = plant.ctx_for(&question).await?;
                let found = candidate_features(&plant.library, &question, &ctx).await?;
                writeln!(out, "{}", serde_json::to_string(&found)?)?;
            }
        }
        "evaluate" => {
            let report =
                evaluate(&plant.bench, &questions, async |question| plant.ctx_for(question).await)
                    .await?;
            let mut out = std::io::stdout().lock();
            writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
            summarise(&report)?;
        }
        other => return Err(format!("{other} is neither features nor evaluate").into()),
    }
    Ok(())
}

/// The figures on standard error, beside the report.
fn summarise(report: &EvaluationReport) -> Outcome<()> {
    let mut out = std::io::stderr().lock();
    for half in &report.halves {
        let all = &half.all;
        writeln!(
            out,
            "{:?}: {}/{} right ({} on the page), {} wrong, {} missed; {}/{} refused, {} invented; \
             {} invalid, {} above rights",
            half.half,
            all.right,
            all.answerable,
            all.right_page,
            all.wrong,
            all.missed,
            all.refused,
            all.unanswerable,
            all.invented,
            all.quoted_invalid,
            all.above_rights
        )?;
        for (name, counts) in &half.categories {
            writeln!(
                out,
                "  {name:12} {}/{} right, {} wrong, {} missed; {}/{} refused",
                counts.right,
                counts.answerable,
                counts.wrong,
                counts.missed,
                counts.refused,
                counts.unanswerable
            )?;
        }
    }
    Ok(())
}
