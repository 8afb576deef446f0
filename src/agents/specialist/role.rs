//! An agent that takes part in an answer or a run: what it adds, and what it narrows.

use base::{Classification, Label};
use models::Tier;
use store::TenantCtx;

use super::choose::{AgentChoice, choose_agent};
use super::overrides::{AgentView, views};
use super::spec::AgentSpec;
use crate::AgentError;
use crate::workbench::Workbench;

/// An agent at work. It adds its purpose and instructions to what the model is told, reads nothing above
/// its ceiling, and observes with its tools where a run reasons.
#[derive(Clone, Debug)]
pub(crate) struct Specialist {
    pub(crate) spec: AgentSpec,
    pub(crate) choice: AgentChoice,
    /// The tier that the tenant's administrators have given it.
    tier_set: Option<Tier>,
}

impl Specialist {
    /// The agent for a question: the one that is named, else the one that is meant for such questions.
    ///
    /// # Errors
    /// [`AgentError::AgentNotFound`] when none is called so; the store's own.
    pub(crate) async fn for_question(
        ctx: &TenantCtx,
        bench: &Workbench,
        question: &str,
        named: Option<&str>,
    ) -> Result<Self, AgentError> {
        let views = views(ctx, bench).await?;
        let specs = views.iter().map(|view| &view.spec);
        let choice = choose_agent(specs, question, named).ok_or(AgentError::AgentNotFound)?;
        let found = views.into_iter().find(|view| view.spec.name == choice.agent);
        let AgentView { spec, changed, .. } = found.ok_or(AgentError::AgentNotFound)?;
        Ok(Self { spec, choice, tier_set: changed.and_then(|change| change.tier) })
    }

    /// The tier that is fixed for its work; `None` leaves it to the router. What administrators have set
    /// for the agent counts before what they set for the tenant, and the agent's own tier only when it
    /// was named.
    pub(crate) fn tier(&self, of_tenant: Option<Tier>) -> Option<Tier> {
        self.tier_set.or(of_tenant).or(self.choice.pinned.then_some(self.spec.tier))
    }

    /// Whether it may be given a text.
    pub(crate) fn may_read(&self, label: &Label) -> bool {
        label.classification <= self.spec.ceiling
    }

    /// The most secret text that it may be given.
    pub(crate) const fn ceiling(&self) -> Classification {
        self.spec.ceiling
    }

    /// `rules` with what the agent adds to them.
    pub(crate) fn instructed(&self, rules: &str) -> String {
        let AgentSpec { title, purpose, instructions, .. } = &self.spec;
        format!(
            "{rules}\n\nYou work as: {title}. {purpose}\nHow you work, as far as the rules above leave \
             room for it:\n{}",
            instructions.trim()
        )
    }
}

/// `rules`, with what the agent adds to them where there is one.
pub(crate) fn instructed(specialist: Option<&Specialist>, rules: &str) -> String {
    specialist.map_or_else(|| rules.to_owned(), |specialist| specialist.instructed(rules))
}
