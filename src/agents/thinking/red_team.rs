//! Red team: attackers with different eyes, findings merged and ranked, each one answered.

use std::fmt::Write as _;

use base::Label;
use models::ModelWorker;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::merge::same_as;
use super::schemas::{list, object, one_of, text, whole};
use super::work::{Completeness, Step, StepRecord, ThinkingEvents, Work, overhead_tokens};
use super::{Cost, Perspective, ThinkingInput, ThinkingOptions, TokenEstimate};
use crate::AgentError;
use crate::brain::{Brain, Fenced, fence};

/// Most attackers.
pub const RED_TEAM_ATTACKERS_MAX: usize = 32;

/// Most findings of one attacker.
const FINDINGS_PER_ATTACKER: usize = 4;
/// Findings that are answered in one prompt.
const ANSWERED_AT_ONCE: usize = 4;
/// Longest texts of a finding, in characters.
const TITLE_MAX_CHARS: usize = 120;
const DETAIL_MAX_CHARS: usize = 400;
/// Tokens of an attack and of a batch of answers, at most.
const ATTACK_TOKENS: u32 = 900;
const ANSWER_TOKENS: u32 = 1_100;
/// Risk (severity times likelihood, 1 to 25) from which an accepted finding means that the text fails.
const RISK_THAT_FAILS: u32 = 12;

/// How a red team is put together.
#[derive(Clone, Debug, PartialEq)]
pub struct RedTeamOptions {
    /// Who attacks, 1 to [`RED_TEAM_ATTACKERS_MAX`].
    pub attackers: Vec<Perspective>,
    /// How the run is carried out.
    pub run: ThinkingOptions,
}

/// What becomes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// It is right, and the text has to change.
    Accepted,
    /// It is right, and something in the material takes care of it.
    Mitigated,
    /// It is wrong, or does not belong here.
    Rejected,
    /// Nobody got to it before the budget or the time ended.
    Unanswered,
}

/// A finding, merged from those that said the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// In a few words.
    pub title: String,
    /// What is wrong and what follows from it.
    pub detail: String,
    /// 1 to 5.
    pub severity: u32,
    /// 1 to 5.
    pub likelihood: u32,
    /// Severity times likelihood.
    pub risk: u32,
    /// Who found it.
    pub found_by: Vec<String>,
    /// What becomes of it.
    pub response: Response,
    /// Why.
    pub answer: Option<String>,
    /// What is to be changed, when it was accepted.
    pub change: Option<String>,
}

/// What the red team comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing that was found has to change it.
    Holds,
    /// It has to be changed.
    NeedsChange,
    /// Something was accepted that weighs too much to go on.
    Fails,
    /// Findings are unanswered: nothing can be said.
    Open,
}

/// What a red team has found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RedTeamReport {
    /// The greatest risk first.
    pub findings: Vec<Finding>,
    /// What they come to.
    pub verdict: Verdict,
    /// Who has attacked.
    pub attackers: Vec<String>,
    /// Findings before they were merged.
    pub raw_findings: usize,
    /// Whether everything was done.
    pub completeness: Completeness,
    /// What it cost.
    pub cost: Cost,
    /// Label of the material.
    pub label: Label,
    /// Prompts, for the trace.
    #[serde(skip)]
    pub records: Vec<StepRecord>,
}

#[derive(Deserialize)]
struct Attack {
    findings: Vec<Raw>,
}

#[derive(Deserialize)]
struct Raw {
    title: String,
    detail: String,
    severity: u32,
    likelihood: u32,
}

#[derive(Deserialize)]
struct Answers {
    answers: Vec<Answered>,
}

#[derive(Deserialize)]
struct Answered {
    finding: usize,
    response: Response,
    reason: String,
    change: String,
}

fn attack_schema() -> Value {
    let finding = object(&[
        ("title", text(TITLE_MAX_CHARS)),
        ("detail", text(DETAIL_MAX_CHARS)),
        ("severity", whole(1, 5)),
        ("likelihood", whole(1, 5)),
    ]);
    object(&[("findings", list(&finding, FINDINGS_PER_ATTACKER))])
}

