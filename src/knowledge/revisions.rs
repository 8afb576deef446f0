//! Revisions: listing, taking back, and who was answered from them.

use audit::{Action, Event};
use base::{
    ConversationId, DocumentId, MessageId, PageNumber, RevisionId, Role, Timestamp, UserId, limits,
};
use policy::{Permit, documents};
use serde_json::json;
use store::{ReadTx, TenantCtx, WriteTx};

use crate::KnowledgeError;
use crate::documents::find_visible;
use crate::model::{Revision, RevisionState, Validity};
use crate::store as rows;
use crate::{ingest, tenant_index};

/// Longest reason for a withdrawal, in characters.
pub const WITHDRAW_REASON_MAX_CHARS: usize = 500;

const REVISION_WITHDRAWN: Action = Action::new("revision.withdrawn");
const REVISION_SUPERSEDED: Action = Action::new("revision.superseded");

/// An answer that quoted a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CitingAnswer {
    /// The answer.
    pub message_id: MessageId,
    /// Where it was given.
    pub conversation_id: ConversationId,
    /// To whom; `None` for the console.
    pub asked_by: Option<UserId>,
    /// When.
    pub answered_at: Timestamp,
    /// The pages that it quoted, in order.
    pub pages: Vec<PageNumber>,
}

/// The revisions of a document that the asking person may see, newest first.
///
/// # Errors
/// [`KnowledgeError::DocumentNotFound`], or the store's own.
pub async fn revision_list(
    permit: Permit<'_, documents::Read>,
    id: DocumentId,
) -> Result<Vec<Revision>, KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    ctx.read(move |tx| {
        let (_, mut revisions) = find_visible(tx, id, &rights, now)?;
        revisions.reverse();
        Ok(revisions)
    })
    .await
}

/// One revision.
///
/// # Errors
/// [`KnowledgeError::DocumentNotFound`], [`KnowledgeError::RevisionNotFound`], or the store's own.
pub async fn revision_get(
    permit: Permit<'_, documents::Read>,
    document: DocumentId,
    revision: RevisionId,
) -> Result<Revision, KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    ctx.read(move |tx| {
        let (_, revisions) = find_visible(tx, document, &rights, now)?;
        pick(revisions, revision)
    })
    .await
}

/// Takes a revision back: it is not retrieved any more, and no older one takes its place.
///
/// # Errors
/// Not found as above; [`KnowledgeError::WrongState`] when it is withdrawn already;
/// [`KnowledgeError::Invalid`] for an overlong reason; or the store's own.
pub async fn revision_withdraw(
    permit: Permit<'_, documents::Withdraw>,
    document: DocumentId,
    revision: RevisionId,
    reason: Option<String>,
) -> Result<Revision, KnowledgeError> {
    if reason.as_ref().is_some_and(|text| text.chars().count() > WITHDRAW_REASON_MAX_CHARS) {
        let limit = format!("must be at most {WITHDRAW_REASON_MAX_CHARS} characters");
        return Err(KnowledgeError::invalid("reason", limit));
    }
    let change = ValidityChange {
        document,
        revision,
        to: Validity::Withdrawn,
        action: REVISION_WITHDRAWN,
        reason,
    };
    change_validity(permit.ctx(), change).await
}

/// Says that a revision is no longer valid because another document or revision took its place.
///
/// # Errors
/// Not found as above; [`KnowledgeError::WrongState`] when it is not valid; or the store's own.
pub async fn revision_supersede(
    permit: Permit<'_, documents::Withdraw>,
    document: DocumentId,
    revision: RevisionId,
) -> Result<Revision, KnowledgeError> {
    let change = ValidityChange {
        document,
        revision,
        to: Validity::Superseded,
        action: REVISION_SUPERSEDED,
        reason: None,
    };
    change_validity(permit.ctx(), change).await
}

/// Answers that quoted a revision, newest first: after a withdrawal, whom to tell. Administrators
/// and the console see everybody's, others their own.
///
/// # Errors
/// Not found as above, or the store's own.
pub async fn citations_of(
    permit: Permit<'_, documents::Read>,
    document: DocumentId,
    revision: RevisionId,
    limit: u32,
) -> Result<Vec<CitingAnswer>, KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    let asked_by = if rights.role == Role::Admin { None } else { ctx.user_id() };
    let limit = limit.clamp(1, limits::PAGE_MAX_ITEMS);
    ctx.read(move |tx| {
        let (_, revisions) = find_visible(tx, document, &rights, now)?;
        let revision = pick(revisions, revision)?;
        Ok(rows::citing_answers(tx, revision.id, asked_by, limit)?)
    })
    .await
}

/// The revision with this id.
pub(crate) fn pick(revisions: Vec<Revision>, id: RevisionId) -> Result<Revision, KnowledgeError> {
    revisions.into_iter().find(|r| r.id == id).ok_or(KnowledgeError::RevisionNotFound)
}

struct ValidityChange {
    document: DocumentId,
    revision: RevisionId,
    to: Validity,
    action: Action,
    reason: Option<String>,
}

async fn change_validity(
    ctx: &TenantCtx,
    change: ValidityChange,
) -> Result<Revision, KnowledgeError> {
    let (rights, now) = (*ctx.rights(), ctx.now());
    let changed = ctx
        .write(move |mut tx| {
            let (_, revisions) = find_visible(&tx, change.document, &rights, now)?;
            let before = pick(revisions, change.revision)?;
            check_change(&before, change.to)?;
            apply(&mut tx, &before, change.to, now)?;
            let after = find_after(&tx, change.revision, now)?;
            let event = Event::new(change.action)
                .object("revision", change.revision)
                .before(describe(&before))
                .after(describe(&after))
                .detail(json!({ "document": change.document, "reason": change.reason }))
                .label(before.label);
            Ok::<_, KnowledgeError>(tx.commit(event, after)?)
        })
        .await?;
    tenant_index::follow(ctx).await;
    Ok(changed)
}

fn check_change(before: &Revision, to: Validity) -> Result<(), KnowledgeError> {
    match (before.validity, to) {
        (Validity::Withdrawn, _) => Err(KnowledgeError::WrongState("withdrawn already")),
        (Validity::Superseded, Validity::Superseded) => {
            Err(KnowledgeError::WrongState("superseded already"))
        }
        _ => Ok(()),
    }
}

fn apply(
    tx: &mut WriteTx<'_>,
    before: &Revision,
    to: Validity,
    now: Timestamp,
) -> Result<(), KnowledgeError> {
    // Once its time had come it had replaced the older ones, so they don't come back.
    if before.state == RevisionState::Ready && before.span().has_begun(now) {
        rows::revisions_supersede(tx, before.document_id, before.number)?;
    }
    ingest::cancel_open_jobs(tx, before.id)?;
    rows::revision_set_validity(tx, before.id, to)?;
    rows::document_touch(tx, before.document_id)?;
    rows::generation_bump(tx)?;
    Ok(())
}

fn find_after(tx: &ReadTx<'_>, id: RevisionId, now: Timestamp) -> Result<Revision, KnowledgeError> {
    rows::revision_find(tx, id, now)?.ok_or(KnowledgeError::RevisionNotFound)
}

/// A revision as the audit log keeps it: no names, no content.
pub(crate) fn describe(revision: &Revision) -> serde_json::Value {
    json!({
        "number": revision.number,
        "state": revision.state.as_str(),
        "validity": revision.validity.as_str(),
        "standing": revision.standing.as_str(),
        "effective_from": revision.effective_from,
        "effective_to": revision.effective_to,
        "classification": revision.label.classification,
        "export_control": revision.label.export_control,
    })
}
