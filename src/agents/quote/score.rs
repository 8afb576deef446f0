//! How well a candidate answers a question: a few plain features, and two linear sums of them. One
//! orders the candidates; the other, through the logistic function, says whether the best of them
//! is an answer at all. How far the numbers are fitted stands in `weights.rs`;
//! `models/quote-mode/fit.py` documents how it is done.

use std::collections::BTreeMap;

use knowledge::Passage;

use super::candidates::Candidate;
use super::expected::{Form, has_kind};
use super::question::{Evidence, Question};
use super::terms::sequence;
use super::weights::{DECISION_BIAS, DECISION_WEIGHTS, RANK_WEIGHTS};

/// Number of features.
pub(crate) const FEATURES: usize = 30;

/// Words at the beginning of a sentence that say what it is about.
const SUBJECT_WORDS: usize = 6;

/// What is measured of a candidate, each about 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Features {
    /// What the question says, met by the quote.
    pub(crate) coverage: f32,
    /// The same, by the quote and the sentence before it.
    pub(crate) coverage_near: f32,
    /// The same, by the quote, its headings and lead-in.
    pub(crate) coverage_context: f32,
    /// The same, anywhere in the passage.
    pub(crate) coverage_passage: f32,
    /// The weightiest thing that quote, headings, lead-in and title lack.
    pub(crate) missing: f32,
    /// The weightiest thing that the passage lacks.
    pub(crate) missing_passage: f32,
    /// What the question names, in the quote.
    pub(crate) named: f32,
    /// What the question names, in the quote, its headings, lead-in and document title.
    pub(crate) named_context: f32,
    /// What the question names, anywhere in the passage.
    pub(crate) named_passage: f32,
    /// What the question names, where the quote says what it is about: in its first cell or words.
    pub(crate) named_first: f32,
    /// The quote has the kind of answer that is asked for, told by a unit or a form of its own.
    pub(crate) kind_present: f32,
    /// The quote lacks that kind of answer.
    pub(crate) kind_absent: f32,
    /// The quote has the kind of answer that is asked for, told by words alone (when, who, how many).
    pub(crate) loose_present: f32,
    /// The quote lacks that kind of answer.
    pub(crate) loose_absent: f32,
    /// Cosine of question and quote with its nearest heading.
    pub(crate) dense: f32,
    /// Cosine of question and passage.
    pub(crate) dense_passage: f32,
    /// Retrieval's score of the passage.
    pub(crate) retrieval: f32,
    /// Words of the quote that the question does not say itself.
    pub(crate) novelty: f32,
    /// The longest run of words that question and quote have in common.
    pub(crate) phrase: f32,
    /// The quote is a table row.
    pub(crate) is_row: f32,
    /// The words of a row's first cell that the question says.
    pub(crate) row_key: f32,
    /// Neither a row nor a list item nor a whole sentence: a title, a caption, a scrap.
    pub(crate) is_fragment: f32,
    /// The quote denies a word that the question does not deny ("non-drive end").
    pub(crate) negated: f32,
    /// What quote, headings, lead-in and title lack beside the weightiest thing.
    pub(crate) missing_further: f32,
    /// What the question says and no passage does.
    pub(crate) unknown: f32,
    /// What is asked for, in the quote, its headings, lead-in and title.
    pub(crate) asked: f32,
    /// The last thing that the question says, there.
    pub(crate) asked_last: f32,
    /// The quote has a word that gives a reason, a place, a rule or a remedy, as asked.
    pub(crate) soft_present: f32,
    /// The quote lacks such a word.
    pub(crate) soft_absent: f32,
    /// The quote is an item of a list.
    pub(crate) items: f32,
}

/// Names of the features, in the order of [`Features::values`] and of the weights.
pub(crate) const FEATURE_NAMES: [&str; FEATURES] = [
    "coverage",
    "coverage_near",
    "coverage_context",
    "coverage_passage",
    "missing",
    "missing_passage",
    "named",
    "named_context",
    "named_passage",
    "named_first",
    "kind_present",
    "kind_absent",
    "loose_present",
    "loose_absent",
    "dense",
    "dense_passage",
    "retrieval",
    "novelty",
    "phrase",
    "is_row",
    "row_key",
    "is_fragment",
    "negated",
    "missing_further",
    "unknown",
    "asked",
    "asked_last",
    "soft_present",
    "soft_absent",
    "items",
];

