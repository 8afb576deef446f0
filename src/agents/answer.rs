//! The answer path: resolve the question, retrieve, have it answered, record, show.
//!
//! Without a language model the documents answer, word for word. With one it writes (`generated`) or
//! reasons (`reason`), and the documents answer whenever it does not.

mod draft;
mod listener;
mod record;
mod settings;

use std::borrow::Cow;
use std::time::Duration;

use audit::{Action, Event};
use base::{Classification, Coded as _, ConversationId, MessageId, Timestamp};
use knowledge::{
    KnowledgeError, Library, Passage, Retrieval, SEARCH_QUERY_MAX_CHARS, SearchFilters,
    SearchInput, passages_find,
};
use models::{route, usage_insert};
use policy::{Permit, authorize, chat, memories};
use store::TenantCtx;

use crate::brain::RunSeed;
use crate::follow_up::{self, FOLLOW_UP_QUESTIONS_MAX};
use crate::generated::{self, Outcome, Remembered, Task, Turn};
use crate::memory::{DEFAULT_AGENT, memories_recall, memory_job};
use crate::model::{Answer, AnswerEvent, AnswerEvents, Stage, Timings};
use crate::question::{Answerer, Question, found};
use crate::specialist::Specialist;
use crate::spending::Spending;
use crate::store as rows;
use crate::trace::Trace;
use crate::workbench::Workbench;
use crate::{AgentError, figures, quote, reason};
use draft::Draft;
use record::Record;
use settings::{answer_settings, needs_reasoning};

pub(crate) use listener::Listener;
pub(crate) use settings::Mode;
pub use settings::{ANSWER_MODE, ANSWER_TIER, TIER_AUTOMATIC};

/// The mode that needs no language model.
pub const QUOTE_MODE: &str = "quote";

/// Passages whose sentences are weighed.
const PASSAGES_READ: u32 = 16;

/// Time for a model's answer that comes whole, so that quotes can still be given within the two
/// minutes of a request.
const WHOLE_ANSWER_TIME: Duration = Duration::from_secs(100);

/// The same for one that is shown as it comes.
const STREAMED_ANSWER_TIME: Duration = Duration::from_secs(9 * 60);

/// Messages of the conversation that a model may see.
const TURNS_MAX: u32 = 6;

/// Memories that a model may see.
const MEMORIES_MAX: usize = 5;

const ANSWER_ABANDONED: Action = Action::new("answer.abandoned");

/// Answers a question from the documents that the asking person may see, and records question,
/// answer and what was shown in one commit.
///
/// Events go to `events` as the work proceeds; when its receiver is dropped before the commit, the
/// work ends and nothing is stored but the tokens that it cost.
///
/// # Errors
/// [`AgentError::ConversationNotFound`] when it was deleted meanwhile, [`AgentError::Abandoned`],
/// or those of retrieval and the store. An error is also sent as [`AnswerEvent::Error`].
pub async fn answer(
    permit: Permit<'_, chat::Send>,
    bench: &Workbench,
    question: Question,
    events: Option<AnswerEvents>,
) -> Result<Answer, AgentError> {
    let listener = Listener::new(events);
    let spending = Spending::default();
    let begun = permit.ctx().now();
    let around = Around { permit: &permit, bench, spending: &spending, listener: &listener };
    let finished = async {
        match around.work(&question).await {
            // Once more when a revision stopped counting while it was read; what was shown of it
            // can't be taken back.
            Err(AgentError::Knowledge(KnowledgeError::Overtaken)) if !listener.has_shown() => {
                around.work(&question).await
            }
            other => other,
        }
    };
    let result = tokio::select! {
        biased;
        () = listener.gone() => Err(AgentError::Abandoned),
        result = finished => result,
    };
    match &result {
        Ok(answer) => {
            let outcome = if answer.refusal.is_some() { "refused" } else { "answered" };
            around.count(&answer.receipt.mode, outcome, begun);
            listener.show(answer).await;
        }
        Err(error) => {
            charge(permit.ctx(), &spending).await;
            around.count("none", "failed", begun);
            let event = AnswerEvent::Error { code: error.code(), message: error.to_string() };
            listener.send(event).await;
        }
    }
    result
}

