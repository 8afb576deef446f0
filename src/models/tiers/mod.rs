//! Language models by how much they can do, and the way of a prompt to one of them.

mod route;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::mpsc;
use tokio::time::Instant;

pub use route::{Complexity, QuestionKind, RouterDecision, Tier, TierError, route};

use crate::error::ModelError;
use crate::figures;
use crate::language::{CallOptions, LanguageModel, ModelDescription, TEXT_SINK_PIECES, TextSink};
use crate::protocol::{GenerateInput, Generation, ModelHash};

/// What a caller without any model is told to wait: somebody has to import one.
const NO_MODEL_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The part of the time left that a member gets before another one is tried: one of so many.
const TIME_SHARE: u32 = 2;

/// A model as member of a tier, with the texts that it writes at this moment.
struct Member {
    model: Arc<dyn LanguageModel>,
    busy: AtomicUsize,
}

/// Members per tier. Cheap to clone; all clones see the same members, which can be exchanged while
/// texts are being written: those go on with the member they began with.
#[derive(Clone, Default)]
pub struct Tiers {
    members: Arc<RwLock<[TierMembers; 3]>>,
}

/// Who may be asked for one tier.
#[derive(Default)]
struct TierMembers {
    /// Models of this machine, as the administrator has assigned them.
    here: Vec<Arc<Member>>,
    /// Models of other machines, as the configuration has them.
    upstream: Vec<Arc<Member>>,
}

impl TierMembers {
    fn all(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.here.iter().chain(&self.upstream)
    }

    fn is_empty(&self) -> bool {
        self.here.is_empty() && self.upstream.is_empty()
    }
}

/// A text, and the way it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// The text.
    pub generation: Generation,
    /// The tier that wrote it.
    pub tier: Tier,
    /// The model that wrote it.
    pub model: ModelDescription,
    /// Who was asked before, in vain.
    pub tried: Vec<TriedMember>,
}

/// A member that was asked and did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TriedMember {
    /// The tier it was asked as a member of.
    pub tier: Tier,
    /// The model.
    pub model: ModelHash,
    /// The error's code.
    pub error: &'static str,
}

impl Tiers {
    /// No model at all: answers are quotes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `members` in the place of those of this machine that `tier` has, in the order in which they
    /// are asked when all are equally busy.
    pub fn set_members(&self, tier: Tier, members: Vec<Arc<dyn LanguageModel>>) {
        self.members.write()[tier.index()].here = at_rest(members);
    }

    /// Puts `members` in the place of those of other machines that `tier` has. They are asked like those
    /// of this machine, and after them when all are equally busy.
    pub fn set_upstreams(&self, tier: Tier, members: Vec<Arc<dyn LanguageModel>>) {
        self.members.write()[tier.index()].upstream = at_rest(members);
    }

    /// Whether no tier has a member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.read().iter().all(TierMembers::is_empty)
    }

    /// What the members of `tier` are, in order.
    #[must_use]
    pub fn members(&self, tier: Tier) -> Vec<ModelDescription> {
        self.members.read()[tier.index()].all().map(|member| member.model.describe()).collect()
    }

    /// The nearest tier that has a member, larger ones first.
    #[must_use]
    pub fn best_available(&self, wanted: Tier) -> Option<Tier> {
        let members = self.members.read();
        wanted.fallbacks().into_iter().find(|tier| !members[tier.index()].is_empty())
    }

    /// Tokens that prompt and output may have together, whichever member of the tier (or of the
    /// nearest one that has any) writes.
    #[must_use]
    pub fn context_tokens(&self, tier: Tier) -> Option<u32> {
        let tier = self.best_available(tier)?;
        self.members(tier).iter().map(|model| model.context_tokens).min()
    }

    /// Has a member of `tier` write a text: the least busy one first, then the others, then those
    /// of other tiers, as long as time is left. Pieces go to `pieces` as they come; once one went
    /// there nobody else is asked.
    ///
    /// # Errors
    /// [`ModelError`] of the first member; [`ModelError::Unavailable`] when there is none.
    pub async fn generate(
        &self,
        tier: Tier,
        input: &GenerateInput,
        options: CallOptions,
        pieces: Option<TextSink>,
    ) -> Result<Routed, ModelError> {
        ask_in_turn(self.line(tier), input, options, pieces).await
    }

    /// Has one model write a text, and nobody else when it fails.
    ///
    /// # Errors
    /// [`ModelError`]; [`ModelError::Unavailable`] when it is no member of any tier.
    pub async fn generate_by(
        &self,
        model: ModelHash,
        input: &GenerateInput,
        options: CallOptions,
        pieces: Option<TextSink>,
    ) -> Result<Routed, ModelError> {
        let mut line = self.line(Tier::Light);
        line.retain(|(_, member)| member.model.describe().hash == model);
        line.truncate(1);
        ask_in_turn(line, input, options, pieces).await
    }

    /// The first member of any tier with this name, in any case of its letters, or this hash.
    #[must_use]
    pub fn find(&self, name_or_hash: &str) -> Option<(Tier, ModelDescription)> {
        let is_meant = |model: &ModelDescription| {
            model.name.eq_ignore_ascii_case(name_or_hash) || model.hash.to_string() == name_or_hash
        };
        let all = Tier::ALL.into_iter().map(|tier| (tier, self.members(tier)));
        let mut all = all.flat_map(|(tier, models)| models.into_iter().map(move |m| (tier, m)));
        all.find(|(_, model)| is_meant(model))
    }

    /// Tokens of each text, in order, as a member of `tier` counts them.
    ///
    /// # Errors
    /// As [`Self::generate`].
    pub async fn count_tokens(
        &self,
        tier: Tier,
        texts: Vec<String>,
        options: CallOptions,
    ) -> Result<Vec<u32>, ModelError> {
        let deadline = Instant::now() + options.timeout;
        let mut first_error = None;
        for (_, member) in self.line(tier) {
            let timeout = deadline.saturating_duration_since(Instant::now());
            let options = CallOptions { timeout, ..options };
            match member.model.count_tokens(texts.clone(), options).await {
                Ok(counts) => return Ok(counts),
                Err(error) if !another_may_do_better(&error) => return Err(error),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.unwrap_or_else(no_model))
    }

    /// Everybody who may be asked for `tier`, in the order in which they are.
    fn line(&self, tier: Tier) -> Vec<(Tier, Arc<Member>)> {
        let members = self.members.read();
        let mut line = Vec::new();
        for tier in tier.fallbacks() {
            let mut of_tier: Vec<_> = members[tier.index()].all().cloned().collect();
            of_tier.sort_by_key(|member| member.busy.load(Ordering::Relaxed));
            line.extend(of_tier.into_iter().map(|member| (tier, member)));
        }
        line
    }
}

