//! What was made from which revisions, outside of answers: runs of workflows, plans. A document whose
//! label is raised raises what repeats it.

use std::collections::BTreeSet;

use base::{Label, PlanId, RevisionId, Timestamp, WorkflowRunId};
use store::{ReadTx, StoreError, WriteTx};

use crate::store as rows;

/// Something stored that repeats what documents say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A run of a workflow, with its steps.
    Run(WorkflowRunId),
    /// A plan.
    Plan(PlanId),
}

impl Work {
    const fn key(&self) -> (&'static str, &[u8; 16]) {
        match self {
            Self::Run(id) => ("workflow_run", id.as_bytes()),
            Self::Plan(id) => ("plan", id.as_bytes()),
        }
    }
}

/// Notes that `work` repeats what `revisions` say, and returns the join of the labels that everything it
/// was made from has at this moment: what the work's own label must not be below. To be called in the
/// commit that stores the content, so that a label that was raised meanwhile counts.
///
/// # Errors
/// The store's own.
pub fn made_from(
    tx: &WriteTx<'_>,
    work: Work,
    revisions: &BTreeSet<RevisionId>,
    now: Timestamp,
) -> Result<Label, StoreError> {
    for revision in revisions {
        rows::made_from_insert(tx, work.key(), *revision)?;
    }
    let mut label = Label::TYPED;
    for revision in revisions_behind(tx, work)? {
        // One that was deleted since says nothing about its label any more.
        if let Some(found) = rows::revision_find(tx, revision, now)? {
            label = label.join(found.label);
        }
    }
    Ok(label)
}

/// The revisions that a work repeats.
///
/// # Errors
/// The store's own.
pub fn revisions_behind(tx: &ReadTx<'_>, work: Work) -> Result<BTreeSet<RevisionId>, StoreError> {
    Ok(rows::made_from_of(tx, work.key())?.into_iter().collect())
}
