//! Who answers: what was asked for, what the tenant has set, and what the question needs.

use models::{QuestionKind, RouterDecision, Tier};
use store::{ReadTx, StoreError, TenantCtx};

use crate::AgentError;
use crate::store as rows;

/// Name of the tenant's setting that says who answers when nobody is asked for: `quote` or
/// `generated`, which is the default.
pub const ANSWER_MODE: &str = "answer_mode";

/// Name of the tenant's setting with the tier that all answers get: `light`, `standard`, `heavy`, or
/// [`TIER_AUTOMATIC`], which is the default.
pub const ANSWER_TIER: &str = "answer_tier";

/// The router decides for each question.
pub const TIER_AUTOMATIC: &str = "automatic";

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// The documents, word for word.
    Quote,
    /// A model, from evidence.
    Generated,
    /// A model that observes, thinks and verifies.
    Reason,
}

impl Mode {
    const ALL: [Self; 3] = [Self::Quote, Self::Generated, Self::Reason];

    /// The word used in API and receipts.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Quote => super::QUOTE_MODE,
            Self::Generated => crate::generated::GENERATED_MODE,
            Self::Reason => crate::reason::REASON_MODE,
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// What the tenant has set.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerSettings {
    pub(super) mode: Mode,
    pub(super) tier: Option<Tier>,
}

pub(super) async fn answer_settings(ctx: &TenantCtx) -> Result<AnswerSettings, AgentError> {
    Ok(ctx.read(settings_in).await?)
}

fn settings_in(tx: &ReadTx<'_>) -> Result<AnswerSettings, StoreError> {
    let damaged = StoreError::Corrupt("settings.value");
    let mode = match rows::setting_get(tx, ANSWER_MODE)? {
        None => Mode::Generated,
        Some(word) => match Mode::parse(&word) {
            Some(mode) => mode,
            None => return Err(damaged),
        },
    };
    let tier = rows::setting_get(tx, ANSWER_TIER)?.filter(|word| word != TIER_AUTOMATIC);
    let tier = tier.map(|word| word.parse().map_err(|_| damaged)).transpose()?;
    Ok(AnswerSettings { mode, tier })
}

/// Whether a question that nobody said more about is to be reasoned over rather than answered at
/// once.
pub(super) const fn needs_reasoning(decision: &RouterDecision, kind: QuestionKind) -> bool {
    let is_hard =
        matches!(kind, QuestionKind::Compare | QuestionKind::Diagnose | QuestionKind::Calculate);
    is_hard && matches!(decision.tier, Tier::Heavy) && !decision.pinned
}
