//! Changing what is said about a stored document: title, label, tags and metadata.
//!
//! A revision's label stands in its row alone; retrieval reads it from there with every generation, so
//! a change holds from its commit on. Answers are copies: when a revision becomes more secret, the
//! answers that were made from it become so in the same commit. When it becomes less secret they stay
//! as they are, since they may have been made from other texts as well.

use audit::{Action, Event};
use base::{Classification, DocumentId, ExportControl, Label, RevisionId, Rights, Timestamp};
use policy::{Permit, documents, may_assign};
use serde_json::{Map, Value, json};
use store::{ReadTx, WriteTx};

use crate::KnowledgeError;
use crate::documents::{as_document, find_visible};
use crate::model::{Document, Revision};
use crate::revisions::describe;
use crate::store as rows;
use crate::{input, tenant_index};

/// Longest reason for a change, in characters.
pub const CHANGE_REASON_MAX_CHARS: usize = 500;

const DOCUMENT_CHANGED: Action = Action::new("document.changed");

/// What is to change about a document; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DocumentChange {
    /// Why; stands in the audit log.
    pub reason: String,
    /// The document's title.
    pub title: Option<String>,
    /// How secret the current revision is.
    pub classification: Option<Classification>,
    /// Whether the current revision falls under export control.
    pub export_control: Option<ExportControl>,
    /// All tags of the current revision.
    pub tags: Option<Vec<String>>,
    /// All metadata of the current revision.
    pub metadata: Option<Map<String, Value>>,
    /// Which revisions get the label.
    pub labelled: Labelled,
}

/// Which revisions a label is given to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Labelled {
    /// The current one.
    #[default]
    Current,
    /// All of the document.
    All,
}

/// Changes title, label, tags and metadata of a document, and records why.
///
/// # Errors
/// [`KnowledgeError::DocumentNotFound`]; [`KnowledgeError::Invalid`] names the field at fault, `reason`
/// when none is given and `body` when nothing is to change; [`KnowledgeError::Label`] for a label above
/// the person's own rights; [`KnowledgeError::WrongState`] when all revisions are meant and some are
/// above their clearance; or the store's own.
pub async fn document_change(
    permit: Permit<'_, documents::Change>,
    id: DocumentId,
    change: DocumentChange,
) -> Result<Document, KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    let changed = ctx
        .write(move |tx| {
            // What somebody may not see is not there, whatever else is wrong.
            let (row, visible) = find_visible(&tx, id, &rights, now)?;
            let current =
                as_document(row, &visible).ok_or(KnowledgeError::DocumentNotFound)?.current;
            let change = Checked::of(change, &current)?;
            let before = describe(&current);
            let [answers_raised, works_raised] = carry_out(&tx, &change, &current, &rights)?;
            rows::document_touch(&tx, id)?;
            rows::generation_bump(&tx)?;
            let (row, visible) = find_visible(&tx, id, &rights, now)?;
            let after = as_document(row, &visible).ok_or(KnowledgeError::DocumentNotFound)?;
            let event = Event::new(DOCUMENT_CHANGED)
                .object("document", id)
                .before(before)
                .after(describe(&after.current))
                .detail(json!({
                    "revision": current.id,
                    "changed": change.fields(),
                    "label": change.direction(current.label),
                    "all_revisions": change.labelled == Labelled::All,
                    "answers_raised": answers_raised,
                    "works_raised": works_raised,
                    "reason": change.reason,
                }))
                .label(current.label.join(after.current.label));
            Ok::<_, KnowledgeError>(tx.commit(event, after)?)
        })
        .await?;
    tenant_index::follow(ctx).await;
    Ok(changed)
}

/// A change whose fields were checked and brought into the stored form.
struct Checked {
    reason: String,
    title: Option<String>,
    label: Option<Label>,
    tags: Option<Vec<String>>,
    metadata: Option<Map<String, Value>>,
    labelled: Labelled,
}

