//! Which tier a question gets: a score over what can be seen before anything is read by a model.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much model a step gets. Ordered from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Small and quick: looking up, sorting, rewriting.
    Light,
    /// For most questions.
    Standard,
    /// For what needs several steps.
    Heavy,
}

/// Not the name of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tier is light, standard or heavy")]
pub struct TierError;

impl Tier {
    /// All tiers, least first.
    pub const ALL: [Self; 3] = [Self::Light, Self::Standard, Self::Heavy];

    /// The word used in API, SQL and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Standard => "standard",
            Self::Heavy => "heavy",
        }
    }

    /// Position in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Light => 0,
            Self::Standard => 1,
            Self::Heavy => 2,
        }
    }

    /// The next larger tier, for what a smaller one could not do.
    #[must_use]
    pub const fn above(self) -> Option<Self> {
        match self {
            Self::Light => Some(Self::Standard),
            Self::Standard => Some(Self::Heavy),
            Self::Heavy => None,
        }
    }

    /// The next smaller tier.
    #[must_use]
    pub const fn below(self) -> Option<Self> {
        match self {
            Self::Light => None,
            Self::Standard => Some(Self::Light),
            Self::Heavy => Some(Self::Standard),
        }
    }

    /// All tiers in the order in which they are tried for this one: it, larger ones, smaller ones.
    #[must_use]
    pub const fn fallbacks(self) -> [Self; 3] {
        match self {
            Self::Light => [Self::Light, Self::Standard, Self::Heavy],
            Self::Standard => [Self::Standard, Self::Heavy, Self::Light],
            Self::Heavy => [Self::Heavy, Self::Standard, Self::Light],
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = TierError;

    fn from_str(text: &str) -> Result<Self, TierError> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == text).ok_or(TierError)
    }
}

/// What a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// One value, name or place.
    Lookup,
    /// Why or how something is.
    Explain,
    /// Several things beside each other.
    Compare,
    /// How something is done.
    Procedure,
    /// A number that has to be worked out.
    Calculate,
    /// What is wrong, from signs.
    Diagnose,
    /// Anything else.
    Other,
}

/// What the router looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complexity {
    /// Length of the question, in characters.
    pub question_chars: u32,
    /// What it asks for.
    pub kind: QuestionKind,
    /// Documents that the evidence comes from.
    pub documents: u32,
    /// Tools that will probably be needed.
    pub tools: u32,
    /// Turns of the conversation before it.
    pub history_turns: u32,
}

/// Why a tier was chosen; goes into the receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterDecision {
    /// The tier.
    pub tier: Tier,
    /// What spoke for it, in words, most important first.
    pub reasons: Vec<String>,
    /// Whether an administrator has fixed it.
    pub pinned: bool,
}

/// A score from which on a question is no lookup any more.
const STANDARD_FROM: u32 = 2;

/// A score from which on it needs the largest model.
const HEAVY_FROM: u32 = 5;

/// Characters from which on a question is long, and very long.
const LONG_CHARS: [u32; 2] = [240, 900];

/// Documents from which on evidence has to be brought together.
const MANY_DOCUMENTS: [u32; 2] = [3, 8];

/// Tools from which on the order of steps matters.
const MANY_TOOLS: [u32; 2] = [1, 3];

/// Turns from which on what was said before matters.
const MANY_TURNS: u32 = 4;