/// Writes what a model cost whose answer was not stored.
pub(crate) async fn charge(ctx: &TenantCtx, spending: &Spending) {
    let usage = spending.take();
    if usage.is_empty() {
        return;
    }
    let request = ctx.request_id();
    let written = ctx.write(move |tx| {
        for usage in &usage {
            usage_insert(&tx, usage)?;
        }
        tx.commit(Event::new(ANSWER_ABANDONED).object("request", request), ())
    });
    if let Err(error) = written.await {
        let error: store::StoreError = error;
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "tokens of an answer that was not stored are counted only until the tenant closes"
        );
    }
}

/// What every step of an answer works with.
struct Around<'a> {
    permit: &'a Permit<'a, chat::Send>,
    bench: &'a Workbench,
    spending: &'a Spending,
    listener: &'a Listener,
}

/// What is known before anybody answers.
struct Found {
    /// As the conversation completed it.
    resolved: Option<String>,
    /// As it is searched for.
    question: String,
    retrieval: Retrieval,
    started: Timestamp,
    searching: Timestamp,
    reading: Timestamp,
}

impl Found {
    fn timings(&self, ended: Timestamp) -> Timings {
        Timings {
            resolve_ms: elapsed_ms(self.started, self.searching),
            search_ms: elapsed_ms(self.searching, self.reading),
            read_ms: elapsed_ms(self.reading, ended),
            total_ms: elapsed_ms(self.started, ended),
        }
    }
}

