//! Measuring the answers: golden questions in, figures per half out.
//!
//! The tuning half is what thresholds and weights were fitted on; the reported half is only ever
//! counted.

use std::collections::BTreeMap;

use base::Label;
use knowledge::{KnowledgeError, Library, Standing, passages_find, revision_get};
use policy::{authorize, chat, documents};
use serde::Serialize;
use store::TenantCtx;

use crate::AgentError;
use crate::answer::{answer, search_for};
pub use crate::golden::{Forbidden, GoldenQuestion, Half, Place, Wanted, golden_parse};
use crate::model::{Answer, AskInput, Citation};
use crate::quote::weigh;
use crate::workbench::Workbench;

/// What became of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Answered with the expected words from an expected document and page.
    Right,
    /// Answered with the expected words from an expected document, but another page.
    RightOtherPage,
    /// Answered with something else.
    Wrong,
    /// Refused although there is an answer.
    Missed,
    /// Refused, as it should be.
    Refused,
    /// Answered although there is no answer.
    Invented,
}

/// One question's outcome; carries the question, which is the evaluation's own text.
#[derive(Clone, Debug, Serialize)]
pub struct QuestionOutcome {
    /// The question's id.
    pub id: String,
    /// Its half.
    pub half: Half,
    /// Its category.
    pub category: String,
    /// What became of it.
    pub verdict: Verdict,
    /// Estimated probability that the best sentence answers.
    pub score: f32,
    /// What the estimate was made from.
    pub features: BTreeMap<String, f32>,
    /// A quoted revision was not valid.
    pub quoted_invalid: bool,
    /// Something above the person's rights was shown.
    pub above_rights: bool,
    /// Time from question to commit, in milliseconds.
    pub total_ms: u64,
}

/// Counts of one category, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Questions with an answer.
    pub answerable: u32,
    /// Of them, answered right, on whichever page.
    pub right: u32,
    /// Of those, on an expected page.
    pub right_page: u32,
    /// Answered wrong.
    pub wrong: u32,
    /// Refused although there is an answer.
    pub missed: u32,
    /// Questions without an answer.
    pub unanswerable: u32,
    /// Of them, refused.
    pub refused: u32,
    /// Answered all the same.
    pub invented: u32,
    /// Questions whose answer quoted a revision that is not valid.
    pub quoted_invalid: u32,
    /// Questions whose answer showed something above the person's rights.
    pub above_rights: u32,
}

impl Counts {
    fn add(&mut self, outcome: &QuestionOutcome) {
        match outcome.verdict {
            Verdict::Right => {
                self.right += 1;
                self.right_page += 1;
            }
            Verdict::RightOtherPage => self.right += 1,
            Verdict::Wrong => self.wrong += 1,
            Verdict::Missed => self.missed += 1,
            Verdict::Refused => self.refused += 1,
            Verdict::Invented => self.invented += 1,
        }
        match outcome.verdict {
            Verdict::Refused | Verdict::Invented => self.unanswerable += 1,
            _ => self.answerable += 1,
        }
        self.quoted_invalid += u32::from(outcome.quoted_invalid);
        self.above_rights += u32::from(outcome.above_rights);
    }

    /// Part of the answerable questions that were answered right, 0 to 1.
    #[must_use]
    pub fn right_share(&self) -> f64 {
        f64::from(self.right) / f64::from(self.answerable.max(1))
    }

    /// Part of the unanswerable questions that were refused, 0 to 1.
    #[must_use]
    pub fn refused_share(&self) -> f64 {
        f64::from(self.refused) / f64::from(self.unanswerable.max(1))
    }
}

/// One half's figures.
#[derive(Clone, Debug, Serialize)]
pub struct HalfReport {
    /// Which half.
    pub half: Half,
    /// Over all its questions.
    pub all: Counts,
    /// By category.
    pub categories: BTreeMap<String, Counts>,
}

/// All figures.
#[derive(Clone, Debug, Serialize)]
pub struct EvaluationReport {
    /// Tuning first.
    pub halves: Vec<HalfReport>,
    /// Question by question.
    pub outcomes: Vec<QuestionOutcome>,
}

