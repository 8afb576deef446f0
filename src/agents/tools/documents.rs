//! `search_documents`, `read_page` and `list_revisions`: the rooms' own functions, with the asking
//! person's rights and the agent's ceiling.

use std::collections::BTreeSet;

use base::{Classification, DocumentId, Label, PageNumber};
use knowledge::{
    KnowledgeError, PageTextState, Passage, Revision, RevisionState, SearchFilters, SearchInput,
    Standing,
};
use models::BoxFuture;
use policy::{Permission, authorize};
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::{SideEffect, Tool, ToolEnv, ToolFailure, ToolInfo, ToolOutput};
use super::registry::{ToolboxError, arguments, parameters};

/// Passages of one search when the model names no number.
const PASSAGES_DEFAULT: u32 = 6;
/// Most passages of one search.
const PASSAGES_MAX: u32 = 12;

/// A document, as models name it: by its key or its id.
pub(super) fn document_parameter() -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": 200,
        "description": "the document's key, as a search shows it, or its id",
    })
}

fn reading(
    name: &'static str,
    description: &'static str,
    (properties, required): (Value, &[&str]),
    permission: Permission,
) -> Result<ToolInfo, ToolboxError> {
    Ok(ToolInfo {
        name,
        description,
        parameters: parameters(name, &properties, required)?,
        side_effect: SideEffect::Read,
        ceiling: Classification::Restricted,
        permission: Some(permission),
    })
}

/// Finds passages.
pub(super) struct SearchDocuments {
    info: ToolInfo,
}

impl SearchDocuments {
    pub(super) fn new() -> Result<Self, ToolboxError> {
        let list = |about: &str| {
            let item = json!({ "type": "string", "minLength": 1, "maxLength": 200 });
            json!({ "type": "array", "items": item, "maxItems": 10, "description": about })
        };
        let properties = json!({
            "query": {
                "type": "string", "minLength": 1, "maxLength": 1000,
                "description": "words, names of machines, order numbers",
            },
            "limit": { "type": "integer", "minimum": 1, "maximum": PASSAGES_MAX },
            "documents": list("search only documents with these keys"),
            "tags": list("search only documents with all these tags"),
        });
        let description = "Finds passages of the plant's documents that are valid now and that the \
                           person may see. Each comes with document, revision and page.";
        let permission = Permission::SearchQuery;
        let info = reading("search_documents", description, (properties, &["query"]), permission)?;
        Ok(Self { info })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    query: String,
    limit: Option<u32>,
    #[serde(default)]
    documents: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
}

impl Tool for SearchDocuments {
    fn info(&self) -> &ToolInfo {
        &self.info
    }

    fn run<'a>(
        &'a self,
        env: &'a ToolEnv<'a>,
        value: Value,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFailure>> {
        Box::pin(async move {
            let Search { query, limit, documents, tags } = arguments(value)?;
            let filters = SearchFilters {
                tags,
                document_keys: documents,
                // Before anything is scored, like the person's own clearance.
                classification_max: Some(env.ceiling),
                ..SearchFilters::default()
            };
            let limit = limit.unwrap_or(PASSAGES_DEFAULT).min(PASSAGES_MAX);
            let input = SearchInput { query, filters, limit };
            let permit = authorize(env.ctx).map_err(|_| forbidden())?;
            let found = knowledge::search(permit, env.library, input).await.map_err(told)?;
            let passages: Vec<Value> = found.passages.iter().map(shown).collect();
            let revisions = found.passages.iter().map(|passage| passage.revision_id).collect();
            let content = json!({ "passages": passages });
            Ok(ToolOutput { content, label: found.label, revisions, passages: found.passages })
        })
    }
}

fn shown(passage: &Passage) -> Value {
    json!({
        "document": passage.document_key,
        "title": passage.document_title,
        "revision": passage.revision_number,
        "page": passage.page_first,
        "headings": passage.heading_path,
        "text": passage.text,
    })
}

/// Reads a page.
pub(super) struct ReadPage {
    info: ToolInfo,
}

impl ReadPage {
    pub(super) fn new() -> Result<Self, ToolboxError> {
        let properties = json!({
            "document": document_parameter(),
            "page": { "type": "integer", "minimum": 1, "maximum": 100_000 },
            "revision": {
                "type": "integer", "minimum": 1, "maximum": 1_000_000,
                "description": "the revision's number; the valid one when left out",
            },
        });
        let description = "Reads one whole page of a document.";
        let fields = (properties, &["document", "page"][..]);
        let info = reading("read_page", description, fields, Permission::DocumentsRead)?;
        Ok(Self { info })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    document: String,
    page: u32,
    revision: Option<u32>,
}

impl Tool for ReadPage {
    fn info(&self) -> &ToolInfo {
        &self.info
    }

