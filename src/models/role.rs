//! What a model can be assigned to.

use std::str::FromStr;

use crate::protocol::ModelPurpose;
use crate::tiers::Tier;

/// What a model that was brought in does here, once an administrator has assigned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModelRole {
    /// It writes, as a member of a tier.
    Write(Tier),
    /// It embeds what documents say, for finding it.
    Embed,
    /// It puts what was found in order.
    Rerank,
}

/// Not the name of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a model serves light, standard, heavy, embed or rerank")]
pub struct RoleError;

impl ModelRole {
    /// All of them, the tiers first.
    pub const ALL: [Self; 5] = [
        Self::Write(Tier::Light),
        Self::Write(Tier::Standard),
        Self::Write(Tier::Heavy),
        Self::Embed,
        Self::Rerank,
    ];

    /// The word used in API, CLI and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Write(tier) => tier.as_str(),
            Self::Embed => "embed",
            Self::Rerank => "rerank",
        }
    }

    /// What a model must be made for to take it.
    #[must_use]
    pub const fn purpose(self) -> ModelPurpose {
        match self {
            Self::Write(_) => ModelPurpose::Generate,
            Self::Embed => ModelPurpose::Embed,
            Self::Rerank => ModelPurpose::Rerank,
        }
    }

    /// Most models that take it at a time.
    #[must_use]
    pub const fn models_max(self) -> usize {
        match self {
            Self::Write(_) => TIER_MAX_MODELS,
            // Vectors of two models can't be compared, nor two opinions of what is relevant.
            Self::Embed | Self::Rerank => 1,
        }
    }
}

impl From<Tier> for ModelRole {
    fn from(tier: Tier) -> Self {
        Self::Write(tier)
    }
}

/// Most models that one tier has.
pub const TIER_MAX_MODELS: usize = 8;

impl FromStr for ModelRole {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(RoleError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_as_they_are_written() {
        for role in ModelRole::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("vision".parse::<ModelRole>(), Err(RoleError));
    }
}