/// The tier for `complexity`, or the one that is `pinned`.
///
/// The weights are set by hand, so that each reason can be read; the decision is stored with the
/// answer, so that they can be learned from what came of it.
#[must_use]
pub fn route(complexity: &Complexity, pinned: Option<Tier>) -> RouterDecision {
    if let Some(tier) = pinned {
        let reasons = vec![format!("an administrator has fixed the tier to {tier}")];
        return RouterDecision { tier, reasons, pinned: true };
    }
    let mut found: Vec<(u32, String)> = vec![
        kind_weight(complexity.kind),
        step(complexity.question_chars, LONG_CHARS, "characters in the question"),
        step(complexity.documents, MANY_DOCUMENTS, "documents to bring together"),
        step(complexity.tools, MANY_TOOLS, "tools probably needed"),
        (
            u32::from(complexity.history_turns >= MANY_TURNS),
            format!("{} turns of conversation before it", complexity.history_turns),
        ),
    ];
    let score: u32 = found.iter().map(|(points, _)| points).sum();
    let tier = match score {
        _ if score >= HEAVY_FROM => Tier::Heavy,
        _ if score >= STANDARD_FROM => Tier::Standard,
        _ => Tier::Light,
    };
    found.retain(|(points, _)| *points > 0);
    // Stable: among equals the order above.
    found.sort_by_key(|(points, _)| std::cmp::Reverse(*points));
    let mut reasons: Vec<String> = found.into_iter().map(|(_, reason)| reason).collect();
    if reasons.is_empty() {
        reasons.push("a short question for one thing".to_owned());
    }
    RouterDecision { tier, reasons, pinned: false }
}

fn kind_weight(kind: QuestionKind) -> (u32, String) {
    let (points, reason) = match kind {
        QuestionKind::Lookup => (0, "it looks something up"),
        QuestionKind::Other => (1, "it is of no known kind"),
        QuestionKind::Procedure => (1, "it asks for a procedure"),
        QuestionKind::Explain => (2, "it asks for an explanation"),
        QuestionKind::Calculate => (2, "it asks for a calculation"),
        QuestionKind::Compare => (3, "it compares"),
        QuestionKind::Diagnose => (3, "it asks for a diagnosis"),
    };
    (points, reason.to_owned())
}

/// One point per limit that is reached.
fn step(value: u32, limits: [u32; 2], what: &str) -> (u32, String) {
    let points = limits.into_iter().map(|limit| u32::from(value >= limit)).sum();
    (points, format!("{value} {what}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    const PLAIN: Complexity = Complexity {
        question_chars: 40,
        kind: QuestionKind::Lookup,
        documents: 1,
        tools: 0,
        history_turns: 0,
    };

    #[test]
    fn a_short_lookup_is_light_and_says_so() {
        let decision = route(&PLAIN, None);
        assert_eq!(decision.tier, Tier::Light);
        assert_eq!(decision.reasons, ["a short question for one thing"]);
        assert!(!decision.pinned);
    }

    #[test]
    fn explanations_are_standard_and_wide_comparisons_heavy() {
        let explain = Complexity { kind: QuestionKind::Explain, ..PLAIN };
        assert_eq!(route(&explain, None).tier, Tier::Standard);
        let compare = Complexity { kind: QuestionKind::Compare, documents: 9, ..PLAIN };
        let decision = route(&compare, None);
        assert_eq!(decision.tier, Tier::Heavy);
        assert_eq!(decision.reasons, ["it compares", "9 documents to bring together"]);
    }

    #[test]
    fn nothing_that_grows_makes_the_tier_smaller() {
        let mut last = Tier::Light;
        for size in [0, 1, 2, 3, 4, 8, 240, 900] {
            let grown = Complexity {
                question_chars: size,
                documents: size,
                tools: size,
                history_turns: size,
                ..PLAIN
            };
            let tier = route(&grown, None).tier;
            assert!(tier >= last, "{size}");
            last = tier;
        }
        assert_eq!(last, Tier::Heavy);
    }

    #[test]
    fn a_pinned_tier_wins_and_is_told() {
        let decision = route(&PLAIN, Some(Tier::Heavy));
        assert!(decision.pinned && decision.tier == Tier::Heavy);
        assert!(decision.reasons[0].contains("heavy"));
        let json = serde_json::to_value(&decision).unwrap();
        assert_eq!(json["tier"], "heavy");
        assert_eq!(serde_json::from_value::<RouterDecision>(json).unwrap(), decision);
    }

    #[test]
    fn words_of_tiers_are_read_back() {
        for tier in Tier::ALL {
            assert_eq!(tier.as_str().parse::<Tier>().unwrap(), tier);
            assert_eq!(tier.fallbacks()[0], tier);
        }
        assert!("Heavy".parse::<Tier>().is_err());
    }
}