    fn run<'a>(
        &'a self,
        env: &'a ToolEnv<'a>,
        value: Value,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFailure>> {
        Box::pin(async move {
            let Page { document, page, revision } = arguments(value)?;
            let id = document_named(env, &document).await?;
            let revision = revision_named(env, id, revision).await?;
            let permit = authorize(env.ctx).map_err(|_| forbidden())?;
            let read = knowledge::page_text(permit, id, revision.id, PageNumber(page));
            let read = read.await.map_err(told)?;
            if read.state != PageTextState::Text {
                let detail = "this page has no text that can be read";
                return Err(ToolFailure::new("page_without_text", detail));
            }
            let text: Vec<String> = read.blocks.iter().map(parse::Block::text).collect();
            let content = json!({
                "document": document,
                "revision": revision.number,
                "standing": revision.standing.as_str(),
                "page": page,
                "pages": read.page_count,
                "text": text.join("\n\n"),
            });
            let revisions = BTreeSet::from([revision.id]);
            Ok(ToolOutput::read(content, revision.label, revisions))
        })
    }
}

/// Lists the revisions of a document.
pub(super) struct ListRevisions {
    info: ToolInfo,
}

impl ListRevisions {
    pub(super) fn new() -> Result<Self, ToolboxError> {
        let properties = json!({ "document": document_parameter() });
        let description =
            "Lists the revisions of a document, newest first, and which one is valid.";
        let fields = (properties, &["document"][..]);
        let info = reading("list_revisions", description, fields, Permission::DocumentsRead)?;
        Ok(Self { info })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    document: String,
}

impl Tool for ListRevisions {
    fn info(&self) -> &ToolInfo {
        &self.info
    }

    fn run<'a>(
        &'a self,
        env: &'a ToolEnv<'a>,
        value: Value,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFailure>> {
        Box::pin(async move {
            let Named { document } = arguments(value)?;
            let id = document_named(env, &document).await?;
            let revisions = revisions_within(env, id).await?;
            let labels = revisions.iter().map(|revision| revision.label);
            let label = labels.fold(Label::TYPED, Label::join);
            let listed: Vec<Value> = revisions.iter().map(listed).collect();
            let content = json!({ "document": document, "revisions": listed });
            let revisions = revisions.iter().map(|revision| revision.id).collect();
            Ok(ToolOutput::read(content, label, revisions))
        })
    }
}

fn listed(revision: &Revision) -> Value {
    json!({
        "number": revision.number,
        "standing": revision.standing.as_str(),
        "file_name": revision.file_name,
        "pages": revision.page_count,
        "uploaded_at": revision.uploaded_at,
        "effective_from": revision.effective_from,
        "effective_to": revision.effective_to,
    })
}

/// The document that the model means.
pub(super) async fn document_named(
    env: &ToolEnv<'_>,
    named: &str,
) -> Result<DocumentId, ToolFailure> {
    // Whether an id is there, the reading itself says.
    if let Ok(id) = named.parse::<DocumentId>() {
        return Ok(id);
    }
    let permit = authorize(env.ctx).map_err(|_| forbidden())?;
    knowledge::document_by_key(permit, named.to_owned()).await.map_err(told)
}

/// The revisions that person and agent may see, newest first.
async fn revisions_within(
    env: &ToolEnv<'_>,
    document: DocumentId,
) -> Result<Vec<Revision>, ToolFailure> {
    let permit = authorize(env.ctx).map_err(|_| forbidden())?;
    let mut revisions = knowledge::revision_list(permit, document).await.map_err(told)?;
    revisions.retain(|revision| revision.label.classification <= env.ceiling);
    if revisions.is_empty() {
        return Err(told(KnowledgeError::DocumentNotFound));
    }
    Ok(revisions)
}

/// The revision with a number, or else the one that is valid.
pub(super) async fn revision_named(
    env: &ToolEnv<'_>,
    document: DocumentId,
    number: Option<u32>,
) -> Result<Revision, ToolFailure> {
    let revisions = revisions_within(env, document).await?;
    let wanted = |revision: &&Revision| match number {
        Some(number) => revision.number == number && revision.state == RevisionState::Ready,
        None => revision.standing == Standing::Valid,
    };
    revisions.iter().find(wanted).cloned().ok_or_else(|| {
        let detail = "the document has no such revision, or none that is valid now";
        ToolFailure::new("revision_not_found", detail)
    })
}

fn forbidden() -> ToolFailure {
    ToolFailure::new("tool_forbidden", "the person who asks may not do this")
}

/// An error in words for a model: what may be told, and nothing of what failed inside.
pub(super) fn told(error: KnowledgeError) -> ToolFailure {
    let code = base::Coded::code(&error);
    match error {
        KnowledgeError::DocumentNotFound
        | KnowledgeError::RevisionNotFound
        | KnowledgeError::PageNotFound
        | KnowledgeError::Invalid(_)
        | KnowledgeError::OriginalMissing
        | KnowledgeError::Overtaken => ToolFailure::new(code, error.to_string()),
        other => {
            tracing::warn!(error = &other as &dyn std::error::Error, "a tool failed");
            ToolFailure::new(code, "the tool failed")
        }
    }
}
