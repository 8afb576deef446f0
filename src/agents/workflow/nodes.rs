//! Nodes of nodes: pipeline, fan-out, graph, gate, and the loop of checks and attempts.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, FuturesUnordered};
use models::BoxFuture;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::definition::{BRANCHES_MAX, FanOut, Gate, Graph, Join, Node, Pipeline, TddLoop};
use super::engine::{Engine, Halt, Scope, StepFailure};
use super::value::resolve;

/// How one branch ended.
struct Branch {
    name: String,
    result: Result<Value, StepFailure>,
}

impl Engine<'_> {
    pub(super) async fn pipeline(&self, node: &Pipeline, scope: &Scope) -> Result<Value, Halt> {
        let mut value = Value::Null;
        for step in &node.steps {
            value = self.node(step, scope.clone()).await?;
        }
        Ok(value)
    }

    pub(super) async fn fan_out(&self, node: &FanOut, scope: &Scope) -> Result<Value, Halt> {
        let inner = scope.within(&node.id);
        let branches: Vec<(String, &Node, Scope)> = match (&node.over, &node.each) {
            (Some(over), Some(each)) => {
                let items = self.items(over, scope)?;
                let branch = |(i, item): (usize, Value)| {
                    let mut inside = scope.within(&format!("{}[{i}]", node.id));
                    inside.each = Some(Arc::new((item, i)));
                    (i.to_string(), each.as_ref(), inside)
                };
                items.into_iter().enumerate().map(branch).collect()
            }
            _ => {
                let branch = |step: &'_ Node| step.id().to_owned();
                node.branches.iter().map(|step| (branch(step), step, inner.clone())).collect()
            }
        };
        let count = branches.len();
        let wanted = match node.join {
            Join::All | Join::Settled => count,
            Join::Any => 1,
            Join::Quorum => node.quorum.unwrap_or(1) as usize,
        };
        if wanted > count {
            let detail = format!("{wanted} have to succeed, and there are {count}");
            return Err(Halt::Failed(StepFailure::new("workflow_join_failed", detail)));
        }
        let ended = self.side_by_side(branches, node, wanted).await?;
        joined(node.join, ended, wanted)
    }

    fn items(&self, over: &Value, scope: &Scope) -> Result<Vec<Value>, Halt> {
        let list = resolve(over, &self.names(scope)).map_err(|error| Halt::Failed(error.into()))?;
        let items = match list {
            Value::Array(items) => items,
            _ => {
                let detail = "what is fanned out over is no list";
                return Err(Halt::Failed(StepFailure::new("workflow_value_wrong", detail)));
            }
        };
        if items.len() > BRANCHES_MAX {
            let detail = format!("the list has {} items, at most {BRANCHES_MAX}", items.len());
            return Err(Halt::Failed(StepFailure::new("workflow_value_too_large", detail)));
        }
        Ok(items)
    }

    /// Carries branches out, in bounded number at once, until the join is decided; drops the rest, which
    /// ends them. Those that wait for people don't hold up the others.
    async fn side_by_side(
        &self,
        branches: Vec<(String, &Node, Scope)>,
        node: &FanOut,
        wanted: usize,
    ) -> Result<Vec<Branch>, Halt> {
        let count = branches.len();
        let mut work: Vec<BoxFuture<'_, (String, Result<Value, Halt>)>> = Vec::with_capacity(count);
        for (name, step, scope) in branches {
            work.push(Box::pin(async move { (name, self.node(step, scope).await) }));
        }
        let mut running = stream::iter(work).buffer_unordered(node.parallel as usize);
        let (mut ended, mut succeeded, mut failed, mut waiting) = (Vec::new(), 0, 0, false);
        while let Some((name, result)) = running.next().await {
            match result {
                Ok(value) => {
                    succeeded += 1;
                    ended.push(Branch { name, result: Ok(value) });
                }
                Err(Halt::Failed(failure)) => {
                    failed += 1;
                    ended.push(Branch { name, result: Err(failure) });
                }
                Err(Halt::Waiting) => waiting = true,
                Err(other) => return Err(other),
            }
            let settled = node.join == Join::Settled;
            let decided = succeeded >= wanted || count - failed < wanted;
            if decided && !settled {
                return Ok(ended);
            }
        }
        if waiting { Err(Halt::Waiting) } else { Ok(ended) }
    }

    /// Starts each node as soon as those that it waits for have ended well.
    pub(super) async fn graph(&self, node: &Graph, scope: &Scope) -> Result<Value, Halt> {
        let mut values: HashMap<&str, Value> = HashMap::new();
        let mut begun = vec![false; node.nodes.len()];
        let mut running = FuturesUnordered::new();
        let (mut failure, mut waiting) = (None, false);
        loop {
            for (i, inner) in node.nodes.iter().enumerate() {
                let ready = inner.after.iter().all(|id| values.contains_key(id.as_str()));
                if begun[i]
                    || !ready
                    || failure.is_some()
                    || running.len() >= node.parallel as usize
                {
                    continue;
                }
                begun[i] = true;
                let scope = scope.clone();
                running.push(async move { (inner.step.id(), self.node(&inner.step, scope).await) });
            }
            match running.next().await {
                None => break,
                Some((id, Ok(value))) => {
                    values.insert(id, value);
                }
                // What runs beside it is brought to its end; nothing new is begun.
                Some((id, Err(Halt::Failed(failed)))) => {
                    failure.get_or_insert_with(|| within(id, &failed));
                }
                Some((_, Err(Halt::Waiting))) => waiting = true,
                Some((_, Err(other))) => return Err(other),
            }
        }
        match failure {
            Some(failure) => Err(Halt::Failed(failure)),
            None if waiting => Err(Halt::Waiting),
            None => Ok(json!(values)),
        }
    }

    pub(super) async fn gate(&self, node: &Gate, scope: &Scope) -> Result<Value, Halt> {
        let names = self.names(scope);
        let failed = |error: super::value::ValueError| Halt::Failed(error.into());
        let shown = node.show.as_ref().map(|show| resolve(show, &names)).transpose();
        let shown = shown.map_err(failed)?.unwrap_or(Value::Null);
        if let Some(when) = &node.when
            && !when.holds(&names).map_err(failed)?
        {
            let detail = format!("the condition of the gate {:?} does not hold", node.id);
            return Err(Halt::Failed(StepFailure::new("workflow_gate_closed", detail)));
        }
        let Some(question) = &node.ask else { return Ok(shown) };
        let key = scope.key(&node.id);
        match self.decided(&key) {
            Some(decided) if decided.approved => Ok(shown),
            Some(decided) => {
                let reason = decided.reason.unwrap_or_else(|| "no reason was given".to_owned());
                Err(Halt::Failed(StepFailure::new("workflow_gate_rejected", reason)))
            }
            None => {
                let digest = digest_of(question, &shown);
                self.ask(&key, question, &shown, digest).await?;
                Err(Halt::Waiting)
            }
        }
    }

    /// Checks first; then attempts until all of them pass, or there are no more attempts.
    pub(super) async fn tdd_loop(&self, node: &TddLoop, scope: &Scope) -> Result<Value, Halt> {
        let inner = scope.within(&node.id);
        let written = match &node.write_checks {
            Some(writing) => check_texts(&self.node(writing, inner.clone()).await?)?,
            None => Vec::new(),
        };
        let known = node.checks.iter().map(|check| {
            let words = check.judge.clone().unwrap_or_else(|| "a condition".to_owned());
            json!({ "name": check.name, "must": words })
        });
        let all: Vec<Value> = known
            .chain(written.iter().map(|(name, text)| json!({ "name": name, "must": text })))
            .collect();
        let (mut last, mut failures) = (Value::Null, Value::Array(Vec::new()));
        for attempt in 1..=node.attempts_max {
            let mut within = scope.within(&format!("{}#{attempt}", node.id));
            within.around = Some(Arc::new(json!({
                "attempt": attempt, "last": last, "failures": failures, "checks": all,
            })));
            let output = self.node(&node.attempt, within.clone()).await?;
            let results = self.acceptance(node, &written, &output, &within).await?;
            let failed: Vec<Value> =
                results.iter().filter(|result| result["passed"] != json!(true)).cloned().collect();
            if failed.is_empty() {
                return Ok(json!({
                    "passed": true, "attempts": attempt, "output": output, "checks": results,
                }));
            }
            (last, failures) = (output, Value::Array(failed));
        }
        let names: Vec<&str> = failures
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|failed| failed["name"].as_str())
            .collect();
        let detail = format!(
            "after {} attempts these checks do not pass: {}",
            node.attempts_max,
            names.join(", ")
        );
        Err(Halt::Failed(StepFailure::new("workflow_checks_failed", detail)))
    }
}