impl Around<'_> {
    async fn work(&self, asked: &Question) -> Result<Answer, AgentError> {
        let ctx = self.permit.ctx();
        let found = self.find(asked).await?;
        let (draft, trace) = match self.by_model(asked, &found).await? {
            Some(thought) => self.thought_or_quoted(thought, &found).await?,
            None => (self.quoted(&found).await?, None),
        };
        self.listener.stage(Stage::Writing).await;
        let question_id = MessageId::new(ctx.now(), ctx.entropy())?;
        let record = Record {
            conversation: asked.conversation,
            new_conversation: ConversationId::new(ctx.now(), ctx.entropy())?,
            question_id,
            message_id: MessageId::new(ctx.now(), ctx.entropy())?,
            owner: ctx.user_id(),
            message: asked.message.clone(),
            text: draft.text(&found.question),
            draft,
            usage: self.spending.take(),
            trace,
            memory_job: memory_job(ctx, self.bench.tiers(), question_id, &asked.message)?,
        };
        ctx.write(move |tx| record.commit(tx)).await
    }

    async fn find(&self, asked: &Question) -> Result<Found, AgentError> {
        let ctx = self.permit.ctx();
        let started = ctx.now();
        let message = asked.message.clone();
        self.listener.stage(Stage::Resolving).await;
        let resolved = match asked.conversation {
            Some(id) => follow_up::resolve(&message, &earlier(ctx, id).await?),
            None => None,
        };
        // What would be too long to be searched for stands on its own.
        let resolved = resolved.filter(|text| text.chars().count() <= SEARCH_QUERY_MAX_CHARS);
        let searching = ctx.now();
        self.listener.stage(Stage::Searching).await;
        let question = resolved.clone().unwrap_or(message);
        let retrieval =
            passages_find(self.permit, self.bench.library(), &search_for(&question, None)).await?;
        let reading = ctx.now();
        Ok(Found { resolved, question, retrieval, started, searching, reading })
    }

    /// What the documents say, word for word.
    async fn quoted(&self, found: &Found) -> Result<Draft, AgentError> {
        self.listener.stage(Stage::Reading).await;
        let retrieval = &found.retrieval;
        let weighed =
            quote::weigh(&found.question, retrieval, self.bench.library().models()).await?;
        let chosen = quote::choose(&weighed, &retrieval.passages);
        let timings = found.timings(self.permit.ctx().now());
        Ok(Draft::quoted(retrieval, &chosen, self.bench.library(), found.resolved.clone(), timings))
    }

    /// What a model says; `None` when none is to be asked.
    async fn by_model(
        &self,
        asked: &Question,
        found: &Found,
    ) -> Result<Option<Thought>, AgentError> {
        let ctx = self.permit.ctx();
        if self.bench.tiers().is_empty() {
            // Said only to who asked for a model.
            let wanted = asked.mode().filter(|mode| *mode != Mode::Quote);
            return Ok(wanted.map(|mode| Thought::none(mode, "no_model")));
        }
        let settings = answer_settings(ctx).await?;
        let mode = asked.mode().unwrap_or(settings.mode);
        if mode == Mode::Quote || found.retrieval.passages.is_empty() {
            return Ok(None);
        }
        self.listener.stage(Stage::Thinking).await;
        let specialist = self.specialist(asked, found).await?;
        let specialist = specialist.as_ref();
        let passages = self.passages_for(specialist, found).await?;
        if passages.is_empty() {
            return Ok(Some(Thought::none(mode, "agent_ceiling")));
        }
        let mut turns = match asked.conversation {
            Some(id) => last_turns(ctx, id).await?,
            None => Vec::new(),
        };
        turns.retain(|turn| specialist.is_none_or(|agent| agent.may_read(&turn.label)));
        let time = if self.listener.is_there() { STREAMED_ANSWER_TIME } else { WHOLE_ANSWER_TIME };
        let time_ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let task = Task {
            ctx,
            bench: self.bench,
            specialist,
            spending: self.spending,
            listener: self.listener,
            question: &found.question,
            memories: &[],
            turns: &turns,
            passages: &passages,
            pinned: specialist.map_or(settings.tier, |agent| agent.tier(settings.tier)),
            deadline: ctx.now().plus_ms(time_ms),
            seed: RunSeed::new(ctx.entropy())?,
        };
        let complexity = task.complexity();
        let reasons = match asked.mode() {
            Some(mode) => mode == Mode::Reason,
            None => needs_reasoning(&route(&complexity, task.pinned), complexity.kind),
        };
        if reasons {
            let (outcome, trace) = reason::answer(self.permit, &task).await?;
            return Ok(Some(Thought { mode: Mode::Reason, outcome: Ok(outcome), trace }));
        }
        let memories = remembered(ctx, self.bench.library(), specialist, &found.question).await;
        let outcome = Ok(generated::write(&Task { memories: &memories, ..task }).await?);
        Ok(Some(Thought { mode: Mode::Generated, outcome, trace: None }))
    }

    /// The agent that takes part: the one that was asked for, or where nobody was, the one that is meant
    /// for such questions.
    async fn specialist(
        &self,
        asked: &Question,
        found: &Found,
    ) -> Result<Option<Specialist>, AgentError> {
        let named = match &asked.answerer {
            Some(Answerer::Mode(_)) => return Ok(None),
            Some(Answerer::Agent(name)) => Some(name.as_str()),
            None => None,
        };
        let ctx = self.permit.ctx();
        Specialist::for_question(ctx, self.bench, &found.question, named).await.map(Some)
    }

    /// What was found, as far as the agent may read it; searched for once more when something was above
    /// its ceiling, so that it does not get less than there is.
    async fn passages_for<'f>(
        &self,
        specialist: Option<&Specialist>,
        found: &'f Found,
    ) -> Result<Cow<'f, [Passage]>, AgentError> {
        let passages = &found.retrieval.passages;
        let Some(agent) = specialist else { return Ok(Cow::Borrowed(passages)) };
        if passages.iter().all(|passage| agent.may_read(&passage.label)) {
            return Ok(Cow::Borrowed(passages));
        }
        let search = search_for(&found.question, Some(agent.ceiling()));
        let again = passages_find(self.permit, self.bench.library(), &search).await?;
        Ok(Cow::Owned(again.passages))
    }

    async fn thought_or_quoted(
        &self,
        thought: Thought,
        found: &Found,
    ) -> Result<(Draft, Option<Trace>), AgentError> {
        let Thought { mode, outcome, trace } = thought;
        let fallback = match &outcome {
            Ok(outcome) => outcome.fallback.clone(),
            Err(reason) => Some((*reason).to_owned()),
        };
        match (outcome, fallback) {
            (Ok(outcome), None) => {
                let timings = found.timings(self.permit.ctx().now());
                let (retrieval, resolved) = (&found.retrieval, found.resolved.clone());
                let mode = mode.as_str();
                let draft = Draft::written(
                    mode,
                    retrieval,
                    self.bench.library(),
                    outcome,
                    resolved,
                    timings,
                );
                Ok((draft, trace))
            }
            (outcome, reason) => {
                let mut draft = self.quoted(found).await?;
                draft.fell_back(reason.unwrap_or_default(), outcome.ok());
                Ok((draft, trace))
            }
        }
    }

    fn count(&self, mode: &str, outcome: &'static str, begun: Timestamp) {
        let agent = Mode::parse(mode).map_or("none", Mode::as_str);
        let elapsed_ms = elapsed_ms(begun, self.permit.ctx().now());
        figures::run(agent, outcome, Duration::from_millis(elapsed_ms));
    }
}

