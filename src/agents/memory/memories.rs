//! Memories as their person sees them: consent, adding, looking, changing, exporting, forgetting.

use std::time::Duration;

use audit::{Action, Event};
use base::{Label, MemoryId, Origin, Rights, Timestamp, UserId, fill_page, limits};
use knowledge::Library;
use knowledge::text::fold;
use models::{Embedding, Priority, TextKind};
use policy::{Permit, may_see, memories};
use serde_json::json;
use store::{ReadTx, TenantCtx};

use super::model::{
    MEMORIES_MAX, MEMORY_TEXT_MAX_CHARS, Memory, MemoryChange, MemoryCursor, MemoryFilter,
    MemoryInput, MemoryPage,
};
use super::store::{self as rows, MemoryInsert};
use crate::AgentError;

/// Time for an embedding; a memory without one is found by its importance alone.
const EMBED_TIMEOUT: Duration = Duration::from_secs(5);

const CONSENT_CHANGED: Action = Action::new("memory.consent_changed");
const MEMORY_ADDED: Action = Action::new("memory.added");
const MEMORY_CHANGED: Action = Action::new("memory.changed");
const MEMORY_FORGOTTEN: Action = Action::new("memory.forgotten");
const MEMORIES_FORGOTTEN: Action = Action::new("memory.all_forgotten");
const MEMORIES_READ: Action = Action::new("memory.read");
const MEMORIES_EXPORTED: Action = Action::new("memory.exported");

/// The person whose memories are meant; the console has none.
pub(super) fn owner_of(ctx: &TenantCtx) -> Result<UserId, AgentError> {
    ctx.user_id().ok_or(AgentError::PersonRequired)
}

/// Whether the person has allowed that agents remember things about them.
///
/// # Errors
/// [`AgentError::PersonRequired`], or the store's own.
pub async fn memory_consent(permit: &Permit<'_, memories::Read>) -> Result<bool, AgentError> {
    let owner = owner_of(permit.ctx())?;
    permit.ctx().read(move |tx| Ok(rows::consent(tx, owner)?)).await
}

/// Allows that agents remember things, or forbids it; forbidding forgets nothing by itself, but nothing is
/// found again either.
///
/// # Errors
/// [`AgentError::PersonRequired`], or the store's own.
pub async fn memory_consent_set(
    permit: Permit<'_, memories::Change>,
    allowed: bool,
) -> Result<bool, AgentError> {
    let owner = owner_of(permit.ctx())?;
    permit
        .ctx()
        .write(move |tx| {
            let before = rows::consent(&tx, owner)?;
            rows::consent_set(&tx, owner, allowed)?;
            let event = Event::new(CONSENT_CHANGED)
                .object("user", owner)
                .before(json!({ "allowed": before }))
                .after(json!({ "allowed": allowed }));
            Ok(tx.commit(event, allowed)?)
        })
        .await
}

/// Remembers something that the person says.
///
/// # Errors
/// [`AgentError::MemoryNotAllowed`] without consent; [`AgentError::Invalid`]; a label above the person's own
/// is refused; or the store's own.
pub async fn memory_add(
    permit: Permit<'_, memories::Change>,
    library: &Library,
    input: MemoryInput,
) -> Result<Memory, AgentError> {
    check_text(&input.text)?;
    check_importance(input.importance)?;
    let ctx = permit.ctx();
    let owner = owner_of(ctx)?;
    let label =
        Label { classification: input.classification, origin: Origin::User, ..Label::TYPED };
    if !may_see(ctx.rights(), &label).is_visible() {
        let reason = format!("must be at most {}, your clearance", ctx.rights().clearance);
        return Err(AgentError::invalid("classification", reason));
    }
    let embedding = embed(library, &input.text, TextKind::Passage).await;
    let id = MemoryId::new(ctx.now(), ctx.entropy())?;
    ctx.write(move |tx| {
        allowed_and_room(&tx, owner)?;
        let insert = MemoryInsert {
            id,
            owner,
            agent: &input.agent,
            kind: input.kind,
            text: input.text.trim(),
            embedding: embedding.as_ref(),
            importance: input.importance,
            label,
            source: "person",
            expires_at: input.expires_at,
        };
        rows::memory_insert(&tx, &insert)?;
        let memory = rows::memory_find(&tx, id)?.ok_or(AgentError::MemoryNotFound)?;
        Ok(tx.commit(added(&memory), memory)?)
    })
    .await
}

pub(super) fn added(memory: &Memory) -> Event {
    Event::new(MEMORY_ADDED)
        .object("memory", memory.id)
        .detail(json!({
            "agent": memory.agent, "kind": memory.kind.as_str(), "source": memory.source,
        }))
        .label(memory.label)
}

