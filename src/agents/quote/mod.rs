//! Quote mode: the sentences of the documents that answer a question, word for word, or the
//! finding that there are none. Needs no language model.

mod candidates;
mod cues;
mod expected;
mod hints;
mod lexicon;
pub(crate) mod names;
mod question;
mod score;
mod sentences;
mod synonyms;
mod talk;
pub(crate) mod terms;
mod weights;

use std::time::Duration;

use knowledge::{Passage, Retrieval};
use models::{Embedding, ModelWorker, Priority, TextKind};

use crate::AgentError;
use crate::model::Decision;

pub(crate) use candidates::{Candidate, candidates};
use question::Question;
use score::Features;
pub(crate) use sentences::sentences;
use weights::{ANSWER_THRESHOLD, FOLLOWING_MARGIN, FURTHER_MARGIN, OTHER_DOCUMENT_MARGIN};

/// Most sentences of an answer.
pub(crate) const QUOTES_MAX: usize = 3;

/// Most steps that are quoted with the sentence that announces them.
pub(crate) const STEPS_MAX: usize = 8;

/// Most candidates that get an embedding of their own: the best by everything else.
const EMBEDDED_MAX: usize = 40;

/// Time for their embeddings; without them the words alone decide.
const EMBED_TIMEOUT: Duration = Duration::from_secs(5);

/// A candidate with what was measured of it.
#[derive(Clone, Debug)]
pub(crate) struct Weighed {
    pub(crate) candidate: Candidate,
    pub(crate) features: Features,
}

/// What is to be quoted.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    /// In reading order; empty when nothing answers.
    pub(crate) quotes: Vec<Weighed>,
    pub(crate) decision: Decision,
    /// Sentences that were weighed.
    pub(crate) candidates: usize,
}

/// Weighs every sentence that was found against the question, best first.
pub(crate) async fn weigh(
    question: &str,
    retrieval: &Retrieval,
    models: &ModelWorker,
) -> Result<Vec<Weighed>, AgentError> {
    let text = question.to_owned();
    let passages = retrieval.passages.clone();
    let measuring = tokio::task::spawn_blocking(move || measure(&text, &passages));
    let mut weighed = measuring.await.map_err(|_| AgentError::Panicked)?;
    if let Some(embedding) = &retrieval.query_embedding {
        add_dense(&mut weighed, embedding, &retrieval.passages, models).await;
        sort(&mut weighed);
    }
    Ok(weighed)
}

/// Decides, and picks up to [`QUOTES_MAX`] sentences in reading order.
pub(crate) fn choose(weighed: &[Weighed], passages: &[Passage]) -> Chosen {
    let candidates = weighed.len();
    let Some(best) = weighed.first() else {
        let decision = Decision { threshold: ANSWER_THRESHOLD, ..Decision::default() };
        return Chosen { quotes: Vec::new(), decision, candidates };
    };
    let score = best.features.probability();
    let answerable = score >= ANSWER_THRESHOLD;
    let decision = Decision {
        answerable,
        score,
        threshold: ANSWER_THRESHOLD,
        features: best.features.by_name(),
    };
    let quotes = if answerable { quotes_beside(best, weighed, passages) } else { Vec::new() };
    Chosen { quotes, decision, candidates }
}

/// The best sentence with what belongs to it, in reading order, its own document first.
fn quotes_beside(best: &Weighed, weighed: &[Weighed], passages: &[Passage]) -> Vec<Weighed> {
    let document = passages[best.candidate.passage].document_id;
    let same_passage = |other: &Weighed| other.candidate.passage == best.candidate.passage;
    // A sentence that announces steps is no answer without them.
    let announced =
        |other: &&Weighed| same_passage(other) && best.candidate.announces(&other.candidate);
    let mut steps: Vec<&Weighed> = weighed.iter().filter(announced).collect();
    let mut quotes: Vec<Weighed> = if steps.is_empty() {
        let good = weighed.iter().filter(|other| {
            // What follows in the same paragraph belongs to it more than what stands elsewhere, and
            // another document less.
            let margin = if same_passage(other) && other.candidate.before == best.candidate.quote {
                FOLLOWING_MARGIN
            } else if passages[other.candidate.passage].document_id == document {
                FURTHER_MARGIN
            } else {
                OTHER_DOCUMENT_MARGIN
            };
            best.features.rank() - other.features.rank() <= margin
        });
        good.take(QUOTES_MAX).cloned().collect()
    } else {
        steps.sort_by_key(|step| step.candidate.range.start);
        let steps = steps.into_iter().take(STEPS_MAX);
        std::iter::once(best).chain(steps).cloned().collect()
    };
    quotes.sort_by_key(|quote| {
        let passage = &passages[quote.candidate.passage];
        let page = passage.page_of(quote.candidate.range.clone());
        let place = (passage.revision_number, page, passage.chunk_id, quote.candidate.range.start);
        (passage.document_id != document, passage.document_id, place)
    });
    quotes
}

fn measure(question: &str, passages: &[Passage]) -> Vec<Weighed> {
    let question = Question::new(question, passages);
    let mut weighed: Vec<Weighed> = candidates(passages)
        .into_iter()
        .map(|candidate| {
            let passage = &passages[candidate.passage];
            let features = Features::measure(&question, &candidate, passage);
            Weighed { candidate, features }
        })
        .collect();
    sort(&mut weighed);
    weighed
}

/// Best first; the order of the text decides between equals, so that the same question always gets
/// the same answer.
fn sort(weighed: &mut [Weighed]) {
    weighed.sort_by(|a, b| {
        b.features.rank().total_cmp(&a.features.rank()).then_with(|| {
            let place = |w: &Weighed| (w.candidate.passage, w.candidate.range.start);
            place(a).cmp(&place(b))
        })
    });
}

/// Embeds the best candidates. When the worker can't, their cosine stays 0, as for all the others.
async fn add_dense(
    weighed: &mut [Weighed],
    question: &Embedding,
    passages: &[Passage],
    models: &ModelWorker,
) {
    let count = weighed.len().min(EMBEDDED_MAX);
    let Some(best) = weighed.get_mut(..count) else { return };
    let texts = best.iter().map(|w| with_heading(&w.candidate, passages)).collect();
    let embedded =
        models.embed(texts, TextKind::Passage, Priority::Interactive, EMBED_TIMEOUT).await;
    match embedded {
        Ok(embeddings) => {
            for (weighed, embedding) in best.iter_mut().zip(&embeddings) {
                weighed.features.dense = question.dot(embedding);
            }
        }
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "sentences are weighed without their embeddings"
        ),
    }
}

fn with_heading(candidate: &Candidate, passages: &[Passage]) -> String {
    match passages[candidate.passage].heading_path.last() {
        Some(heading) => format!("{heading}: {}", candidate.quote),
        None => candidate.quote.clone(),
    }
}
