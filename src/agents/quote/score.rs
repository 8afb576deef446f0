//! How well a candidate answers a question: a few plain features, and two linear sums of them. One
//! orders the candidates; the other, through the logistic function, says whether the best of them
//! is an answer at all. How far the numbers are fitted stands in `weights.rs`;
//! `models/quote-mode/fit.py` documents how it is done.

use std::collections::BTreeMap;

use knowledge::Passage;

use super::candidates::Candidate;
use super::expected::has_kind;
use super::question::{Question, passage_terms};
use super::terms::{Names, terms};
use super::weights::{DECISION_BIAS, DECISION_WEIGHTS, RANK_WEIGHTS};

/// What is measured of a candidate, each about 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Features {
    /// Question's words in the quote.
    pub(crate) coverage: f32,
    /// Question's words in the quote, its headings and lead-in.
    pub(crate) coverage_context: f32,
    /// Question's words anywhere in the passage.
    pub(crate) coverage_passage: f32,
    /// What the question names, in the quote.
    pub(crate) named: f32,
    /// What the question names, in the quote, its headings, lead-in and document title.
    pub(crate) named_context: f32,
    /// What the question names, anywhere in the passage.
    pub(crate) named_passage: f32,
    /// The quote has the kind of answer that is asked for.
    pub(crate) kind_present: f32,
    /// The quote lacks the kind of answer that is asked for.
    pub(crate) kind_absent: f32,
    /// Cosine of question and quote with its nearest heading.
    pub(crate) dense: f32,
    /// Cosine of question and passage.
    pub(crate) dense_passage: f32,
    /// Retrieval's score of the passage.
    pub(crate) retrieval: f32,
    /// Words of the quote that the question does not say itself.
    pub(crate) novelty: f32,
    /// The quote is a table row.
    pub(crate) is_row: f32,
}

/// Names of the features, in the order of [`Features::values`] and of the weights.
pub(crate) const FEATURE_NAMES: [&str; 13] = [
    "coverage",
    "coverage_context",
    "coverage_passage",
    "named",
    "named_context",
    "named_passage",
    "kind_present",
    "kind_absent",
    "dense",
    "dense_passage",
    "retrieval",
    "novelty",
    "is_row",
];

impl Features {
    /// Measures everything but the candidate's own embedding, which comes later for those that
    /// are worth it.
    pub(crate) fn measure(question: &Question, candidate: &Candidate, passage: &Passage) -> Self {
        let language = question.language;
        let quote = terms(&candidate.quote, language);
        let mut with_context = quote.clone();
        with_context.extend(terms(&candidate.context, language));
        let about = format!("{} {} {}", candidate.quote, candidate.context, passage.document_title);
        let everything = format!("{about} {}", passage.text);
        let present = question.kind.map(|kind| has_kind(&candidate.quote, kind));
        Self {
            coverage: question.coverage(&quote),
            coverage_context: question.coverage(&with_context),
            coverage_passage: question.coverage(&passage_terms(passage, language)),
            named: question.named_share(&Names::of(&candidate.quote)),
            named_context: question.named_share(&Names::of(&about)),
            named_passage: question.named_share(&Names::of(&everything)),
            kind_present: f32::from(u8::from(present == Some(true))),
            kind_absent: f32::from(u8::from(present == Some(false))),
            dense: 0.0,
            dense_passage: passage.scores.vector,
            retrieval: passage.scores.fused,
            novelty: question.novelty(&quote),
            is_row: f32::from(u8::from(candidate.is_row)),
        }
    }

    /// The numbers, in the order of [`FEATURE_NAMES`].
    pub(crate) const fn values(&self) -> [f32; 13] {
        [
            self.coverage,
            self.coverage_context,
            self.coverage_passage,
            self.named,
            self.named_context,
            self.named_passage,
            self.kind_present,
            self.kind_absent,
            self.dense,
            self.dense_passage,
            self.retrieval,
            self.novelty,
            self.is_row,
        ]
    }

    /// The order among the candidates of one question.
    pub(crate) fn rank(&self) -> f32 {
        dot(&self.values(), &RANK_WEIGHTS)
    }

    /// Estimated probability that the candidate answers.
    pub(crate) fn probability(&self) -> f32 {
        let sum = DECISION_BIAS + dot(&self.values(), &DECISION_WEIGHTS);
        1.0 / (1.0 + (-sum).exp())
    }

    /// By name, for the receipt.
    pub(crate) fn by_name(&self) -> BTreeMap<String, f32> {
        FEATURE_NAMES.iter().map(|name| (*name).to_owned()).zip(self.values()).collect()
    }
}

fn dot(a: &[f32; 13], b: &[f32; 13]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
