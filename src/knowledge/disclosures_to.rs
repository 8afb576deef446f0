//! What a person was shown: document, revision, chunks and pages, read from the audit log.

use std::collections::{BTreeMap, BTreeSet};

use audit::Entry;
use base::{ChunkId, DocumentId, RevisionId, Rights, Timestamp, UserId};
use policy::{Permit, audit as audit_actions, may_see, profile};
use serde_json::{Value, json};
use store::{ActionsFilter, ReadTx, TenantCtx, audit_entries_of};

use crate::KnowledgeError;
use crate::disclosures::{SHOWING, listed, page_named, pruned_end, revisions_named};
use crate::store as rows;

/// Which showings are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct DisclosureFilter {
    /// At or after this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Below this index: for the next page.
    pub before: Option<u64>,
}

/// One showing of content to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonDisclosure {
    /// Index of the entry in the log.
    pub index: u64,
    /// When.
    pub time: Timestamp,
    /// By what (`answer.given`, `page.read` …).
    pub action: String,
    /// Of what.
    pub shown: Vec<Shown>,
}

/// What of a revision was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The revision.
    pub revision: RevisionId,
    /// Its document, while that exists.
    pub document: Option<DocumentId>,
    /// What the plant calls the document, where the reader of the log may see it.
    pub key: Option<String>,
    /// The revision's number, likewise.
    pub number: Option<u32>,
    /// Which chunks.
    pub chunks: Vec<ChunkId>,
    /// Which pages; empty for a whole file, and for chunks that are gone.
    pub pages: Vec<u32>,
}

/// Showings to a person, newest first.
#[derive(Clone, Debug)]
pub struct PersonDisclosurePage {
    /// The showings.
    pub disclosures: Vec<PersonDisclosure>,
    /// Pass it as `before` to go on.
    pub next: Option<u64>,
    /// What entries below this index showed is not known any more: their content was pruned.
    pub pruned_end: u64,
}

/// What a person was shown, newest first.
///
/// # Errors
/// [`KnowledgeError::UserNotFound`], or the store's own.
pub async fn person_disclosures(
    permit: Permit<'_, audit_actions::Read>,
    user: UserId,
    filter: DisclosureFilter,
    limit: u32,
) -> Result<PersonDisclosurePage, KnowledgeError> {
    disclosures_to(permit.ctx(), user, filter, limit).await
}

/// What the asking person was shown, newest first; nothing where nobody in person asks.
///
/// # Errors
/// The store's own.
pub async fn own_disclosures(
    permit: Permit<'_, profile::Read>,
    filter: DisclosureFilter,
    limit: u32,
) -> Result<PersonDisclosurePage, KnowledgeError> {
    let user = permit.ctx().user_id().ok_or(KnowledgeError::UserNotFound)?;
    disclosures_to(permit.ctx(), user, filter, limit).await
}

async fn disclosures_to(
    ctx: &TenantCtx,
    user: UserId,
    filter: DisclosureFilter,
    limit: u32,
) -> Result<PersonDisclosurePage, KnowledgeError> {
    let (rights, now) = (*ctx.rights(), ctx.now());
    ctx.read(move |tx| {
        if !rows::user_exists(tx, user)? {
            return Err(KnowledgeError::UserNotFound);
        }
        let wanted = ActionsFilter {
            actions: &SHOWING,
            actor: Some(base::Actor::User(user).to_string()),
            from: filter.from,
            until: filter.until,
            before: filter.before,
        };
        let mut entries = audit_entries_of(tx, &wanted, limit.saturating_add(1))?;
        let has_more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        let mut names = Names { tx, rights, now, known: BTreeMap::new() };
        let disclosures: Vec<PersonDisclosure> =
            entries.iter().map(|entry| names.disclosure(entry)).collect::<Result<_, _>>()?;
        let next = entries.last().filter(|_| has_more).map(|entry| entry.index);
        Ok(PersonDisclosurePage { disclosures, next, pruned_end: pruned_end(tx)? })
    })
    .await
}

/// Finds out what revisions are called, each once.
struct Names<'t, 'c> {
    tx: &'t ReadTx<'c>,
    /// Of whoever reads the log.
    rights: Rights,
    now: Timestamp,
    known: BTreeMap<RevisionId, Name>,
}

#[derive(Clone, Default)]
struct Name {
    document: Option<DocumentId>,
    key: Option<String>,
    number: Option<u32>,
}

impl Names<'_, '_> {
    fn disclosure(&mut self, entry: &Entry) -> Result<PersonDisclosure, KnowledgeError> {
        let named = revisions_named(entry).into_iter().filter_map(|id| id.parse().ok());
        let mut parts: BTreeMap<RevisionId, (BTreeSet<i64>, BTreeSet<u32>)> =
            named.map(|revision| (revision, Default::default())).collect();
        if let Some(page) = page_named(entry) {
            for (_, pages) in parts.values_mut() {
                pages.insert(page);
            }
        }
        let list = |name| json!(listed(entry, name).iter().collect::<Vec<&Value>>()).to_string();
        let mut origins = rows::chunk_origins(self.tx, &list("chunks"))?;
        origins.extend(rows::quoted_origins(self.tx, &list("messages"))?);
        for rows::ChunkOrigin { id, revision, pages } in origins {
            let (chunks, all_pages) = parts.entry(revision).or_default();
            chunks.insert(id);
            all_pages.extend(pages);
        }
        let mut shown = Vec::with_capacity(parts.len());
        for (revision, (chunks, pages)) in parts {
            let Name { document, key, number } = self.name(revision)?;
            let chunks = chunks.into_iter().map(ChunkId).collect();
            let pages = pages.into_iter().collect();
            shown.push(Shown { revision, document, key, number, chunks, pages });
        }
        let (index, time, action) = (entry.index, entry.time, entry.action.clone());
        Ok(PersonDisclosure { index, time, action, shown })
    }

    fn name(&mut self, id: RevisionId) -> Result<Name, KnowledgeError> {
        if let Some(known) = self.known.get(&id) {
            return Ok(known.clone());
        }
        let mut name = Name::default();
        if let Some(revision) = rows::revision_find(self.tx, id, self.now)? {
            name.document = Some(revision.document_id);
            if may_see(&self.rights, &revision.label).is_visible() {
                name.number = Some(revision.number);
                let document = rows::document_find(self.tx, revision.document_id)?;
                name.key = document.map(|document| document.key);
            }
        }
        self.known.insert(id, name.clone());
        Ok(name)
    }
}
