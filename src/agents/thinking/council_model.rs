//! What a council says, and the shapes that its members are held to.

use base::Label;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Cost;
use super::schemas::{list, object, text, whole};
use super::work::{Completeness, StepRecord};

/// Most options that are voted on.
pub(super) const OPTIONS_MAX: usize = 5;
pub(super) const REASONS_MAX: usize = 4;
pub(super) const POSITION_MAX_CHARS: usize = 600;
pub(super) const REASON_MAX_CHARS: usize = 300;

/// What a member holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    /// The position.
    pub position: String,
    /// Why.
    pub reasons: Vec<String>,
    /// What the member would need to know.
    pub unknowns: Vec<String>,
    /// 0 to 100.
    pub confidence: u32,
}

/// What a member said in a round of rebuttal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rebuttal {
    /// From 1.
    pub round: u32,
    /// What is said against others, or granted to them.
    pub points: Vec<String>,
    /// The position afterwards.
    pub position: String,
    /// Whether it is another one than before.
    pub changed: bool,
    /// 0 to 100.
    pub confidence: u32,
}

/// A member and what it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CouncilMember {
    /// Its role.
    pub role: String,
    /// Its first opinion, before it saw another one.
    pub opinion: Opinion,
    /// What it said afterwards.
    pub rebuttals: Vec<Rebuttal>,
    /// How it voted; `None` when the run ended before.
    pub vote: Option<Vote>,
}

/// A vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vote {
    /// The option's number.
    pub option: usize,
    /// Why.
    pub reason: String,
}

/// Something that was voted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CouncilOption {
    /// From 1.
    pub number: usize,
    /// What it is.
    pub text: String,
    /// How many voted for it.
    pub votes: u32,
}

/// A member who was outvoted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dissent {
    /// Its role.
    pub role: String,
    /// What it voted for.
    pub option: usize,
    /// Why.
    pub reason: String,
    /// What it holds in the end.
    pub position: String,
}

/// What a council came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CouncilReport {
    /// The members.
    pub members: Vec<CouncilMember>,
    /// What was voted on.
    pub options: Vec<CouncilOption>,
    /// The option with most votes; `None` on a tie, or when there was no vote.
    pub decision: Option<usize>,
    /// Whether more than half of the members voted for it.
    pub majority: bool,
    /// Who was outvoted.
    pub dissent: Vec<Dissent>,
    /// The council's answer in its own words; `None` when the run ended before.
    pub conclusion: Option<String>,
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
pub(super) struct RawRebuttal {
    pub(super) points: Vec<String>,
    pub(super) position: String,
    pub(super) changed: bool,
    pub(super) confidence: u32,
}

#[derive(Deserialize)]
pub(super) struct RawOptions {
    pub(super) options: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct RawVote {
    pub(super) option: usize,
    pub(super) reason: String,
}

#[derive(Deserialize)]
pub(super) struct RawConclusion {
    pub(super) conclusion: String,
}

pub(super) fn opinion_schema() -> Value {
    object(&[
        ("position", text(POSITION_MAX_CHARS)),
        ("reasons", list(&text(REASON_MAX_CHARS), REASONS_MAX)),
        ("unknowns", list(&text(REASON_MAX_CHARS), REASONS_MAX)),
        ("confidence", whole(0, 100)),
    ])
}

pub(super) fn rebuttal_schema() -> Value {
    object(&[
        ("points", list(&text(REASON_MAX_CHARS), REASONS_MAX)),
        ("position", text(POSITION_MAX_CHARS)),
        ("changed", serde_json::json!({ "type": "boolean" })),
        ("confidence", whole(0, 100)),
    ])
}

pub(super) fn options_schema() -> Value {
    object(&[("options", list(&text(REASON_MAX_CHARS), OPTIONS_MAX))])
}

pub(super) fn vote_schema(options: usize) -> Value {
    let most = u32::try_from(options).unwrap_or(u32::MAX);
    object(&[("option", whole(1, most)), ("reason", text(REASON_MAX_CHARS))])
}

pub(super) fn conclusion_schema() -> Value {
    object(&[("conclusion", text(1_500))])
}