/// Names and words of the checks that a step has written.
fn check_texts(value: &Value) -> Result<Vec<(String, String)>, Halt> {
    /// Most checks that are written.
    const WRITTEN_MAX: usize = 12;
    let list = value.get("checks").unwrap_or(value).as_array();
    let texts: Option<Vec<String>> = list.map(|items| {
        let words = |item: &Value| {
            let text = item.as_str().or_else(|| item.get("must").and_then(Value::as_str));
            text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        items.iter().filter_map(words).take(WRITTEN_MAX).collect()
    });
    match texts {
        Some(texts) if !texts.is_empty() => Ok(texts
            .into_iter()
            .enumerate()
            .map(|(i, text)| (format!("written_{}", i + 1), text))
            .collect()),
        _ => {
            let detail = "the step that writes checks has written none";
            Err(Halt::Failed(StepFailure::new("workflow_value_wrong", detail)))
        }
    }
}

/// What a decision is bound to: the question and what is shown, byte by byte.
fn digest_of(question: &str, shown: &Value) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((question.len() as u64).to_le_bytes());
    hash.update(question.as_bytes());
    hash.update(shown.to_string().as_bytes());
    hash.finalize().into()
}

fn within(id: &str, failure: &StepFailure) -> StepFailure {
    StepFailure::new(&failure.code, format!("{id}: {}", failure.detail))
}

