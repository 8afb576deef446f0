//! Numbers fitted by `models/quote-mode/fit.py` on the tuning half of the golden questions. In the
//! order of [`FEATURE_NAMES`](super::score::FEATURE_NAMES).

/// Weights of the order among candidates.
pub(crate) const RANK_WEIGHTS: [f32; 13] =
    [1.2, 1.0, 0.2, 0.8, 0.8, 0.2, 0.5, -0.5, 1.2, 0.2, 0.6, 0.3, 0.0];

/// Weights of the decision whether there is an answer.
pub(crate) const DECISION_WEIGHTS: [f32; 13] =
    [1.0, 2.0, 1.0, 0.5, 2.5, 1.5, 0.5, -1.5, 3.0, 1.0, 0.5, 0.0, 0.0];

/// Its constant.
pub(crate) const DECISION_BIAS: f32 = -7.5;

/// Least estimated probability at which a sentence is given as an answer.
pub(crate) const ANSWER_THRESHOLD: f32 = 0.5;

/// A further sentence is quoted beside the best one when its rank is at least this part of it.
pub(crate) const FURTHER_SHARE: f32 = 0.85;