/// What came of asking a model.
struct Thought {
    mode: Mode,
    /// Or why none was asked.
    outcome: Result<Outcome, &'static str>,
    trace: Option<Trace>,
}

impl Thought {
    const fn none(mode: Mode, reason: &'static str) -> Self {
        Self { mode, outcome: Err(reason), trace: None }
    }
}

/// What is searched for to answer `question`, within the ceiling of the agent that is to read it.
pub(crate) fn search_for(question: &str, ceiling: Option<Classification>) -> SearchInput {
    SearchInput {
        query: question.to_owned(),
        filters: SearchFilters { classification_max: ceiling, ..SearchFilters::default() },
        limit: PASSAGES_READ,
    }
}

/// The earlier questions of one's own conversation, newest first.
async fn earlier(ctx: &TenantCtx, id: ConversationId) -> Result<Vec<String>, AgentError> {
    let owner = ctx.user_id();
    ctx.read(move |tx| {
        found(tx, id, owner)?;
        Ok(rows::last_questions(tx, id, FOLLOW_UP_QUESTIONS_MAX)?)
    })
    .await
}

/// The last messages of one's own conversation that one may see now, oldest first.
async fn last_turns(ctx: &TenantCtx, id: ConversationId) -> Result<Vec<Turn>, AgentError> {
    let (owner, rights) = (ctx.user_id(), *ctx.rights());
    ctx.read(move |tx| {
        found(tx, id, owner)?;
        let mut turns = rows::last_turns(tx, id, TURNS_MAX)?;
        turns.retain(|turn| policy::may_see(&rights, &turn.label).is_visible());
        Ok(turns)
    })
    .await
}

/// What is remembered about who asks; nothing for the console and without consent. An answer is
/// given without its memories when they can't be had.
async fn remembered(
    ctx: &TenantCtx,
    library: &Library,
    specialist: Option<&Specialist>,
    question: &str,
) -> Vec<Remembered> {
    let Ok(permit) = authorize::<memories::Read>(ctx) else { return Vec::new() };
    let mut agents = vec![DEFAULT_AGENT];
    agents.extend(specialist.map(|agent| agent.spec.name.as_str()));
    let ceiling = specialist.map_or(Classification::Restricted, Specialist::ceiling);
    let whose = (agents.as_slice(), ceiling);
    match memories_recall(permit, library, whose, question, MEMORIES_MAX).await {
        Ok(found) => found
            .into_iter()
            .map(|recalled| recalled.memory)
            .map(|memory| Remembered { text: memory.text, label: memory.label })
            .collect(),
        Err(AgentError::PersonRequired) => Vec::new(),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a question is answered without what is remembered"
            );
            Vec::new()
        }
    }
}

fn elapsed_ms(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.since_ms(from)).unwrap_or(0)
}
