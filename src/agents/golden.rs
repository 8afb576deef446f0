//! Golden questions: what is asked, by whom, and what is expected.

use base::Classification;
use serde::{Deserialize, Serialize};

use crate::AgentError;

/// Which questions a figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// Fitted on.
    Tuning,
    /// Only ever reported.
    Reported,
}

/// What is to become of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// The documents answer it.
    Answerable,
    /// They don't, or not for this person.
    Unanswerable,
    /// Only a withdrawn revision does.
    Withdrawn,
}

/// Another place that answers too.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Place {
    /// Key of the document.
    pub document: String,
    /// The page; any when `None`.
    pub page: Option<u32>,
}

/// What must not be quoted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Forbidden {
    /// Key of the document.
    pub document: String,
    /// The revision.
    pub revision: u32,
    /// Words of it.
    pub text: String,
}

/// A question with what is expected of its answer: one line of `golden.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GoldenQuestion {
    /// Its id.
    pub id: String,
    /// Which half it belongs to.
    pub half: Half,
    /// What is to become of it.
    pub kind: Wanted,
    /// For the table.
    pub category: String,
    /// BCP 47.
    pub language: String,
    /// The question.
    pub question: String,
    /// Slug of the tenant that is asked.
    pub tenant: String,
    /// Key of the document that answers.
    pub document: Option<String>,
    /// The page that answers; any when `None`.
    pub page: Option<u32>,
    /// Words that the answer must contain.
    pub answer: Option<String>,
    /// Other spellings of them.
    #[serde(default)]
    pub answer_alternatives: Vec<String>,
    /// Other places that answer.
    #[serde(default)]
    pub also: Vec<Place>,
    /// What must not be quoted.
    #[serde(default)]
    pub forbidden: Option<Forbidden>,
    /// Clearance of the asking person.
    pub clearance: Classification,
    /// Whether they may see export-controlled text.
    pub export_eligible: bool,
}

/// Reads golden questions, one JSON object per line.
///
/// # Errors
/// [`AgentError::Golden`] with the line.
pub fn golden_parse(jsonl: &str) -> Result<Vec<GoldenQuestion>, AgentError> {
    let lines = jsonl.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(i, line)| {
            serde_json::from_str(line)
                .map_err(|e| AgentError::Golden { line: i + 1, reason: e.to_string() })
        })
        .collect()
}