pub(super) fn allowed_and_room(tx: &ReadTx<'_>, owner: UserId) -> Result<(), AgentError> {
    if !rows::consent(tx, owner)? {
        return Err(AgentError::MemoryNotAllowed);
    }
    if rows::memory_count(tx, owner)? >= MEMORIES_MAX {
        let reason = format!("at most {MEMORIES_MAX} are kept; forget some");
        return Err(AgentError::invalid("memories", reason));
    }
    Ok(())
}

pub(super) async fn embed(library: &Library, text: &str, kind: TextKind) -> Option<Embedding> {
    let texts = vec![text.to_owned()];
    let asked = library.models().embed(texts, kind, Priority::Agent, EMBED_TIMEOUT).await;
    asked.ok().and_then(|mut embeddings| embeddings.pop())
}

fn check_text(text: &str) -> Result<(), AgentError> {
    if !text.trim().is_empty() && text.chars().count() <= MEMORY_TEXT_MAX_CHARS {
        return Ok(());
    }
    let reason = format!("must have 1 to {MEMORY_TEXT_MAX_CHARS} characters");
    Err(AgentError::invalid("text", reason))
}

fn check_importance(importance: u32) -> Result<(), AgentError> {
    if (1..=5).contains(&importance) {
        Ok(())
    } else {
        Err(AgentError::invalid("importance", "must be 1 to 5"))
    }
}

/// What is remembered about the person; recorded as read.
///
/// # Errors
/// [`AgentError::PersonRequired`], or the store's own.
pub async fn memory_list(
    permit: Permit<'_, memories::Read>,
    filter: MemoryFilter,
    after: Option<MemoryCursor>,
    limit: u32,
) -> Result<MemoryPage, AgentError> {
    let ctx = permit.ctx();
    let owner = owner_of(ctx)?;
    let limit = limit.clamp(1, limits::PAGE_MAX_ITEMS);
    let (rights, now) = (*ctx.rights(), ctx.now());
    let words = filter.text.as_deref().map(fold).unwrap_or_default();
    let page = ctx
        .read(move |tx| {
            let words: Vec<&str> = words.split_whitespace().collect();
            let wanted = |memory: &Memory| {
                if !memory.counts(&rights, now)
                    || filter.kind.is_some_and(|kind| memory.kind != kind)
                {
                    return false;
                }
                let spoken = if words.is_empty() { String::new() } else { fold(&memory.text) };
                words.iter().all(|word| spoken.contains(word))
            };
            let (agent, after) = (filter.agent.as_deref(), after.map(|cursor| cursor.0));
            let fetch = |before, limit| {
                let found = rows::memories_of(tx, owner, agent, before, limit)?;
                Ok::<_, AgentError>(found.into_iter().map(|(memory, _)| memory).collect())
            };
            let keep = |memory: Memory| Ok(wanted(&memory).then_some(memory));
            let (memories, next) = fill_page(limit, after, fetch, |memory| memory.id, keep)?;
            Ok::<_, AgentError>(MemoryPage { memories, next: next.map(MemoryCursor) })
        })
        .await?;
    record_read(ctx, owner, &page.memories).await?;
    Ok(page)
}

pub(super) async fn record_read(
    ctx: &TenantCtx,
    owner: UserId,
    memories: &[Memory],
) -> Result<(), AgentError> {
    let ids: Vec<MemoryId> = memories.iter().map(|memory| memory.id).collect();
    let label = memories.iter().map(|memory| memory.label).fold(Label::TYPED, Label::join);
    let event = Event::new(MEMORIES_READ)
        .object("user", owner)
        .detail(json!({ "memories": ids }))
        .label(label);
    Ok(ctx.record(event).await?)
}

/// One memory; recorded as read.
///
/// # Errors
/// [`AgentError::MemoryNotFound`], or the store's own.
pub async fn memory_get(
    permit: Permit<'_, memories::Read>,
    agent: &str,
    id: MemoryId,
) -> Result<Memory, AgentError> {
    let ctx = permit.ctx();
    let owner = owner_of(ctx)?;
    let (rights, now, agent) = (*ctx.rights(), ctx.now(), agent.to_owned());
    let memory = ctx.read(move |tx| own(tx, id, owner, &agent, (&rights, now))).await?;
    record_read(ctx, owner, std::slice::from_ref(&memory)).await?;
    Ok(memory)
}

