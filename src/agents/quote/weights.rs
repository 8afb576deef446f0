//! The numbers of quote mode, in the order of [`FEATURE_NAMES`](super::score::FEATURE_NAMES).
//!
//! Fitted by `models/quote-mode/fit.py` on the tuning half of the sample plant's golden set, on its
//! `tuning.jsonl` and on the questions of another plant, 492 in all; how is told there.

use super::score::FEATURES;

/// Weights of the order among candidates.
pub(crate) const RANK_WEIGHTS: [f32; FEATURES] = [
    1.746, 1.945, 1.701, 1.407, -0.245, -0.436, 0.630, 0.700, 0.424, 0.686, 1.727, -2.227, 0.661,
    -0.661, 2.952, 0.984, 1.485, 0.000, 0.960, -0.531, 0.776, -0.708, -0.525, -1.048, 0.000, 1.143,
    0.789, 0.789, -0.789, 0.150,
];

/// Weights of the decision whether there is an answer.
pub(crate) const DECISION_WEIGHTS: [f32; FEATURES] = [
    0.535, 0.115, 1.512, 0.555, -0.850, -1.288, 0.447, 2.413, 1.419, -0.102, 0.585, -2.951, -0.158,
    -0.709, 3.231, 1.048, 0.248, 0.060, 0.484, 0.049, 0.274, -0.576, -0.289, 0.086, -0.334, 0.588,
    0.057, 0.545, 0.085, -0.208,
];

/// Its constant.
pub(crate) const DECISION_BIAS: f32 = -6.014;

/// Least estimated probability at which a sentence is given as an answer.
pub(crate) const ANSWER_THRESHOLD: f32 = 0.61;

/// A further sentence of the same document is quoted beside the best one when its rank is at most so
/// much less.
pub(crate) const FURTHER_MARGIN: f32 = 2.1;

/// The same for the sentence that follows the best one in its paragraph.
pub(crate) const FOLLOWING_MARGIN: f32 = 4.0;

/// The same for a sentence of another document.
pub(crate) const OTHER_DOCUMENT_MARGIN: f32 = 1.0;
