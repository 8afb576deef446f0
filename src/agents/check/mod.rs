//! Whether a sentence says what its evidence says.
//!
//! [`SentenceCheck`] is the one interface; [`LiteralCheck`] is what stands behind it today: whatever
//! can be compared word for word (numbers with units, names, dates, negations, what is required or
//! forbidden) must stand in the cited evidence, and the sentence must be near one of its sentences.
//! A trained entailment model can take its place.

mod amounts;
mod dates;
mod evidence;
mod facts;
mod literal;
mod modal;
mod modal_words;
mod numbers;
mod units;

use models::BoxFuture;
use serde::{Deserialize, Serialize};

pub use evidence::{Evidence, EvidenceSet};
pub use literal::{LITERAL_CHECK, LiteralCheck};

/// A sentence with what it names as its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its words, without the marks of its citations.
    pub text: String,
    /// Numbers of the evidence, in the order named.
    pub cited: Vec<u32>,
    /// How a number in it that stands in no evidence was computed: an expression with units.
    pub calculation: Option<String>,
}

/// Why a sentence was struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrikeReason {
    /// It names no evidence.
    NoEvidence,
    /// It names evidence that was not given.
    UnknownEvidence,
    /// A number, or a number with this unit, does not stand in the evidence.
    NumberNotInEvidence,
    /// A number stands in the evidence, but beside another thing than the one named.
    NumberOfAnother,
    /// Its calculation can't be done or comes to something else.
    CalculationDiffers,
    /// A name does not stand in the evidence.
    NameNotInEvidence,
    /// A date does not stand in the evidence.
    DateNotInEvidence,
    /// It denies what the evidence affirms, or the other way round.
    NegationDiffers,
    /// It requires, allows or forbids what the evidence does not.
    ModalDiffers,
    /// It calls a least value the greatest, or the other way round.
    BoundDiffers,
    /// No sentence of the evidence is near it.
    NotSimilar,
    /// The model was stopped in the middle of it.
    CutOff,
    /// Too few of several tries said it.
    NoMajority,
}

impl StrikeReason {
    /// The word used in API and UI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoEvidence => "no_evidence",
            Self::UnknownEvidence => "unknown_evidence",
            Self::NumberNotInEvidence => "number_not_in_evidence",
            Self::NumberOfAnother => "number_of_another",
            Self::CalculationDiffers => "calculation_differs",
            Self::NameNotInEvidence => "name_not_in_evidence",
            Self::DateNotInEvidence => "date_not_in_evidence",
            Self::NegationDiffers => "negation_differs",
            Self::ModalDiffers => "modal_differs",
            Self::BoundDiffers => "bound_differs",
            Self::NotSimilar => "not_similar",
            Self::CutOff => "cut_off",
            Self::NoMajority => "no_majority",
        }
    }
}

/// Why a sentence was struck, with the words at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strike {
    /// The kind of fault.
    pub reason: StrikeReason,
    /// The number, name or date at fault; how near the nearest sentence is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Strike {
    pub(crate) const fn new(reason: StrikeReason) -> Self {
        Self { reason, detail: None }
    }

    pub(crate) fn with(reason: StrikeReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: Some(detail.into()) }
    }
}

/// A sentence of the evidence that supports a claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Number of the evidence.
    pub evidence: u32,
    /// Index of the sentence among those of the evidence.
    pub sentence: usize,
    /// How near it is, −1 to 1.
    pub similarity: f32,
}

/// What a check found about a claim.
pub type Finding = Result<Vec<Place>, Strike>;

/// Decides which claims are shown. The one guard between a model's words and a reader.
pub trait SentenceCheck: Send + Sync {
    /// Its name and version, for receipts.
    fn name(&self) -> &'static str;

    /// For each claim, in order: the sentences that support it, one per cited evidence, best
    /// evidence first; or why it is struck.
    fn check<'a>(
        &'a self,
        claims: &'a [Claim],
        evidence: &'a EvidenceSet,
    ) -> BoxFuture<'a, Vec<Finding>>;
}