/// Asks every question in a context from `ctx_for`, which must have the tenant, the clearance and
/// the eligibility that the question names. Every question begins a conversation of its own.
///
/// # Errors
/// What `ctx_for` returns, or the first error of an answer.
pub async fn evaluate(
    bench: &Workbench,
    questions: &[GoldenQuestion],
    mut ctx_for: impl AsyncFnMut(&GoldenQuestion) -> Result<TenantCtx, AgentError>,
) -> Result<EvaluationReport, AgentError> {
    let mut outcomes = Vec::with_capacity(questions.len());
    for question in questions {
        let ctx = ctx_for(question).await?;
        let permit = authorize::<chat::Send>(&ctx)?;
        // What is measured is quote mode, whatever models there are.
        let input = AskInput {
            message: question.question.clone(),
            agent: Some(crate::QUOTE_MODE.to_owned()),
            ..AskInput::default()
        };
        let asked = crate::question(&permit, bench, input).await?;
        let answer = answer(permit, bench, asked, None).await?;
        let (quoted_invalid, above_rights) = breaches(&ctx, question, &answer).await?;
        outcomes.push(QuestionOutcome {
            id: question.id.clone(),
            half: question.half,
            category: question.category.clone(),
            verdict: verdict(question, &answer),
            score: answer.receipt.decision.score,
            features: answer.receipt.decision.features.clone(),
            quoted_invalid,
            above_rights,
            total_ms: answer.receipt.timings.total_ms,
        });
    }
    let halves = [Half::Tuning, Half::Reported].map(|half| half_report(half, &outcomes));
    Ok(EvaluationReport { halves: halves.into(), outcomes })
}

/// What was measured of one candidate sentence.
#[derive(Clone, Debug, Serialize)]
pub struct CandidateFeatures {
    /// By name.
    pub features: BTreeMap<String, f32>,
    /// It holds the expected words and stands in an expected document.
    pub right: bool,
    /// Its document's key.
    pub document: String,
    /// Which of the passages it stands in, and where.
    pub place: (usize, usize),
    /// The sentence before it in its paragraph.
    pub before: String,
    /// The line that announces it.
    pub lead: String,
    /// Its headings and lead-in, for looking at.
    pub context: String,
    /// Its words, for looking at.
    pub quote: String,
}

/// What was measured of the best candidates of a question, best first; for fitting the weights.
#[derive(Clone, Debug, Serialize)]
pub struct QuestionFeatures {
    /// The question's id.
    pub id: String,
    /// What is to become of it.
    pub wanted: Wanted,
    /// The question.
    pub question: String,
    /// Its candidates.
    pub candidates: Vec<CandidateFeatures>,
}

/// Candidates whose measurements are kept per question.
const FEATURES_MAX_CANDIDATES: usize = 80;

/// Measures the candidates of a question without answering it.
///
/// # Errors
/// Those of retrieval.
pub async fn candidate_features(
    library: &Library,
    question: &GoldenQuestion,
    ctx: &TenantCtx,
) -> Result<QuestionFeatures, AgentError> {
    let permit = authorize::<chat::Send>(ctx)?;
    let retrieval = passages_find(&permit, library, &search_for(&question.question, None)).await?;
    let weighed = weigh(&question.question, &retrieval, library.models()).await?;
    let candidates = weighed.into_iter().take(FEATURES_MAX_CANDIDATES).map(|weighed| {
        let passage = &retrieval.passages[weighed.candidate.passage];
        let places = question.document.iter().chain(question.also.iter().map(|p| &p.document));
        let mut places = places.map(|key| key.eq_ignore_ascii_case(&passage.document_key));
        CandidateFeatures {
            features: weighed.features.by_name(),
            right: places.any(|here| here) && says(question, &weighed.candidate.quote),
            document: passage.document_key.clone(),
            place: (weighed.candidate.passage, weighed.candidate.range.start),
            before: weighed.candidate.before,
            lead: weighed.candidate.lead,
            context: weighed.candidate.context,
            quote: weighed.candidate.quote,
        }
    });
    Ok(QuestionFeatures {
        id: question.id.clone(),
        wanted: question.kind,
        question: question.question.clone(),
        candidates: candidates.collect(),
    })
}

