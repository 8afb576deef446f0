//! How a run may think.

use models::{QuestionKind, Tier};
use serde::{Deserialize, Serialize};

use crate::AgentError;

/// Tokens that a run may spend when nobody says more.
pub const RUN_BUDGET_DEFAULT_TOKENS: u32 = 24_000;

/// The same of a run in which an agent observes with its tools.
pub const AGENT_RUN_BUDGET_DEFAULT_TOKENS: u32 = 48_000;

/// Least tokens that a run can be given: below, not even one step fits.
pub const RUN_BUDGET_LEAST_TOKENS: u32 = 500;

/// Most tokens that a run can be given.
pub const RUN_BUDGET_MOST_TOKENS: u32 = 400_000;

/// Highest temperature that a run can be given.
pub const TEMPERATURE_MOST: f32 = 2.0;

/// How claims are arrived at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Claims at once.
    Direct,
    /// Steps of reasoning, then claims.
    ChainOfThought,
    /// Several chains; what most of them claim counts.
    SelfConsistency,
    /// Several next steps at each depth, of which the best are followed.
    TreeOfThought,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Direct, Self::ChainOfThought, Self::SelfConsistency, Self::TreeOfThought];

    /// The word used in API and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::ChainOfThought => "chain_of_thought",
            Self::SelfConsistency => "self_consistency",
            Self::TreeOfThought => "tree_of_thought",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == text)
    }

    /// What a question of this kind gets in this tier. Several chains pay where one slip spoils the
    /// result; a tree where there are several explanations to be told apart.
    #[must_use]
    pub const fn for_question(kind: QuestionKind, tier: Tier) -> Self {
        match (kind, tier) {
            (QuestionKind::Diagnose, Tier::Standard | Tier::Heavy) => Self::TreeOfThought,
            (QuestionKind::Calculate | QuestionKind::Compare, Tier::Heavy) => Self::SelfConsistency,
            (QuestionKind::Lookup, _) | (_, Tier::Light) => Self::Direct,
            _ => Self::ChainOfThought,
        }
    }
}

/// What somebody may set about a run; what is `None` is chosen and recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReasonSettings {
    /// The agent that thinks, by its name; without one nobody's tools and instructions take part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The tier that thinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// How.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// 0 to [`TEMPERATURE_MOST`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// What all seeds follow from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
    /// Tokens that it may spend, [`RUN_BUDGET_LEAST_TOKENS`] to [`RUN_BUDGET_MOST_TOKENS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_tokens: Option<u32>,
}

impl ReasonSettings {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`AgentError::Invalid`] names the field.
    pub fn check(&self) -> Result<(), AgentError> {
        if let Some(temperature) = self.temperature
            && !(0.0..=TEMPERATURE_MOST).contains(&temperature)
        {
            let reason = format!("must be 0 to {TEMPERATURE_MOST}, not {temperature}");
            return Err(AgentError::invalid("settings.temperature", reason));
        }
        let range = RUN_BUDGET_LEAST_TOKENS..=RUN_BUDGET_MOST_TOKENS;
        if let Some(tokens) = self.budget_tokens
            && !range.contains(&tokens)
        {
            let reason = format!(
                "must be {RUN_BUDGET_LEAST_TOKENS} to {RUN_BUDGET_MOST_TOKENS}, not {tokens}"
            );
            return Err(AgentError::invalid("settings.budget_tokens", reason));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_are_chosen_by_kind_and_tier() {
        let chosen = |kind, tier| Strategy::for_question(kind, tier);
        assert_eq!(chosen(QuestionKind::Lookup, Tier::Heavy), Strategy::Direct);
        assert_eq!(chosen(QuestionKind::Diagnose, Tier::Heavy), Strategy::TreeOfThought);
        assert_eq!(chosen(QuestionKind::Diagnose, Tier::Light), Strategy::Direct);
        assert_eq!(chosen(QuestionKind::Compare, Tier::Heavy), Strategy::SelfConsistency);
        assert_eq!(chosen(QuestionKind::Compare, Tier::Standard), Strategy::ChainOfThought);
        for strategy in Strategy::ALL {
            assert_eq!(Strategy::parse(strategy.as_str()), Some(strategy));
        }
    }

    #[test]
    fn settings_out_of_range_name_their_field() {
        let hot = ReasonSettings { temperature: Some(f32::NAN), ..Default::default() };
        let poor = ReasonSettings { budget_tokens: Some(1), ..Default::default() };
        for (settings, field) in [(hot, "settings.temperature"), (poor, "settings.budget_tokens")] {
            let error = settings.check().err().and_then(|e| base::Coded::violation(&e));
            assert_eq!(error.map(|violation| violation.field), Some(field.to_owned()));
        }
        assert!(ReasonSettings::default().check().is_ok());
    }
}
