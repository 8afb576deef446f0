//! Who saw a document: read from the audit log, which holds every showing of content.

use std::collections::HashSet;

use audit::Entry;
use base::{ChunkId, DocumentId, MessageId, RevisionId, Timestamp};
use policy::{Permit, audit as audit_actions};
use serde_json::Value;
use store::{ActionsFilter, ReadTx, audit_entries_of, audit_pruned};

use crate::KnowledgeError;
use crate::documents::find_visible;
use crate::store as rows;

/// Actions that show content, and whose entries name what they show.
pub(crate) const SHOWING: [&str; 11] = [
    "answer.begun",
    "answer.given",
    "answer.refused",
    "passages.shown",
    "document.read",
    "page.read",
    "original.read",
    "conversation.read",
    "conversation.searched",
    "playground.run",
    "trace.read",
];

/// Entries of these actions that one request looks at.
pub(crate) const ENTRIES_LOOKED_AT: u32 = 10_000;

/// One showing of something of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosure {
    /// Index of the entry in the log.
    pub index: u64,
    /// When.
    pub time: Timestamp,
    /// To whom, as the log writes it (`user:<uuid>`, `console`).
    pub actor: String,
    /// By what (`answer.given`, `page.read` …).
    pub action: String,
    /// Which of the document's revisions; empty for a message that quoted one and was shown again.
    pub revisions: Vec<RevisionId>,
    /// Which of its chunks, as far as they still exist.
    pub chunks: Vec<ChunkId>,
    /// Which page, where a page was read.
    pub page: Option<u32>,
}

/// Showings, newest first.
#[derive(Clone, Debug)]
pub struct DisclosurePage {
    /// Those that were found among the entries that were looked at.
    pub disclosures: Vec<Disclosure>,
    /// Pass it as `before` to go on; there may be a next page when this one is empty.
    pub next: Option<u64>,
    /// What entries below this index showed is not known any more: their content was pruned.
    pub pruned_end: u64,
}

/// What names a document in the log.
struct Names {
    document: String,
    revisions: HashSet<String>,
    messages: HashSet<String>,
    chunks: HashSet<i64>,
}

/// Who was shown what of a document, newest first: answers that read it, searches, pages, files, and
/// conversations that quoted it.
///
/// # Errors
/// [`KnowledgeError::DocumentNotFound`], also for one of which the asking person may see nothing; or
/// the store's own.
pub async fn document_disclosures(
    permit: Permit<'_, audit_actions::Read>,
    id: DocumentId,
    before: Option<u64>,
    limit: u32,
) -> Result<DisclosurePage, KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    ctx.read(move |tx| {
        find_visible(tx, id, &rights, now)?;
        let names = names_of(tx, id, now)?;
        let filter = ActionsFilter { actions: &SHOWING, before, ..ActionsFilter::default() };
        let entries = audit_entries_of(tx, &filter, ENTRIES_LOOKED_AT)?;
        let looked_at_all = entries.len() < ENTRIES_LOOKED_AT as usize;
        let mut next = entries.last().map(|entry| entry.index).filter(|_| !looked_at_all);
        let mut disclosures = Vec::new();
        for entry in &entries {
            let Some(disclosure) = disclosure(entry, &names) else { continue };
            if disclosures.len() == limit as usize {
                next = disclosures.last().map(|last: &Disclosure| last.index);
                break;
            }
            disclosures.push(disclosure);
        }
        Ok(DisclosurePage { disclosures, next, pruned_end: pruned_end(tx)? })
    })
    .await
}

/// From which entry on the log has its content.
pub(crate) fn pruned_end(tx: &ReadTx<'_>) -> Result<u64, KnowledgeError> {
    Ok(audit_pruned(tx)?.map_or(0, |pruned| pruned.end))
}

fn names_of(tx: &ReadTx<'_>, id: DocumentId, now: Timestamp) -> Result<Names, KnowledgeError> {
    let revisions = rows::revisions_of(tx, id, now)?;
    let ids: Vec<RevisionId> = revisions.iter().map(|revision| revision.id).collect();
    Ok(Names {
        document: id.to_string(),
        revisions: ids.iter().map(RevisionId::to_string).collect(),
        messages: rows::citing_messages(tx, id)?.iter().map(MessageId::to_string).collect(),
        chunks: rows::chunk_ids(tx, id)?,
    })
}

fn disclosure(entry: &Entry, names: &Names) -> Option<Disclosure> {
    let listed = |name| listed(entry, name);
    let revisions: Vec<RevisionId> = revisions_named(entry)
        .into_iter()
        .filter(|id| names.revisions.contains(*id))
        .filter_map(|id| id.parse().ok())
        .collect();
    let object = entry.object.as_ref();
    let of_document = object.is_some_and(|o| o.kind == "document" && o.id == names.document);
    let quoted = listed("messages").iter().filter_map(Value::as_str);
    if revisions.is_empty()
        && !of_document
        && !quoted.into_iter().any(|id| names.messages.contains(id))
    {
        return None;
    }
    Some(Disclosure {
        index: entry.index,
        time: entry.time,
        actor: entry.actor.clone(),
        action: entry.action.clone(),
        revisions,
        chunks: listed("chunks")
            .iter()
            .filter_map(Value::as_i64)
            .filter(|chunk| names.chunks.contains(chunk))
            .map(ChunkId)
            .collect(),
        page: page_named(entry),
    })
}

/// A list in the entry's detail; empty where it has none of this name.
pub(crate) fn listed<'e>(entry: &'e Entry, name: &str) -> &'e [Value] {
    let list = entry.detail.as_ref().and_then(|detail| detail.get(name));
    list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The revisions of which the entry says that something was shown.
pub(crate) fn revisions_named(entry: &Entry) -> Vec<&str> {
    let mut named: Vec<&str> =
        listed(entry, "revisions").iter().filter_map(Value::as_str).collect();
    let object = entry.object.as_ref().filter(|object| object.kind == "revision");
    named.extend(object.map(|object| &*object.id));
    let detail = entry.detail.as_ref().and_then(|detail| detail.get("revision"));
    named.extend(detail.and_then(Value::as_str));
    named
}

/// The page of which the entry says that it was read.
pub(crate) fn page_named(entry: &Entry) -> Option<u32> {
    let page = entry.detail.as_ref().and_then(|detail| detail.get("page"))?;
    page.as_u64().and_then(|page| u32::try_from(page).ok())
}