fn half_report(half: Half, outcomes: &[QuestionOutcome]) -> HalfReport {
    let mut report = HalfReport { half, all: Counts::default(), categories: BTreeMap::new() };
    for outcome in outcomes.iter().filter(|outcome| outcome.half == half) {
        report.all.add(outcome);
        report.categories.entry(outcome.category.clone()).or_default().add(outcome);
    }
    report
}

fn verdict(question: &GoldenQuestion, answer: &Answer) -> Verdict {
    let refused = answer.refusal.is_some();
    if question.kind != Wanted::Answerable {
        return if refused { Verdict::Refused } else { Verdict::Invented };
    }
    if refused {
        return Verdict::Missed;
    }
    let telling = answer.citations.iter().filter(|c| says(question, &c.quote));
    let mut verdict = Verdict::Wrong;
    for citation in telling {
        match place_of(question, citation) {
            Some(true) => return Verdict::Right,
            Some(false) => verdict = Verdict::RightOtherPage,
            None => {}
        }
    }
    verdict
}

/// Whether a citation is from an expected document, and if so whether from an expected page.
fn place_of(question: &GoldenQuestion, citation: &Citation) -> Option<bool> {
    let first = question.document.iter().map(|document| (document, question.page));
    let places = first.chain(question.also.iter().map(|place| (&place.document, place.page)));
    let mut found = None;
    for (document, page) in places {
        if document.eq_ignore_ascii_case(&citation.document_key) {
            let here = page.is_none_or(|page| page == citation.page.0);
            found = Some(found.unwrap_or(false) || here);
        }
    }
    found
}

fn says(question: &GoldenQuestion, quote: &str) -> bool {
    let mut expected = question.answer.iter().chain(&question.answer_alternatives);
    expected.any(|expected| contains_words(quote, expected))
}

/// Whether `words` stand in `text` as whole words, whatever the case and the kind of blanks.
fn contains_words(text: &str, words: &str) -> bool {
    let (text, words) = (plain(text), plain(words));
    if words.is_empty() {
        return false;
    }
    let mut from = 0;
    while let Some(at) = text[from..].find(&words) {
        let (start, end) = (from + at, from + at + words.len());
        let before = text[..start].chars().next_back();
        let after = text[end..].chars().next();
        let cut = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if !cut(before) && !cut(after) {
            return true;
        }
        from = start + text[start..].chars().next().map_or(1, char::len_utf8);
    }
    false
}

fn plain(text: &str) -> String {
    let spaced = text.replace(['⋅', '•', '∙'], "·").replace(['−', '–'], "-");
    spaced.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether something was quoted that is not valid, and whether something was shown that the person
/// may not see.
async fn breaches(
    ctx: &TenantCtx,
    question: &GoldenQuestion,
    answer: &Answer,
) -> Result<(bool, bool), AgentError> {
    let (mut invalid, mut above) = (false, false);
    let shown: Vec<(_, _, Label)> = answer
        .citations
        .iter()
        .map(|c| (c.document_id, c.revision_id, c.label))
        .chain(answer.nearest.iter().map(|n| (n.document_id, n.revision_id, n.label)))
        .collect();
    for (document, revision, label) in shown {
        let controlled = label.export_control.is_controlled() && !question.export_eligible;
        above |= controlled || label.classification > question.clearance;
        let permit = authorize::<documents::Read>(ctx)?;
        match revision_get(permit, document, revision).await {
            Ok(revision) => invalid |= revision.standing != Standing::Valid,
            Err(KnowledgeError::DocumentNotFound | KnowledgeError::RevisionNotFound) => {
                above = true;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(forbidden) = &question.forbidden {
        let quoted = answer.citations.iter().map(|c| &c.quote);
        let excerpts = answer.nearest.iter().map(|n| &n.excerpt);
        let told = quoted.chain(excerpts).any(|text| contains_words(text, &forbidden.text));
        match question.kind {
            Wanted::Withdrawn => invalid |= told,
            _ => above |= told,
        }
    }
    Ok((invalid, above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole() {
        assert!(contains_words("Torque: 90 N·m; cold", "90 n·m"));
        assert!(contains_words("1\u{a0}250 kg", "1 250 kg"));
        assert!(!contains_words("190 N·m", "90 N·m"));
        assert!(!contains_words("20 grams", "20 g"));
        assert!(!contains_words("anything", ""));
    }
}
