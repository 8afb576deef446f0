//! First principles: what is taken for granted, what it rests on, and the conclusion built anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base::Label;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::red_team::shortened;
use super::schemas::{list, object, one_of, text, whole};
use super::work::{Completeness, Step, StepRecord, ThinkingEvents, Work, overhead_tokens};
use super::{Cost, ThinkingInput, ThinkingOptions, TokenEstimate};
use crate::AgentError;
use crate::brain::{Brain, Fenced, fence};

const ASSUMPTIONS_MAX: usize = 12;
const FUNDAMENTALS_MAX: usize = 12;
const STEPS_MAX: usize = 12;
const TEXT_MAX_CHARS: usize = 300;
const CONCLUSION_MAX_CHARS: usize = 1_500;
const ASSUMPTIONS_TOKENS: u32 = 1_600;
const FUNDAMENTALS_TOKENS: u32 = 2_400;
const REBUILD_TOKENS: u32 = 2_400;

/// Something that is taken for granted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assumption {
    /// From 1.
    pub number: usize,
    /// What is assumed.
    pub text: String,
    /// It is said in the material, and not only behind it.
    pub stated: bool,
    /// What became of it.
    pub judged: Judged,
    /// Why.
    pub because: Option<String>,
}

/// What became of an assumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// It holds.
    Holds,
    /// It may hold; the material does not tell.
    Doubtful,
    /// It does not hold.
    False,
    /// It was not looked at.
    Unjudged,
}

/// Something that can be built on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fundamental {
    /// From 1.
    pub number: usize,
    /// What holds.
    pub text: String,
    /// `physics`, `evidence`, `definition` or `rule`.
    pub basis: String,
}