fn at_rest(models: Vec<Arc<dyn LanguageModel>>) -> Vec<Arc<Member>> {
    models.into_iter().map(|model| Arc::new(Member { model, busy: AtomicUsize::new(0) })).collect()
}

/// Asks the members of `line` one after the other, until one has answered.
async fn ask_in_turn(
    line: Vec<(Tier, Arc<Member>)>,
    input: &GenerateInput,
    options: CallOptions,
    pieces: Option<TextSink>,
) -> Result<Routed, ModelError> {
    let deadline = Instant::now() + options.timeout;
    let count = line.len();
    let mut tried = Vec::new();
    let mut first_error = None;
    for (i, (tier, member)) in line.into_iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        if i > 0 && left.is_zero() {
            break;
        }
        let options = CallOptions { timeout: left, ..options };
        let patience = if i + 1 < count { left / TIME_SHARE } else { left };
        let begun = Instant::now();
        let attempt = member.write(input, options, patience, pieces.as_ref()).await;
        figures::request(tier, &member.model.describe(), begun.elapsed(), &attempt.outcome);
        let model = member.model.describe();
        match attempt.outcome {
            Ok(generation) => return Ok(Routed { generation, tier, model, tried }),
            Err(error) => {
                let code = base::Coded::code(&error);
                tracing::warn!(
                    model.hash = %model.hash, model.tier = tier.as_str(), error.code = code,
                    "a language model did not answer"
                );
                let ends = attempt.streamed || !another_may_do_better(&error);
                tried.push(TriedMember { tier, model: model.hash, error: code });
                if ends {
                    return Err(error);
                }
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.unwrap_or_else(no_model))
}

/// What came of asking one member.
struct Attempt {
    outcome: Result<Generation, ModelError>,
    /// Whether the caller has seen some of the text.
    streamed: bool,
}

impl Member {
    /// Has this member write, as long as it shows a first sign within `patience`.
    async fn write(
        &self,
        input: &GenerateInput,
        options: CallOptions,
        patience: Duration,
        pieces: Option<&TextSink>,
    ) -> Attempt {
        let _busy = Busy::begin(&self.busy);
        let Some(caller) = pieces else {
            // Without pieces the worker may begin again after a death; so none are asked for.
            let work = self.model.generate(input, options, None);
            let outcome = tokio::time::timeout(patience, work).await.unwrap_or_else(|_| {
                self.model.gave_no_sign();
                Err(ModelError::DeadlinePassed { timeout: patience })
            });
            return Attempt { outcome, streamed: false };
        };
        let (sink, mut from_model) = mpsc::channel::<String>(TEXT_SINK_PIECES);
        let mut work = self.model.generate(input, options, Some(sink));
        let first_sign = tokio::time::sleep(patience);
        tokio::pin!(first_sign);
        let mut streamed = false;
        let mut reading = true;
        let outcome = loop {
            tokio::select! {
                biased;
                piece = from_model.recv(), if reading => match piece {
                    Some(piece) => {
                        streamed = true;
                        reading = caller.send(piece).await.is_ok();
                        if !reading {
                            from_model.close();
                        }
                    }
                    None => reading = false,
                },
                outcome = &mut work => break outcome,
                () = &mut first_sign, if !streamed => {
                    self.model.gave_no_sign();
                    break Err(ModelError::DeadlinePassed { timeout: patience });
                }
            }
        };
        // What was said before the end may still wait here.
        while reading && let Ok(piece) = from_model.try_recv() {
            streamed = true;
            reading = caller.send(piece).await.is_ok();
        }
        Attempt { outcome, streamed }
    }
}

/// Counts a text that is being written, until it is dropped.
struct Busy<'a>(&'a AtomicUsize);

impl<'a> Busy<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the fault lies with the member and not with what was asked.
const fn another_may_do_better(error: &ModelError) -> bool {
    match error {
        ModelError::Invalid(_) | ModelError::ShutDown => false,
        // Another member may have a larger window.
        ModelError::PromptTooLong { .. }
        | ModelError::Busy { .. }
        | ModelError::Unavailable { .. }
        | ModelError::DeadlinePassed { .. }
        | ModelError::WorkerDied { .. }
        | ModelError::Worker(_)
        | ModelError::ModelRefused { .. } => true,
    }
}

fn no_model() -> ModelError {
    ModelError::Unavailable {
        reason: "no language model is assigned to a tier".to_owned(),
        retry_after: NO_MODEL_RETRY_AFTER,
    }
}
