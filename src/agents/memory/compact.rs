//! Tidying up: what has expired, and what is there twice.

use audit::{Action, Event};
use base::{MemoryId, Timestamp};
use models::Embedding;
use policy::{Permit, memories};
use serde_json::json;

use super::memories::owner_of;
use super::model::{MEMORIES_MAX, Memory};
use super::store as rows;
use crate::AgentError;

const MEMORIES_COMPACTED: Action = Action::new("memory.compacted");

/// Cosine from which two memories of one kind say the same.
const SAME_COSINE: f32 = 0.92;

/// Tidies up a person's memories: forgets what has expired, and of memories of one agent and kind that say
/// the same keeps the newest, with the highest importance of them; how many went.
///
/// # Errors
/// [`AgentError::PersonRequired`], or the store's own.
pub async fn memories_compact(permit: Permit<'_, memories::Change>) -> Result<usize, AgentError> {
    let ctx = permit.ctx();
    let owner = owner_of(ctx)?;
    let now = ctx.now();
    let all = ctx
        .read(move |tx| {
            Ok::<_, AgentError>(rows::memories_of(tx, owner, None, None, MEMORIES_MAX)?)
        })
        .await?;
    // Comparing thousands with thousands is no work for an async thread.
    let plan = tokio::task::spawn_blocking(move || compaction(all, now));
    let (gone, raised) = plan.await.map_err(|_| AgentError::Panicked)?;
    if gone.is_empty() {
        return Ok(0);
    }
    ctx.write(move |tx| {
        for (memory, _) in &raised {
            rows::memory_update(&tx, memory)?;
        }
        let mut count = 0;
        for id in &gone {
            count += usize::from(rows::memory_delete(&tx, *id)?);
        }
        let event = Event::new(MEMORIES_COMPACTED)
            .object("user", owner)
            .detail(json!({ "memories": gone }));
        Ok(tx.commit(event, count)?)
    })
    .await
}

type Kept = (Memory, Option<Embedding>);

/// What goes, and what of the rest gets another importance.
fn compaction(all: Vec<Kept>, now: Timestamp) -> (Vec<MemoryId>, Vec<Kept>) {
    let (mut kept, mut gone): (Vec<Kept>, Vec<MemoryId>) = (Vec::new(), Vec::new());
    let mut raised: Vec<MemoryId> = Vec::new();
    // Newest first.
    for (memory, embedding) in all {
        if memory.expires_at.is_some_and(|at| now >= at) {
            gone.push(memory.id);
            continue;
        }
        let same = kept.iter_mut().find(|(newer, newer_embedding)| {
            // Labels must be the same: a merged text would be as secret as the more secret one.
            newer.agent == memory.agent
                && newer.kind == memory.kind
                && newer.label == memory.label
                && says_the_same((newer, newer_embedding.as_ref()), (&memory, embedding.as_ref()))
        });
        match same {
            Some((newer, _)) => {
                if memory.importance > newer.importance {
                    newer.importance = memory.importance;
                    raised.push(newer.id);
                }
                gone.push(memory.id);
            }
            None => kept.push((memory, embedding)),
        }
    }
    kept.retain(|(memory, _)| raised.contains(&memory.id));
    (gone, kept)
}

fn says_the_same(
    (a, of_a): (&Memory, Option<&Embedding>),
    (b, of_b): (&Memory, Option<&Embedding>),
) -> bool {
    // Numbers tell apart what means nearly the same: 90 Nm is not 80 Nm.
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    if digits(&a.text) != digits(&b.text) {
        return false;
    }
    let close = of_a.zip(of_b).is_some_and(|(x, y)| x.dot(y) >= SAME_COSINE);
    close || a.text.to_lowercase() == b.text.to_lowercase()
}
