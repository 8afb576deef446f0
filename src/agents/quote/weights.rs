//! The numbers of quote mode, in the order of [`FEATURE_NAMES`](super::score::FEATURE_NAMES).
//!
//! The decision is a logistic regression on the best candidate of each question of the tuning half
//! (60 of its 62 questions; ridge 0.005 towards the starting values of `models/quote-mode/fit.py`).
//! The order among candidates has not been fitted yet: its numbers are the starting values, halved.

/// Weights of the order among candidates.
pub(crate) const RANK_WEIGHTS: [f32; 13] =
    [1.2, 1.0, 0.2, 0.8, 0.8, 0.2, 0.5, -0.5, 1.2, 0.2, 0.6, 0.3, 0.0];

/// Weights of the decision whether there is an answer.
pub(crate) const DECISION_WEIGHTS: [f32; 13] =
    [0.957, 2.17, 1.58, 2.068, 2.749, 1.749, 2.191, -1.996, 3.253, 1.573, 1.05, 0.745, 0.924];

/// Its constant.
pub(crate) const DECISION_BIAS: f32 = -13.163;

/// Least estimated probability at which a sentence is given as an answer.
pub(crate) const ANSWER_THRESHOLD: f32 = 0.5;

/// A further sentence is quoted beside the best one when its rank is at least this part of it.
pub(crate) const FURTHER_SHARE: f32 = 0.85;