/// A step from what holds towards the conclusion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Derivation {
    /// The fundamentals that it rests on.
    pub from: Vec<usize>,
    /// What follows from them.
    pub text: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirstPrinciplesReport {
    /// What was taken for granted.
    pub assumptions: Vec<Assumption>,
    /// What can be built on.
    pub fundamentals: Vec<Fundamental>,
    /// From there to the conclusion; only steps that name what they rest on.
    pub derivation: Vec<Derivation>,
    /// The conclusion, built anew; `None` when the run did not get there.
    pub conclusion: Option<String>,
    /// Whether it differs from what the material concludes.
    pub differs: Option<bool>,
    /// What has to be found out before it can be relied on.
    pub open_questions: Vec<String>,
    /// Steps of the model that rest on nothing that was named, and were left out.
    pub unfounded_steps: usize,
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
struct RawAssumptions {
    assumptions: Vec<RawAssumption>,
}

#[derive(Deserialize)]
struct RawAssumption {
    text: String,
    kind: String,
}

#[derive(Deserialize)]
struct RawGround {
    judgements: Vec<RawJudgement>,
    fundamentals: Vec<RawFundamental>,
}

#[derive(Deserialize)]
struct RawJudgement {
    assumption: usize,
    judged: Judged,
    because: String,
}

#[derive(Deserialize)]
struct RawFundamental {
    text: String,
    basis: String,
}

#[derive(Deserialize)]
struct RawRebuilt {
    derivation: Vec<RawStep>,
    conclusion: String,
    differs: bool,
    open_questions: Vec<String>,
}

#[derive(Deserialize)]
struct RawStep {
    from: Vec<usize>,
    text: String,
}

fn assumptions_schema() -> Value {
    let assumption =
        object(&[("text", text(TEXT_MAX_CHARS)), ("kind", one_of(&["stated", "implied"]))]);
    object(&[("assumptions", list(&assumption, ASSUMPTIONS_MAX))])
}

fn ground_schema() -> Value {
    let judgement = object(&[
        ("assumption", whole(1, ASSUMPTIONS_MAX as u32)),
        ("judged", one_of(&["holds", "doubtful", "false"])),
        ("because", text(TEXT_MAX_CHARS)),
    ]);
    let fundamental = object(&[
        ("text", text(TEXT_MAX_CHARS)),
        ("basis", one_of(&["physics", "evidence", "definition", "rule"])),
    ]);
    object(&[
        ("judgements", list(&judgement, ASSUMPTIONS_MAX)),
        ("fundamentals", list(&fundamental, FUNDAMENTALS_MAX)),
    ])
}

fn rebuilt_schema() -> Value {
    let step = object(&[
        ("from", list(&whole(1, FUNDAMENTALS_MAX as u32), FUNDAMENTALS_MAX)),
        ("text", text(TEXT_MAX_CHARS)),
    ]);
    object(&[
        ("derivation", list(&step, STEPS_MAX)),
        ("conclusion", text(CONCLUSION_MAX_CHARS)),
        ("differs", serde_json::json!({ "type": "boolean" })),
        ("open_questions", list(&text(TEXT_MAX_CHARS), 6)),
    ])
}

/// What it costs at most.
#[must_use]
pub fn first_principles_estimate(input: &ThinkingInput) -> TokenEstimate {
    let material = input.tokens();
    let numbered = ASSUMPTIONS_MAX * (TEXT_MAX_CHARS + 60) * 2;
    TokenEstimate::default()
        .and(1, material + overhead_tokens(900), ASSUMPTIONS_TOKENS)
        .and(1, material + overhead_tokens(900 + numbered), FUNDAMENTALS_TOKENS)
        .and(1, material + overhead_tokens(900 + 2 * numbered), REBUILD_TOKENS)
}

/// Takes a question or a draft apart and builds its conclusion anew.
///
/// # Errors
/// [`AgentError::Invalid`]; [`AgentError::RunBudgetExhausted`] or [`AgentError::TimeIsUp`] before the
/// first step was done; the store's own.
pub async fn first_principles(
    brain: &Brain<'_>,
    input: &ThinkingInput,
    options: ThinkingOptions,
    events: Option<&ThinkingEvents>,
) -> Result<FirstPrinciplesReport, AgentError> {
    let work = Work::new(brain, input, options, events)?;
    let mut assumptions = assumptions(&work).await?;
    let mut fundamentals = Vec::new();
    let mut rebuilt = None;
    if !assumptions.is_empty() {
        fundamentals = ground(&work, &mut assumptions).await?;
    }
    if !fundamentals.is_empty() {
        rebuilt = rebuild(&work, &assumptions, &fundamentals).await?;
    }
    let (completeness, records, cost) = work.finish()?;
    let (derivation, unfounded_steps) = match &rebuilt {
        Some(rebuilt) => founded(&rebuilt.derivation, fundamentals.len()),
        None => (Vec::new(), 0),
    };
    let questions = rebuilt.as_ref().map(|raw| raw.open_questions.clone()).unwrap_or_default();
    Ok(FirstPrinciplesReport {
        assumptions,
        fundamentals,
        derivation,
        differs: rebuilt.as_ref().map(|raw| raw.differs),
        conclusion: rebuilt.map(|raw| shortened(&raw.conclusion, CONCLUSION_MAX_CHARS)),
        open_questions: questions.iter().map(|q| shortened(q, TEXT_MAX_CHARS)).collect(),
        unfounded_steps,
        completeness,
        cost,
        label: input.label(),
        records,
    })
}

async fn assumptions(work: &Work<'_>) -> Result<Vec<Assumption>, AgentError> {
    let schema = assumptions_schema();
    let task = format!(
        "List what the request, and the draft if there is one, takes for granted: at most \
         {ASSUMPTIONS_MAX} assumptions, those first on which most depends. `stated`: it is said there. \
         `implied`: it stands behind what is said."
    );
    let step = Step {
        name: "first_principles.assumptions".to_owned(),
        task,
        schema: &schema,
        max_tokens: ASSUMPTIONS_TOKENS,
        temperature: 0.0,
    };
    let raw = work.step::<RawAssumptions>(step).await?;
    let raw = raw.map(|raw| raw.assumptions).unwrap_or_default();
    let kept = raw.into_iter().take(ASSUMPTIONS_MAX);
    Ok((1..)
        .zip(kept)
        .map(|(number, raw)| Assumption {
            number,
            text: shortened(&raw.text, TEXT_MAX_CHARS),
            stated: raw.kind == "stated",
            judged: Judged::Unjudged,
            because: None,
        })
        .collect())
}

async fn ground(
    work: &Work<'_>,
    assumptions: &mut [Assumption],
) -> Result<Vec<Fundamental>, AgentError> {
    let schema = ground_schema();
    let mut task = numbered_assumptions(assumptions);
    let _ = write!(
        task,
        "Judge each of these assumptions by its number: does it hold, is it doubtful, or false? Then \
         list what can be built on without them: laws of physics, what the evidence says, definitions, \
         rules that apply; at most {FUNDAMENTALS_MAX}."
    );
    let step = Step {
        name: "first_principles.fundamentals".to_owned(),
        task,
        schema: &schema,
        max_tokens: FUNDAMENTALS_TOKENS,
        temperature: 0.0,
    };
    let Some(raw) = work.step::<RawGround>(step).await? else { return Ok(Vec::new()) };
    for judgement in raw.judgements {
        let place = assumptions.iter_mut().find(|a| a.number == judgement.assumption);
        if let Some(assumption) = place.filter(|a| a.judged == Judged::Unjudged) {
            assumption.judged = judgement.judged;
            assumption.because = Some(shortened(&judgement.because, TEXT_MAX_CHARS));
        }
    }
    let kept = raw.fundamentals.into_iter().take(FUNDAMENTALS_MAX);
    Ok((1..)
        .zip(kept)
        .map(|(number, raw)| Fundamental {
            number,
            text: shortened(&raw.text, TEXT_MAX_CHARS),
            basis: raw.basis,
        })
        .collect())
}

async fn rebuild(
    work: &Work<'_>,
    assumptions: &[Assumption],
    fundamentals: &[Fundamental],
) -> Result<Option<RawRebuilt>, AgentError> {
    let schema = rebuilt_schema();
    let mut task = numbered_assumptions(assumptions);
    for fundamental in fundamentals {
        let number = u32::try_from(fundamental.number).unwrap_or(u32::MAX);
        let _ = writeln!(task, "{}\n", fence(Fenced::Fact, number, &fundamental.text));
    }
    task.push_str(
        "Build the answer to the request anew from these facts alone, step by step. Each step names in \
         `from` the numbers of the facts that it rests on. Then give the conclusion, whether it \
         differs from what the draft or the request concludes, and what has to be found out before it \
         can be relied on.",
    );
    work.step::<RawRebuilt>(Step {
        name: "first_principles.rebuild".to_owned(),
        task,
        schema: &schema,
        max_tokens: REBUILD_TOKENS,
        temperature: 0.0,
    })
    .await
}

fn numbered_assumptions(assumptions: &[Assumption]) -> String {
    let mut text = String::new();
    for assumption in assumptions {
        let number = u32::try_from(assumption.number).unwrap_or(u32::MAX);
        let judged = match assumption.judged {
            Judged::Unjudged => "",
            Judged::Holds => " (holds)",
            Judged::Doubtful => " (doubtful)",
            Judged::False => " (false)",
        };
        let line = format!("{}{judged}", assumption.text);
        let _ = writeln!(text, "{}\n", fence(Fenced::Opinion, number, &line));
    }
    text
}

/// The steps that rest on facts that are there, and how many do not.
fn founded(steps: &[RawStep], facts: usize) -> (Vec<Derivation>, usize) {
    let mut kept = Vec::new();
    let mut unfounded = 0;
    for step in steps.iter().take(STEPS_MAX) {
        let from: BTreeSet<usize> =
            step.from.iter().copied().filter(|n| (1..=facts).contains(n)).collect();
        if from.is_empty() {
            unfounded += 1;
        } else {
            let text = shortened(&step.text, TEXT_MAX_CHARS);
            kept.push(Derivation { from: from.into_iter().collect(), text });
        }
    }
    (kept, unfounded)
}
