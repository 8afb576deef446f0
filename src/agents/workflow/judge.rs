//! Judging what an attempt made by its acceptance checks.

use std::fmt::Write as _;
use std::sync::Arc;

use models::Tier;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::definition::{Node, PromptStep, TddLoop};
use super::engine::{Engine, Halt, Scope, StepFailure};
use super::value::as_text;

/// A check that a model has judged.
#[derive(Deserialize)]
struct Judgement {
    check: usize,
    passed: bool,
    reason: String,
}

#[derive(Deserialize)]
struct Judgements {
    judgements: Vec<Judgement>,
}

impl Engine<'_> {
    /// How each check judges what an attempt made. Judged by a model in one prompt, which is stored like
    /// any step, so that a run that was killed does not judge anew.
    pub(super) async fn acceptance(
        &self,
        node: &TddLoop,
        written: &[(String, String)],
        output: &Value,
        scope: &Scope,
    ) -> Result<Vec<Value>, Halt> {
        let mut within = scope.clone();
        let mut around = scope.around.as_deref().cloned().unwrap_or(Value::Null);
        around["output"] = output.clone();
        within.around = Some(Arc::new(around));
        let mut results = Vec::new();
        let mut judged_by_model: Vec<(String, String)> = Vec::new();
        for check in &node.checks {
            match (&check.holds, &check.judge) {
                (Some(holds), _) => {
                    let outcome = holds.holds(&self.names(&within));
                    let (passed, reason) = match outcome {
                        Ok(passed) => (passed, String::new()),
                        Err(error) => (false, error.to_string()),
                    };
                    results.push(json!({
                        "name": check.name, "passed": passed, "reason": reason,
                    }));
                }
                (None, Some(judge)) => judged_by_model.push((check.name.clone(), judge.clone())),
                (None, None) => {}
            }
        }
        judged_by_model.extend_from_slice(written);
        if judged_by_model.is_empty() {
            return Ok(results);
        }
        let step = judging(node.tier, &judged_by_model, output);
        let value = self.node(&step, within).await?;
        let judgements: Judgements = serde_json::from_value(value).map_err(|error| {
            Halt::Failed(StepFailure::new("model_output_unreadable", error.to_string()))
        })?;
        for (number, (name, _)) in (1..).zip(&judged_by_model) {
            let found = judgements.judgements.iter().find(|judged| judged.check == number);
            // What nobody judged has not passed.
            let (passed, reason) = found.map_or((false, "was not judged"), |judged| {
                (judged.passed, judged.reason.as_str())
            });
            results.push(json!({ "name": name, "passed": passed, "reason": reason }));
        }
        Ok(results)
    }
}

/// A step that judges what was made by checks in words.
fn judging(tier: Tier, checks: &[(String, String)], output: &Value) -> Node {
    let mut instructions = String::from(
        "Judge what was made (the material named \"made\") by each of the checks (the material named \
         \"checks\") by its number. A check passes only when it is fully met; say what is missing \
         otherwise.",
    );
    let mut list = String::new();
    for (number, (_, text)) in (1..).zip(checks) {
        let _ = writeln!(list, "{number}. {text}");
    }
    let _ = write!(instructions, " There are {} checks.", checks.len());
    let mut inputs = Map::new();
    // As they are: what looks like a reference in them is none.
    inputs.insert("checks".to_owned(), Value::String(plain(&list)));
    inputs.insert("made".to_owned(), Value::String(plain(&as_text(output))));
    let judgement = json!({
        "type": "object",
        "properties": {
            "check": { "type": "integer", "minimum": 1, "maximum": checks.len() },
            "passed": { "type": "boolean" },
            "reason": { "type": "string", "maxLength": 300 },
        },
        "required": ["check", "passed", "reason"],
        "additionalProperties": false,
    });
    Node::Prompt(PromptStep {
        id: "judge".to_owned(),
        instructions,
        inputs,
        output: Some(json!({
            "type": "object",
            "properties": {
                "judgements": {
                    "type": "array", "items": judgement, "maxItems": checks.len(),
                },
            },
            "required": ["judgements"],
            "additionalProperties": false,
        })),
        tier,
        max_tokens: 200 + 120 * u32::try_from(checks.len()).unwrap_or(100),
        temperature: 0.0,
    })
}

fn plain(text: &str) -> String {
    text.replace("${", "$${")
}
