//! Finding memories again: by what they mean, how important they are, and how old.

use std::collections::BTreeSet;

use base::{Classification, Label, MemoryId, Timestamp};
use knowledge::Library;
use models::{Embedding, TextKind};
use policy::{Permit, memories};

use super::memories::{embed, owner_of, record_read};
use super::model::{MEMORIES_MAX, Memory};
use super::store as rows;
use crate::AgentError;
use crate::brain::{Fenced, fence};

/// Most memories that are found for one question.
pub const MEMORIES_RECALLED_MAX: usize = 12;

/// Weights of meaning, importance and age in a memory's score, and the score from which it is of use.
const MEANING: f32 = 0.7;
const IMPORTANCE: f32 = 0.2;
const FRESHNESS: f32 = 0.1;
const LEAST_SCORE: f32 = 0.3;
/// After so many days a memory's freshness is half.
const HALF_LIFE_DAYS: f32 = 60.0;

/// A memory that was found, and how well it fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Recalled {
    /// The memory.
    pub memory: Memory,
    /// 0 to 1.
    pub score: f32,
}

/// Memories of the person and some agents that fit a question, best first; recorded as read. Without consent
/// there are none. Without the embedder the most important ones come.
///
/// # Errors
/// [`AgentError::PersonRequired`], or the store's own.
pub async fn memories_recall(
    permit: Permit<'_, memories::Read>,
    library: &Library,
    (agents, ceiling): (&[&str], Classification),
    question: &str,
    limit: usize,
) -> Result<Vec<Recalled>, AgentError> {
    let ctx = permit.ctx();
    let owner = owner_of(ctx)?;
    let (rights, now) = (*ctx.rights(), ctx.now());
    // One that is named twice remembers once.
    let agents: BTreeSet<String> = agents.iter().map(|agent| (*agent).to_owned()).collect();
    let found = ctx
        .read(move |tx| {
            if !rows::consent(tx, owner)? {
                return Ok::<_, AgentError>(Vec::new());
            }
            let mut found = Vec::new();
            for agent in &agents {
                found.extend(rows::memories_of(tx, owner, Some(agent), None, MEMORIES_MAX)?);
            }
            // Before anything is scored.
            found.retain(|(memory, _)| {
                memory.counts(&rights, now) && memory.label.classification <= ceiling
            });
            Ok(found)
        })
        .await?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let question = embed(library, question, TextKind::Query).await;
    let mut recalled: Vec<Recalled> = found
        .into_iter()
        .map(|(memory, embedding)| {
            let score = score(&memory, embedding.as_ref(), question.as_ref(), now);
            Recalled { memory, score }
        })
        .filter(|recalled| recalled.score >= LEAST_SCORE || question.is_none())
        .collect();
    recalled.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.memory.id.cmp(&a.memory.id)));
    recalled.truncate(limit.min(MEMORIES_RECALLED_MAX));
    let memories: Vec<Memory> = recalled.iter().map(|recalled| recalled.memory.clone()).collect();
    record_read(ctx, owner, &memories).await?;
    touch(&permit, &memories).await?;
    Ok(recalled)
}

/// What was of use stays longer when memories are tidied up by people.
async fn touch(permit: &Permit<'_, memories::Read>, memories: &[Memory]) -> Result<(), AgentError> {
    const MEMORIES_USED: audit::Action = audit::Action::new("memory.used");
    let ids: Vec<MemoryId> = memories.iter().map(|memory| memory.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    permit
        .ctx()
        .write(move |tx| {
            rows::memory_touch(&tx, &ids)?;
            let event =
                audit::Event::new(MEMORIES_USED).detail(serde_json::json!({ "memories": ids }));
            Ok::<_, AgentError>(tx.commit(event, ())?)
        })
        .await
}

#[expect(clippy::cast_precision_loss, reason = "days of a memory's life")]
fn score(
    memory: &Memory,
    embedding: Option<&Embedding>,
    question: Option<&Embedding>,
    now: Timestamp,
) -> f32 {
    let meaning = embedding.zip(question).map_or(0.0, |(a, b)| a.dot(b).max(0.0));
    let importance = memory.importance as f32 / 5.0;
    let days = now.since_ms(memory.updated_at).max(0) as f32 / 86_400_000.0;
    let freshness = 0.5_f32.powf(days / HALF_LIFE_DAYS);
    MEANING * meaning + IMPORTANCE * importance + FRESHNESS * freshness
}

/// Memories as they go into a prompt, and the join of their labels.
#[must_use]
pub fn recalled_text(recalled: &[Recalled]) -> (String, Label) {
    let mut parts = Vec::with_capacity(recalled.len());
    let mut label = Label::TYPED;
    for (number, found) in (1..).zip(recalled) {
        let text = format!("({}) {}", found.memory.kind.as_str(), found.memory.text);
        parts.push(fence(Fenced::Memory, number, &text));
        label = label.join(found.memory.label);
    }
    (parts.join("\n"), label)
}
