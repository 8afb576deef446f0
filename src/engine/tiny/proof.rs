//! Which tokens a worker must generate to be trusted.

use super::error::TinyError;
use super::file::TinyModel;
use super::forward::{Choice, Forward, Rounding};
use super::vocabulary::tokenise;

/// What the model is asked. Each byte is a token.
pub const PROOF_PROMPT: &str = "Which pump feeds line 3?";

/// Tokens that must come.
pub const PROOF_TOKENS: usize = 24;

/// The seed of the model: of the first 600,000, that with the largest smallest margin, among those
/// that generate at least 16 different tokens and none that ends the text. A model that repeats
/// itself is far ahead of the second best and proves little.
pub(super) const SEED: u64 = 115_254;

/// The likeliest tokens after [`PROOF_PROMPT`].
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// The tokens of the prompt.
    pub prompt: Vec<u32>,
    /// What must come, one after the other, and by how much each is ahead.
    pub expected: Vec<Choice>,
}

impl Proof {
    /// Computes what `model` must generate. Takes some milliseconds for
    /// [`TinyModel::for_proof`].
    ///
    /// # Errors
    /// [`TinyError`] when the model is too large, or has too little context.
    pub fn of(model: &TinyModel) -> Result<Self, TinyError> {
        let prompt = tokenise(PROOF_PROMPT);
        let expected = Forward::load(model, Rounding::None)?.greedy(&prompt, PROOF_TOKENS)?;
        Ok(Self { prompt, expected })
    }

    /// The tokens that must come.
    #[must_use]
    pub fn tokens(&self) -> Vec<u32> {
        self.expected.iter().map(|choice| choice.token).collect()
    }

    /// The smallest margin of all.
    #[must_use]
    pub fn least_margin(&self) -> f32 {
        self.expected.iter().map(|choice| choice.margin).fold(f32::INFINITY, f32::min)
    }

    /// Compares with what was generated; more tokens than must come are not looked at.
    ///
    /// # Errors
    /// [`TinyError::Proof`] with the first token that differs.
    pub fn check(&self, generated: &[u32]) -> Result<(), TinyError> {
        for (index, choice) in self.expected.iter().enumerate() {
            let found = generated.get(index).copied();
            if found != Some(choice.token) {
                return Err(TinyError::Proof { index, found, wanted: choice.token });
            }
        }
        Ok(())
    }
}