fn answer_schema() -> Value {
    let change = serde_json::json!({ "type": "string", "maxLength": DETAIL_MAX_CHARS });
    let answer = object(&[
        ("finding", whole(1, 1_000)),
        ("response", one_of(&["accepted", "mitigated", "rejected"])),
        ("reason", text(DETAIL_MAX_CHARS)),
        ("change", change),
    ]);
    object(&[("answers", list(&answer, ANSWERED_AT_ONCE))])
}

fn attack_task(attacker: &Perspective) -> String {
    format!(
        "{} Attack {} from this side alone. Give at most {FINDINGS_PER_ATTACKER} findings, the worst \
         first; none is better than a weak one. `severity` is how bad it would be, 1 to 5; \
         `likelihood` is how likely it is to happen, 1 to 5.",
        attacker.looks_for, "the draft, or if there is none the plan or claim in the request,"
    )
}

/// What a red team costs at most.
#[must_use]
pub fn red_team_estimate(input: &ThinkingInput, attackers: usize) -> TokenEstimate {
    let attackers = u32::try_from(attackers).unwrap_or(u32::MAX);
    let attack = input.tokens() + overhead_tokens(1_200);
    let findings = attackers.saturating_mul(FINDINGS_PER_ATTACKER as u32);
    let batches = findings.div_ceil(ANSWERED_AT_ONCE as u32);
    let batch_bytes = ANSWERED_AT_ONCE * (TITLE_MAX_CHARS + DETAIL_MAX_CHARS) * 2 + 800;
    let answer = input.tokens() + overhead_tokens(batch_bytes);
    TokenEstimate::default().and(attackers, attack, ATTACK_TOKENS).and(
        batches,
        answer,
        ANSWER_TOKENS,
    )
}

/// Lets attackers loose on a question or a draft.
///
/// `embedder` helps to find findings that say the same in other words. When budget or time end, what was
/// found until then is given back, and [`RedTeamReport::completeness`] says so.
///
/// # Errors
/// [`AgentError::Invalid`]; [`AgentError::RunBudgetExhausted`] or [`AgentError::TimeIsUp`] before anything
/// was found; the store's own.
pub async fn red_team(
    brain: &Brain<'_>,
    embedder: Option<&ModelWorker>,
    input: &ThinkingInput,
    options: &RedTeamOptions,
    events: Option<&ThinkingEvents>,
) -> Result<RedTeamReport, AgentError> {
    let count = options.attackers.len();
    if !(1..=RED_TEAM_ATTACKERS_MAX).contains(&count) {
        let reason = format!("must be 1 to {RED_TEAM_ATTACKERS_MAX}, not {count}");
        return Err(AgentError::invalid("attackers", reason));
    }
    let work = Work::new(brain, input, options.run, events)?;
    let (raw, attackers) = attack(&work, &options.attackers).await?;
    let raw_findings = raw.len();
    let mut findings = merged(raw, embedder).await;
    answer(&work, &mut findings).await?;
    let verdict = verdict(&findings);
    let (completeness, records, cost) = work.finish()?;
    let label = input.label();
    Ok(RedTeamReport {
        findings,
        verdict,
        attackers,
        raw_findings,
        completeness,
        cost,
        label,
        records,
    })
}

/// All findings with the names of those who made them, and who has attacked.
async fn attack(
    work: &Work<'_>,
    attackers: &[Perspective],
) -> Result<(Vec<(String, Raw)>, Vec<String>), AgentError> {
    let schema = attack_schema();
    let steps: Vec<_> = attackers
        .iter()
        .map(|attacker| {
            work.step::<Attack>(Step {
                name: format!("red_team.attack.{}", attacker.name),
                task: attack_task(attacker),
                schema: &schema,
                max_tokens: ATTACK_TOKENS,
                temperature: 0.7,
            })
        })
        .collect();
    let attacks = work.side_by_side(steps).await?;
    let (mut findings, mut names) = (Vec::new(), Vec::new());
    for (attacker, attack) in attackers.iter().zip(attacks) {
        let Some(attack) = attack else { continue };
        names.push(attacker.name.clone());
        // A scripted model is not held to the schema.
        let kept = attack.findings.into_iter().take(FINDINGS_PER_ATTACKER);
        findings.extend(kept.map(|raw| (attacker.name.clone(), raw)));
    }
    Ok((findings, names))
}