/// The value of a fan-out, or why it failed.
fn joined(join: Join, mut ended: Vec<Branch>, wanted: usize) -> Result<Value, Halt> {
    // In the order of the branches, not in that in which they ended.
    ended.sort_by_key(|branch| (branch.name.parse::<usize>().unwrap_or(0), branch.name.clone()));
    let succeeded = ended.iter().filter(|branch| branch.result.is_ok()).count();
    let failures: Vec<String> = ended
        .iter()
        .filter_map(|branch| {
            let failure = branch.result.as_ref().err()?;
            Some(format!("{}: {} ({})", branch.name, failure.detail, failure.code))
        })
        .collect();
    if join != Join::Settled && succeeded < wanted {
        let detail = format!("{succeeded} of {wanted} succeeded; {}", failures.join("; "));
        return Err(Halt::Failed(StepFailure::new("workflow_join_failed", detail)));
    }
    let results: Vec<Value> = ended
        .into_iter()
        .map(|branch| match branch.result {
            Ok(value) => json!({ "branch": branch.name, "ok": true, "value": value }),
            Err(failure) => json!({
                "branch": branch.name, "ok": false,
                "error": failure.code, "detail": failure.detail,
            }),
        })
        .collect();
    let values: Vec<Value> =
        results.iter().filter_map(|result| result.get("value").cloned()).collect();
    Ok(json!({ "results": results, "values": values, "succeeded": succeeded }))
}
