//! The durable job that looks for something to remember in what a person has said.
//!
//! Only questions in which people speak of themselves are looked at, only after their consent, only with a
//! model, and behind everything that somebody waits for. What documents or the appliance said is never
//! looked at: a memory is about its person.

use std::sync::Arc;
use std::time::Duration;

use audit::{Action, Event};
use base::{Coded as _, MessageId, UserId};
use models::{ModelError, Priority, Tier, Tiers, usage_insert};
use policy::{authorize, memories};
use serde_json::{Value, json};
use store::{JobContext, JobFailure, JobHandler, NewJob, Retry, StoreError, TenantCtx, WriteTx};

use super::extract::{Extracted, memories_extract};
use super::store as rows;
use crate::AgentError;
use crate::brain::{Brain, RunBudget, RunSeed};
use crate::spending::Spending;
use crate::store::message_of_person;
use crate::workbench::Workbench;

/// The kind of these jobs.
pub const MEMORY_JOB: &str = "memory";

const LOOKED: Action = Action::new("memory.looked_for");

/// Tokens of one look, prompt and output together.
const TOKENS: u32 = 6_000;

/// Time for one look.
const TIME_MS: i64 = 5 * 60 * 1000;

/// Pause while the model is away or busy.
const LATER: Duration = Duration::from_secs(60);

/// Words with which people speak of themselves, in the languages of the house.
const OF_ONESELF: [&str; 45] = [
    "i", "i'm", "i've", "i'd", "i'll", "me", "my", "mine", "myself", "we", "we're", "our", "ours",
    "us", "ich", "mir", "mich", "mein", "meine", "meinem", "meinen", "meiner", "wir", "uns",
    "unser", "unsere", "unserem", "unseren", "unserer", "já", "jsem", "mě", "mne", "mně", "mi",
    "můj", "moje", "mého", "jsme", "nás", "nám", "náš", "naše", "našem", "naši",
];

/// Whether a text may say something about who wrote it. A cheap look, so that no model is asked about
/// questions for a torque.
fn speaks_of_oneself(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’').any(|word| {
        let word = word.to_lowercase().replace('’', "'");
        OF_ONESELF.contains(&word.as_str())
    })
}

/// The job for a question, where it may be worth one.
pub(crate) fn memory_job(
    ctx: &TenantCtx,
    tiers: &Tiers,
    question: MessageId,
    text: &str,
) -> Result<Option<NewJob>, StoreError> {
    if ctx.user_id().is_none() || tiers.is_empty() || !speaks_of_oneself(text) {
        return Ok(None);
    }
    let payload = json!({ "message": question });
    NewJob::new(ctx, MEMORY_JOB, format!("message:{question}"), payload).map(Some)
}

/// Queues the job in the commit that stores the question, if the person has allowed it. A full queue is no
/// reason to refuse an answer.
pub(crate) fn memory_job_enqueue(
    tx: &mut WriteTx<'_>,
    owner: UserId,
    job: &NewJob,
) -> Result<(), StoreError> {
    if !rows::consent(tx, owner)? {
        return Ok(());
    }
    match store::job_enqueue(tx, job) {
        Ok(_) | Err(StoreError::QueueFull) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What looks for memories.
#[must_use]
pub fn memory_handler(bench: Workbench) -> JobHandler {
    Arc::new(move |job| {
        let bench = bench.clone();
        Box::pin(async move { carry_out(&bench, &job).await.map_err(|error| failure(&error)) })
    })
}

async fn carry_out(bench: &Workbench, job: &JobContext) -> Result<Value, AgentError> {
    let ctx = &job.ctx;
    let id = job.job.payload().get("message").and_then(Value::as_str);
    let id: Option<MessageId> = id.and_then(|id| id.parse().ok());
    let id = id.ok_or(StoreError::Corrupt("jobs.payload"))?;
    let nothing = json!({ "memories": 0 });
    let Some(owner) = ctx.user_id() else { return Ok(nothing) };
    let Ok(permit) = authorize::<memories::Change>(ctx) else { return Ok(nothing) };
    // The conversation may have been deleted since.
    let found = ctx.read(move |tx| message_of_person(tx, id, owner)).await?;
    let Some((conversation, text)) = found else { return Ok(nothing) };
    let spending = Spending::default();
    let tier = spending.open(ctx, bench.ledger(), TOKENS, Tier::Light).await?;
    let budget = RunBudget::new(TOKENS);
    let brain = Brain {
        ctx,
        tiers: bench.tiers(),
        budget: &budget,
        priority: Priority::Agent,
        deadline: ctx.now().plus_ms(TIME_MS),
    };
    let source = format!("conversation:{conversation}");
    let from = Extracted {
        agent: super::DEFAULT_AGENT,
        text: &text,
        label: base::Label::TYPED,
        source: &source,
        tier,
    };
    let seed = RunSeed::new(ctx.entropy())?;
    let work = memories_extract(permit, bench.library(), &brain, &from, seed.0);
    let made = tokio::select! {
        biased;
        () = job.cancel.cancelled() => Err(AgentError::Abandoned),
        made = work => made,
    };
    spending.spent(budget.spent(), None);
    let (usage, count) = (spending.take(), made.as_ref().map_or(0, Vec::len));
    ctx.write(move |tx| {
        for usage in &usage {
            usage_insert(&tx, usage)?;
        }
        let event = Event::new(LOOKED)
            .object("user", owner)
            .detail(json!({ "message": id, "memories": count }));
        Ok::<_, AgentError>(tx.commit(event, ())?)
    })
    .await?;
    match made {
        Ok(made) => Ok(json!({ "memories": made.len() })),
        // Taken back meanwhile, or no room: there is nothing more to do.
        Err(AgentError::MemoryNotAllowed | AgentError::Invalid(_)) => Ok(nothing),
        Err(error) => Err(error),
    }
}

fn failure(error: &AgentError) -> JobFailure {
    let retry = match error {
        AgentError::Store(StoreError::Busy | StoreError::DiskFull(_))
        | AgentError::Model(ModelError::Busy { .. } | ModelError::WorkerDied { .. }) => {
            Retry::Uncounted { after: LATER }
        }
        AgentError::Store(_) => Retry::Counted,
        // A memory less is no harm; a model that can't answer now costs the next person its time.
        _ => Retry::Never,
    };
    JobFailure { code: error.code(), detail: error.to_string(), retry }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_speaks_of_oneself_is_listened_to() {
        for text in [
            "I work nights, what is the gap of P-7?",
            "Which oil does my line take? I’m at station 3.",
            "Welches Öl braucht unsere Linie?",
            "Jaký olej patří do našem stroje? Pracuji v noci, já jsem nový.",
        ] {
            assert!(speaks_of_oneself(text), "{text}");
        }
        for text in [
            "What is the tightening torque of the P-101 flange bolts?",
            "Welches Drehmoment haben die Schrauben?",
            "Jaký je moment šroubů P-101?",
            "",
        ] {
            assert!(!speaks_of_oneself(text), "{text}");
        }
    }
}