impl Features {
    /// Measures everything but the candidate's own embedding, which comes later for those that
    /// are worth it.
    pub(crate) fn measure(question: &Question, candidate: &Candidate, passage: &Passage) -> Self {
        let of = |text: &str| Evidence::of(text, question.language);
        let (quote, context) = (of(&candidate.quote), of(&candidate.context));
        let before = of(&candidate.before);
        let title = &question.titles[candidate.passage];
        let whole = &question.passages[candidate.passage];
        let about = [&quote, &context, title];
        let everything = [&quote, &context, title, whole];
        let words = sequence(&candidate.quote, question.language);
        let kind = |form: Form| {
            let kind = question.kind.filter(|kind| kind.form() == form);
            kind.map(|kind| has_kind(&candidate.quote, kind))
        };
        let (strict, loose, soft) = (kind(Form::Strict), kind(Form::Loose), kind(Form::Soft));
        let subject = of(subject(candidate));
        let flag = |is: bool| f32::from(u8::from(is));
        Self {
            coverage: question.coverage(&[&quote]),
            coverage_near: question.coverage(&[&quote, &before]),
            coverage_context: question.coverage(&[&quote, &context]),
            coverage_passage: question.coverage(&everything),
            missing: question.missing(&about),
            missing_passage: question.missing(&everything),
            named: question.named_share(&[&quote]),
            named_context: question.named_share(&about),
            named_passage: question.named_share(&everything),
            named_first: flag(question.names_something()) * question.named_share(&[&subject]),
            kind_present: flag(strict == Some(true)),
            kind_absent: flag(strict == Some(false)),
            loose_present: flag(loose == Some(true)),
            loose_absent: flag(loose == Some(false)),
            dense: 0.0,
            dense_passage: passage.scores.vector,
            retrieval: passage.scores.fused,
            novelty: question.novelty(&quote),
            phrase: question.phrase(&words),
            is_row: flag(candidate.is_row),
            row_key: flag(candidate.is_row) * question.said_share(&subject),
            is_fragment: flag(candidate.is_fragment()),
            negated: flag(question.is_denied_by(&words)),
            missing_further: question.missing_further(&about),
            unknown: question.unknown(),
            asked: question.asked(&about),
            asked_last: question.asked_last(&about),
            soft_present: flag(soft == Some(true)),
            soft_absent: flag(soft == Some(false)),
            items: flag(candidate.is_item()),
        }
    }

    /// The numbers, in the order of [`FEATURE_NAMES`].
    pub(crate) const fn values(&self) -> [f32; FEATURES] {
        [
            self.coverage,
            self.coverage_near,
            self.coverage_context,
            self.coverage_passage,
            self.missing,
            self.missing_passage,
            self.named,
            self.named_context,
            self.named_passage,
            self.named_first,
            self.kind_present,
            self.kind_absent,
            self.loose_present,
            self.loose_absent,
            self.dense,
            self.dense_passage,
            self.retrieval,
            self.novelty,
            self.phrase,
            self.is_row,
            self.row_key,
            self.is_fragment,
            self.negated,
            self.missing_further,
            self.unknown,
            self.asked,
            self.asked_last,
            self.soft_present,
            self.soft_absent,
            self.items,
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

/// Where a quote says what it is about: the first cell of a row, the first words of a sentence.
fn subject(candidate: &Candidate) -> &str {
    let quote = candidate.quote.as_str();
    if candidate.is_row {
        return quote.split(';').next().unwrap_or(quote);
    }
    let end = quote.match_indices(' ').nth(SUBJECT_WORDS - 1).map_or(quote.len(), |(at, _)| at);
    &quote[..end]
}

fn dot(a: &[f32; FEATURES], b: &[f32; FEATURES]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
