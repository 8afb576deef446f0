//! A run once more: the same question, settings and seeds, over the documents as they are now.

use base::TraceId;
use policy::{Permit, chat};

use super::{Wanted, recorded};
use crate::AgentError;
use crate::model::AnswerEvents;
use crate::store as rows;
use crate::trace::{Comparison, Trace, TraceKind, compare};
use crate::workbench::Workbench;

/// A run that was repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The new run.
    pub trace: Trace,
    /// The old one and the new one, step by step.
    pub comparison: Comparison,
}

/// Runs one of one's own traces again and compares every step. On the same model and build, over the
/// same documents, everything is the same; what differs first is named.
///
/// # Errors
/// [`AgentError::TraceNotFound`], [`AgentError::NoModel`], or those of [`super::reason`].
pub async fn replay(
    permit: Permit<'_, chat::Send>,
    bench: &Workbench,
    id: TraceId,
    events: Option<AnswerEvents>,
) -> Result<Replay, AgentError> {
    let ctx = permit.ctx();
    let (owner, rights) = (ctx.user_id(), *ctx.rights());
    let old = ctx
        .read(move |tx| {
            let found = rows::trace_find(tx, id, owner)?.ok_or(AgentError::TraceNotFound)?;
            // What may not be read any more is not run any more.
            let visible = policy::may_see(&rights, &found.label).is_visible();
            if visible { Ok(found) } else { Err(AgentError::TraceNotFound) }
        })
        .await?;
    let wanted = Wanted {
        question: old.question.clone(),
        settings: old.settings.clone(),
        kind: TraceKind::Replay,
        replay_of: Some(id),
    };
    let trace = recorded(&permit, bench, wanted, events).await?;
    let comparison = compare(&old, &trace);
    Ok(Replay { trace, comparison })
}