impl Checked {
    fn of(change: DocumentChange, current: &Revision) -> Result<Self, KnowledgeError> {
        let reason = input::reason(&change.reason, CHANGE_REASON_MAX_CHARS)?;
        let title = change.title.map(|text| match input::document_title(&text)? {
            Some(title) => Ok(title),
            None => Err(KnowledgeError::invalid("title", "must not be empty")),
        });
        let tags = change.tags.map(|tags| input::tags(&tags));
        if let Some(metadata) = &change.metadata {
            input::metadata(metadata)?;
        }
        let labelled = change.classification.is_some() || change.export_control.is_some();
        let label = Label {
            classification: change.classification.unwrap_or(current.label.classification),
            export_control: change.export_control.unwrap_or(current.label.export_control),
            ..current.label
        };
        let checked = Self {
            reason,
            title: title.transpose()?,
            label: labelled.then_some(label),
            tags: tags.transpose()?,
            metadata: change.metadata,
            labelled: change.labelled,
        };
        if checked.fields().is_empty() {
            return Err(KnowledgeError::invalid("body", "must name something to change"));
        }
        Ok(checked)
    }

    /// The names of what changes.
    fn fields(&self) -> Vec<&'static str> {
        [
            ("title", self.title.is_some()),
            ("label", self.label.is_some()),
            ("tags", self.tags.is_some()),
            ("metadata", self.metadata.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, changes)| changes.then_some(name))
        .collect()
    }

    /// `raised`, `lowered`, `changed` (one part up, the other down) or `kept`.
    fn direction(&self, before: Label) -> &'static str {
        let after = self.label.unwrap_or(before);
        match (after.join(before) == after, after.join(before) == before) {
            (true, true) => "kept",
            (true, false) => "raised",
            (false, true) => "lowered",
            (false, false) => "changed",
        }
    }
}

/// Writes the change; returns how many answers, and how many other works, became more secret.
fn carry_out(
    tx: &WriteTx<'_>,
    change: &Checked,
    current: &Revision,
    rights: &Rights,
) -> Result<[usize; 2], KnowledgeError> {
    let document = current.document_id;
    if let Some(title) = &change.title {
        rows::document_title_set(tx, document, title)?;
    }
    if let Some(tags) = &change.tags {
        rows::revision_set_tags(tx, current.id, tags)?;
    }
    if let Some(metadata) = &change.metadata {
        rows::revision_set_metadata(tx, current.id, metadata)?;
    }
    let Some(label) = change.label else { return Ok([0, 0]) };
    may_assign(rights, label.classification, label.export_control)?;
    let mut raised = [0, 0];
    for revision in labelled(tx, change.labelled, current, rights, tx.now())? {
        rows::revision_set_label(tx, revision, label)?;
        raised[0] += rows::answers_raise(tx, revision, label)?;
        raised[1] += rows::works_raise(tx, revision, label)?;
    }
    Ok(raised)
}

/// The revisions that get the label.
fn labelled(
    tx: &ReadTx<'_>,
    which: Labelled,
    current: &Revision,
    rights: &Rights,
    now: Timestamp,
) -> Result<Vec<RevisionId>, KnowledgeError> {
    if which == Labelled::Current {
        return Ok(vec![current.id]);
    }
    let all = rows::revisions_of(tx, current.document_id, now)?;
    // Nobody lowers what they may not see.
    let (_, visible) = find_visible(tx, current.document_id, rights, now)?;
    if all.len() != visible.len() {
        return Err(KnowledgeError::WrongState("not all within your clearance"));
    }
    Ok(all.into_iter().map(|revision| revision.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(classification: Classification, export_control: ExportControl) -> Label {
        Label { classification, export_control, ..Label::TYPED }
    }

    #[test]
    fn the_direction_of_a_label_is_told() {
        use Classification::{Confidential, Internal, Public};
        use ExportControl::{Controlled, None};
        let before = label(Internal, None);
        let to = |classification, export_control| Checked {
            reason: String::new(),
            title: Option::None,
            label: Some(label(classification, export_control)),
            tags: Option::None,
            metadata: Option::None,
            labelled: Labelled::Current,
        };
        for (after, word) in [
            (to(Internal, None), "kept"),
            (to(Confidential, None), "raised"),
            (to(Internal, Controlled), "raised"),
            (to(Public, None), "lowered"),
            (to(Public, Controlled), "changed"),
        ] {
            assert_eq!(after.direction(before), word);
        }
    }
}
