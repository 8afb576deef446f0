//! The numbers of quote mode, in the order of [`FEATURE_NAMES`](super::score::FEATURE_NAMES).
//!
//! Fitted by `models/quote-mode/fit.py` on the tuning half of the sample plant's golden set, on its
//! `tuning.jsonl` and on the questions of another plant, 492 in all; how is told there.

use super::score::FEATURES;

/// Weights of the order among candidates.
pub(crate) const RANK_WEIGHTS: [f32; FEATURES] = [
    1.738, 1.940, 1.700, 1.413, -0.250, -0.441, 0.635, 0.701, 0.429, 0.688, 1.747, -2.247, 0.667,
    -0.667, 3.019, 0.981, 1.486, 0.000, 0.937, -0.508, 0.769, -0.712, -0.525, -1.021, 0.000, 1.142,
    0.796, 0.749, -0.749, 0.129,
];

/// Weights of the decision whether there is an answer.
pub(crate) const DECISION_WEIGHTS: [f32; FEATURES] = [
    0.545, 0.126, 1.499, 0.540, -0.847, -1.296, 0.436, 2.408, 1.414, -0.077, 0.607, -3.036, -0.127,
    -0.696, 3.242, 1.061, 0.276, 0.074, 0.484, 0.033, 0.296, -0.574, -0.289, 0.119, -0.354, 0.596,
    0.055, 0.565, 0.098, -0.218,
];

/// Its constant.
pub(crate) const DECISION_BIAS: f32 = -6.075;

/// Least estimated probability at which a sentence is given as an answer.
pub(crate) const ANSWER_THRESHOLD: f32 = 0.60;

/// A further sentence of the same document is quoted beside the best one when its rank is at most so
/// much less.
pub(crate) const FURTHER_MARGIN: f32 = 2.1;

/// The same for the sentence that follows the best one in its paragraph.
pub(crate) const FOLLOWING_MARGIN: f32 = 4.0;

/// The same for a sentence of another document.
pub(crate) const OTHER_DOCUMENT_MARGIN: f32 = 1.0;