/// A memory of this person and agent that counts now.
fn own(
    tx: &ReadTx<'_>,
    id: MemoryId,
    owner: UserId,
    agent: &str,
    (rights, now): (&Rights, Timestamp),
) -> Result<Memory, AgentError> {
    let found = rows::memory_find(tx, id)?;
    found
        .filter(|m| m.owner == owner && m.agent == agent && m.counts(rights, now))
        .ok_or(AgentError::MemoryNotFound)
}

/// Changes a memory.
///
/// # Errors
/// [`AgentError::MemoryNotFound`], [`AgentError::Invalid`], or the store's own.
pub async fn memory_change(
    permit: Permit<'_, memories::Change>,
    library: &Library,
    (agent, id): (&str, MemoryId),
    change: MemoryChange,
) -> Result<Memory, AgentError> {
    if let Some(text) = &change.text {
        check_text(text)?;
    }
    if let Some(importance) = change.importance {
        check_importance(importance)?;
    }
    let ctx = permit.ctx();
    let owner = owner_of(ctx)?;
    let (rights, now, agent) = (*ctx.rights(), ctx.now(), agent.to_owned());
    let embedding = match &change.text {
        Some(text) => embed(library, text, TextKind::Passage).await,
        None => None,
    };
    ctx.write(move |tx| {
        let before = own(&tx, id, owner, &agent, (&rights, now))?;
        let is_reworded = change.text.is_some();
        let fields = json!({
            "text": is_reworded, "importance": change.importance,
            "expires_at": change.expires_at,
        });
        let after = Memory {
            text: change.text.map_or(before.text.clone(), |text| text.trim().to_owned()),
            importance: change.importance.unwrap_or(before.importance),
            expires_at: change.expires_at.unwrap_or(before.expires_at),
            updated_at: tx.now(),
            ..before
        };
        rows::memory_update(&tx, &after)?;
        if is_reworded {
            rows::memory_set_embedding(&tx, id, embedding.as_ref())?;
        }
        let event =
            Event::new(MEMORY_CHANGED).object("memory", id).detail(fields).label(after.label);
        Ok(tx.commit(event, after)?)
    })
    .await
}

/// Forgets one memory for good.
///
/// # Errors
/// [`AgentError::MemoryNotFound`], or the store's own.
pub async fn memory_forget(
    permit: Permit<'_, memories::Change>,
    agent: &str,
    id: MemoryId,
) -> Result<(), AgentError> {
    let ctx = permit.ctx();
    let owner = owner_of(ctx)?;
    let agent = agent.to_owned();
    ctx.write(move |tx| {
        // Also one that the person may no longer see: it is about them.
        let found = rows::memory_find(&tx, id)?;
        let found = found.filter(|memory| memory.owner == owner && memory.agent == agent);
        let memory = found.ok_or(AgentError::MemoryNotFound)?;
        rows::memory_delete(&tx, id)?;
        let event = Event::new(MEMORY_FORGOTTEN).object("memory", id).label(memory.label);
        Ok(tx.commit(event, ())?)
    })
    .await
}

/// Forgets everything about the person, or everything that one agent remembers; how many that were.
///
/// # Errors
/// [`AgentError::PersonRequired`], or the store's own.
pub async fn memories_forget_all(
    permit: Permit<'_, memories::Change>,
    agent: Option<String>,
) -> Result<usize, AgentError> {
    let owner = owner_of(permit.ctx())?;
    permit
        .ctx()
        .write(move |tx| {
            let count = rows::memories_delete(&tx, owner, agent.as_deref())?;
            let event = Event::new(MEMORIES_FORGOTTEN)
                .object("user", owner)
                .detail(json!({ "agent": agent, "memories": count }));
            Ok(tx.commit(event, count)?)
        })
        .await
}

/// Everything that is remembered about the person and that they may see, for taking along.
///
/// # Errors
/// [`AgentError::PersonRequired`], or the store's own.
pub async fn memories_export(
    permit: Permit<'_, memories::Read>,
) -> Result<Vec<Memory>, AgentError> {
    let ctx = permit.ctx();
    let owner = owner_of(ctx)?;
    let (rights, now) = (*ctx.rights(), ctx.now());
    let memories: Vec<Memory> = ctx
        .read(move |tx| {
            let found = rows::memories_of(tx, owner, None, None, MEMORIES_MAX)?;
            let memories = found.into_iter().map(|(memory, _)| memory);
            Ok::<_, AgentError>(memories.filter(|memory| memory.counts(&rights, now)).collect())
        })
        .await?;
    let label = memories.iter().map(|memory| memory.label).fold(Label::TYPED, Label::join);
    let event = Event::new(MEMORIES_EXPORTED)
        .object("user", owner)
        .detail(json!({ "memories": memories.len() }))
        .label(label);
    ctx.record(event).await?;
    Ok(memories)
}
