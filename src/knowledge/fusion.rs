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
pub(crate) const DENSE_WEIGHT_SPOKEN: f32 = 0.5;

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

/// Moves the cosines of one embedder to where another's lie: the same mean, the same spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    factor: f32,
    shift: f32,
}

impl Default for Scale {
    /// Leaves them as they are.
    fn default() -> Self {
        Self { factor: 1.0, shift: 0.0 }
    }
}

impl Scale {
    /// From what both say of the same chunks: cosines of the first embedder become like those of the second.
    pub(crate) fn between(pairs: &[(f32, f32)]) -> Self {
        let count = pairs.len() as f32;
        if pairs.len() < 2 {
            return Self::default();
        }
        let mean = |of: fn(&(f32, f32)) -> f32| pairs.iter().map(of).sum::<f32>() / count;
        let (mean_from, mean_to) = (mean(|pair| pair.0), mean(|pair| pair.1));
        let variance_from = pairs.iter().map(|pair| (pair.0 - mean_from).powi(2)).sum::<f32>();
        let variance_to = pairs.iter().map(|pair| (pair.1 - mean_to).powi(2)).sum::<f32>();
        let factor = if variance_from > f32::EPSILON {
            (variance_to / variance_from).sqrt()
        } else {
            // All alike to the first one: it says nothing.
            0.0
        };
        Self { factor, shift: mean_to - factor * mean_from }
    }

    pub(crate) fn of(self, cosine: f32) -> f32 {
        (self.factor * cosine + self.shift).clamp(-1.0, 1.0)
    }
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

    #[test]
    fn cosines_of_another_embedder_get_mean_and_spread_of_the_first() {
        let pairs = [(0.9, 0.6), (0.8, 0.4), (0.85, 0.2)];
        let scale = Scale::between(&pairs);
        let moved: Vec<f32> = pairs.iter().map(|(from, _)| scale.of(*from)).collect();
        let mean = moved.iter().sum::<f32>() / 3.0;
        assert!((mean - 0.4).abs() < 1e-5, "{moved:?}");
        let spread = moved.iter().map(|of| (of - mean).powi(2)).sum::<f32>();
        assert!((spread - 0.08).abs() < 1e-5, "{moved:?}");
        assert!(moved[0] > moved[2] && moved[2] > moved[1], "their order stays: {moved:?}");
        // What says nothing moves nothing.
        assert_eq!(Scale::between(&[(0.5, 0.1), (0.5, 0.3)]).of(0.5), 0.2);
        assert_eq!(Scale::between(&pairs[..1]).of(0.7), 0.7);
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
