//! The numbers of quote mode, in the order of [`FEATURE_NAMES`](super::score::FEATURE_NAMES).
//!
//! Fitted by `models/quote-mode/fit.py` on the tuning half of the sample plant's golden set and on its
//! `tuning.jsonl`, 222 questions in all; how is told there.

use super::score::FEATURES;

/// Weights of the order among candidates.
pub(crate) const RANK_WEIGHTS: [f32; FEATURES] = [
    2.385, 2.687, 2.396, 1.792, -0.062, 0.000, 0.000, 0.335, 0.060, 0.675, 1.476, -1.976, 0.622,
    -0.622, 3.957, 1.398, 1.762, 0.000, 0.702, -0.179, 0.970, -0.866, -0.541,
];

/// Weights of the decision whether there is an answer.
pub(crate) const DECISION_WEIGHTS: [f32; FEATURES] = [
    0.615, 0.225, 1.588, 0.646, -0.820, -1.294, 0.145, 2.180, 1.290, -0.083, 0.293, -2.384, -0.173,
    -0.199, 3.309, 1.112, 0.407, 0.202, 0.282, -0.066, 0.279, -0.787, -0.274,
];

/// Its constant.
pub(crate) const DECISION_BIAS: f32 = -4.990;

/// Least estimated probability at which a sentence is given as an answer.
pub(crate) const ANSWER_THRESHOLD: f32 = 0.73;

/// A further sentence of the same document is quoted beside the best one when its rank is at most so
/// much less.
pub(crate) const FURTHER_MARGIN: f32 = 2.1;

/// The same for the sentence that follows the best one in its paragraph.
pub(crate) const FOLLOWING_MARGIN: f32 = 4.0;
