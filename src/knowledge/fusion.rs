//! One score from two: words and meaning.
//!
//! Both arms give absolute scores: BM25 as a share of what the query's words could score at most,
//! and the cosine of embeddings. Their weighted sum needs no statistics of the other candidates,
//! so it means the same for every query and can be compared with a threshold. On XQuAD, English and
//! German, it does better than normalising either arm by its best, by its range or by its spread
//! among the candidates (nDCG@10 .981 and .955 against .980 and .955 at their best weights); in
//! Spanish it is .001 behind. The weights were tried from .1 to .8 in steps of .1.

use base::limits::EMBEDDING_DIMENSIONS;
use models::Embedding;

use crate::text::LanguageGuess;

/// Weight of the cosine for a question in a language that the embedder speaks.
const DENSE_WEIGHT_SPOKEN: f32 = 0.5;

/// Weight of the cosine for a question in another language: names, numbers and borrowed words.
const DENSE_WEIGHT_FOREIGN: f32 = 0.2;

/// How many of the best chunks tell where the question's neighbourhood is.
pub(crate) const FEEDBACK_CHUNKS: usize = 3;

/// How far the question moves towards their mean. On Cranfield it lifts nDCG@10 from .4405 to .4519
/// (in a prototype with full vectors every weight from 0.2 to 0.4 and two to five chunks gained .005
/// to .014); XQuAD-en goes from .9801 to .9797.
const FEEDBACK_WEIGHT: f32 = 0.3;

/// Added for a name of the question that stands in the chunk, however it is typed.
const IDENTIFIER_BONUS: f32 = 0.15;

/// Scores of the two arms for one chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ArmScores {
    /// Share of the best BM25 score that is possible, 0 to 1.
    pub bm25: f32,
    /// Cosine of the embeddings, −1 to 1; 0 when there is none.
    pub dense: f32,
    /// Whether a name of the question (`P-101`) stands in the chunk.
    pub identifier_match: bool,
}

/// The weight of the dense arm, 0 to 1; the rest is BM25's. Depends on the question's language
/// alone.
#[must_use]
pub fn dense_weight(guess: &LanguageGuess) -> f32 {
    if is_spoken(guess) { DENSE_WEIGHT_SPOKEN } else { DENSE_WEIGHT_FOREIGN }
}

/// Whether the embedder speaks the question's language. Feedback is for such questions alone: in
/// others it changes nothing that can be measured (XQuAD-de, XQuAD-es).
pub(crate) fn is_spoken(guess: &LanguageGuess) -> bool {
    guess.first().is_some_and(|language| language.is_spoken_by_embedder())
}

/// The question's embedding, moved towards the mean of those of the best chunks (Rocchio, 1971, with
/// the first ranking in the place of a person's judgement). `None` without a chunk, or when they
/// cancel the question out.
pub(crate) fn with_feedback(question: &Embedding, best: &[&Embedding]) -> Option<Embedding> {
    let count = u16::try_from(best.len()).ok().filter(|count| *count > 0)?;
    let share = FEEDBACK_WEIGHT / f32::from(count);
    let mut moved: [f32; EMBEDDING_DIMENSIONS] = *question.as_array();
    for chunk in best {
        for (sum, number) in moved.iter_mut().zip(chunk.as_array()) {
            *sum += share * number;
        }
    }
    Embedding::normalise(moved).ok()
}

/// The fused score, 0 to 1.
#[must_use]
pub fn fuse(scores: ArmScores, dense_weight: f32) -> f32 {
    let sum = (1.0 - dense_weight) * scores.bm25 + dense_weight * scores.dense.max(0.0);
    let bonus = if scores.identifier_match { IDENTIFIER_BONUS } else { 0.0 };
    (sum + bonus).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;
    use crate::text::Language;

    proptest! {
        #[test]
        fn more_evidence_never_lowers_a_score(
            bm25 in 0.0_f32..1.0, dense in -1.0_f32..1.0, more in 0.0_f32..0.5, weight in 0.0_f32..1.0,
        ) {
            let scores = ArmScores { bm25, dense, identifier_match: false };
            let score = fuse(scores, weight);
            prop_assert!((0.0..=1.0).contains(&score));
            for better in [
                ArmScores { bm25: bm25 + more, ..scores },
                ArmScores { dense: dense + more, ..scores },
                ArmScores { identifier_match: true, ..scores },
            ] {
                prop_assert!(fuse(better, weight) >= score);
            }
        }
    }

    #[test]
    fn leans_to_words_where_the_embedder_does_not_speak_the_language() {
        let english = dense_weight(&LanguageGuess::certain(Language::English));
        let german = dense_weight(&LanguageGuess::certain(Language::German));
        assert!(german < english);
        assert!(dense_weight(&LanguageGuess::default()) <= german);
    }

    fn along(axis: usize) -> Embedding {
        let mut values = [0.0; EMBEDDING_DIMENSIONS];
        values[axis] = 1.0;
        Embedding::normalise(values).unwrap()
    }

    #[test]
    fn feedback_moves_the_question_by_its_weight_towards_the_mean() {
        let question = along(0);
        let moved = with_feedback(&question, &[&along(1), &along(2)]).unwrap();
        // (1, 0.15, 0.15) scaled to length 1.
        let length = (1.0 + 2.0 * 0.15_f32 * 0.15).sqrt();
        assert!((moved.dot(&question) - 1.0 / length).abs() < 1e-6);
        assert!((moved.dot(&along(1)) - 0.15 / length).abs() < 1e-6);
        assert!((moved.dot(&along(1)) - moved.dot(&along(2))).abs() < 1e-6);
        assert_eq!(with_feedback(&question, &[]), None);
        assert!(with_feedback(&question, &[&question]).unwrap().dot(&question) > 0.999_999);
    }
}