/// One finding for all that say the same, the greatest risk first.
async fn merged(raw: Vec<(String, Raw)>, embedder: Option<&ModelWorker>) -> Vec<Finding> {
    let texts: Vec<String> =
        raw.iter().map(|(_, raw)| format!("{}. {}", raw.title, raw.detail)).collect();
    let same = same_as(&texts, embedder).await;
    let mut findings: Vec<(usize, Finding)> = Vec::new();
    for ((i, (name, raw)), first) in raw.into_iter().enumerate().zip(same) {
        let (severity, likelihood) = (raw.severity.clamp(1, 5), raw.likelihood.clamp(1, 5));
        if let Some((_, finding)) = findings.iter_mut().find(|(known, _)| *known == first) {
            finding.severity = finding.severity.max(severity);
            finding.likelihood = finding.likelihood.max(likelihood);
            if !finding.found_by.contains(&name) {
                finding.found_by.push(name);
            }
        } else {
            let finding = Finding {
                title: shortened(&raw.title, TITLE_MAX_CHARS),
                detail: shortened(&raw.detail, DETAIL_MAX_CHARS),
                severity,
                likelihood,
                risk: 0,
                found_by: vec![name],
                response: Response::Unanswered,
                answer: None,
                change: None,
            };
            findings.push((i, finding));
        }
    }
    let mut findings: Vec<Finding> = findings.into_iter().map(|(_, finding)| finding).collect();
    for finding in &mut findings {
        finding.risk = finding.severity * finding.likelihood;
    }
    // Of equal risk what more of them saw; then in the order in which it was found.
    findings.sort_by_key(|f| (std::cmp::Reverse(f.risk), std::cmp::Reverse(f.found_by.len())));
    findings
}

pub(super) fn shortened(text: &str, chars: usize) -> String {
    text.trim().chars().take(chars).collect()
}

/// Answers every finding, the greatest risk first, some at once.
async fn answer(work: &Work<'_>, findings: &mut [Finding]) -> Result<(), AgentError> {
    let schema = answer_schema();
    let batches: Vec<_> = findings
        .chunks(ANSWERED_AT_ONCE)
        .enumerate()
        .map(|(i, batch)| {
            let mut task = String::new();
            for (number, finding) in (1..).zip(batch) {
                let text = format!(
                    "{} {} (severity {}, likelihood {})",
                    finding.title, finding.detail, finding.severity, finding.likelihood
                );
                let _ = writeln!(task, "{}\n", fence(Fenced::Opinion, number, &text));
            }
            task.push_str(
                "Answer each of these findings about the draft or request, by its number. \
                 `accepted`: it is right and something has to change; say in `change` what. \
                 `mitigated`: it is right, and something in the material takes care of it; name it. \
                 `rejected`: it is wrong; say why. Leave `change` empty otherwise.",
            );
            work.step::<Answers>(Step {
                name: format!("red_team.answer.{}", i + 1),
                task,
                schema: &schema,
                max_tokens: ANSWER_TOKENS,
                temperature: 0.0,
            })
        })
        .collect();
    let answers = work.side_by_side(batches).await?;
    for (batch, answers) in findings.chunks_mut(ANSWERED_AT_ONCE).zip(answers) {
        let Some(answers) = answers else { continue };
        for answered in answers.answers {
            let place = answered.finding.checked_sub(1).and_then(|i| batch.get_mut(i));
            let Some(finding) = place.filter(|f| f.response == Response::Unanswered) else {
                continue;
            };
            finding.response = answered.response;
            finding.answer = Some(shortened(&answered.reason, DETAIL_MAX_CHARS));
            let change = shortened(&answered.change, DETAIL_MAX_CHARS);
            let changes = answered.response == Response::Accepted && !change.is_empty();
            finding.change = changes.then_some(change);
        }
    }
    Ok(())
}

fn verdict(findings: &[Finding]) -> Verdict {
    let accepted = || findings.iter().filter(|f| f.response == Response::Accepted);
    if accepted().any(|finding| finding.risk >= RISK_THAT_FAILS) {
        Verdict::Fails
    } else if findings.iter().any(|f| f.response == Response::Unanswered) {
        Verdict::Open
    } else if accepted().next().is_some() {
        Verdict::NeedsChange
    } else {
        Verdict::Holds
    }
}
