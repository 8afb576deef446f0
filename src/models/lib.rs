//! Language models: protocol and supervised client of the model worker, the one process that holds
//! model weights; tiers of models; token budgets.
//!
//! [`ModelWorker`] is what the rest of the house calls: it starts the worker when the first call
//! arrives, keeps it alive, restarts it with back-off when it dies, and stops it again when nobody
//! has asked for a while, so that its memory goes back. [`protocol`] is what both ends speak over
//! the socket pair; the worker itself lives in the `engine` room. [`LanguageModel`] is the one
//! interface behind which text is generated; [`Tiers`] chooses among its implementations, and
//! [`BudgetLedger`] says whether a text may be generated at all. [`Encoders`] are the models that help to find
//! texts.
//!
//! Never:
//! - does model arithmetic or holds weights in this process;
//! - sends a call twice after the caller was answered, or more than twice in all;
//! - lets bulk work fill the queue so far that an interactive call is refused;
//! - trusts a frame: lengths, counts and versions are checked before anything is allocated for them;
//! - logs or stores a text that it carries.

mod budget;
mod cage_report;
mod child_report;
mod client;
mod embedding;
mod encoders;
mod error;
mod figures;
mod generator_proof;
mod language;
pub mod protocol;
mod registry;
mod role;
mod scripted;
mod tiers;
mod upstream;
mod worker_builds;

pub use budget::{
    BUDGET_MOST_TOKENS, BudgetError, BudgetLedger, BudgetPeriod, BudgetScope, BudgetStanding,
    OverflowPolicy, Reservation, SettledUsage, TOKEN_BUDGETS, TokenBudgets, UsageFilter,
    UsageGroup, UsageRow, Used, token_budgets, token_budgets_set, usage_insert, usage_rows,
};
pub use cage_report::{WorkerAct, WorkerCageReport, worker_cage_self_test};
pub use client::{ModelWorker, WorkerCommand, WorkerSettings, WorkerState};
pub use embedding::{Embedding, EmbeddingError};
pub use encoders::{Encoders, TextEncoder};
pub use error::ModelError;
pub use figures::describe_figures;
pub use generator_proof::{GeneratorProof, prove_generator};
pub use language::{
    BoxFuture, CallOptions, LanguageModel, ModelDescription, TEXT_SINK_PIECES, TextSink,
};
pub use protocol::{
    ChatMessage, ComputePath, FairShare, FinishReason, GenerateInput, Generation, Hello,
    LoadOptions, LoadedModel, ModelFacts, ModelHash, ModelPurpose, OutputShape, PrefixScope,
    Priority, Prompt, Sampling, Speaker, TextKind, TokenSpan, TokenUsage, ToolCall, ToolChoice,
    ToolSpec,
};
pub use registry::{
    Incoming, MODEL_FILE_MAX_BYTES, ModelMemory, ModelNeed, ModelRegistry, ModelView, Received,
    RegistryError, RegistrySettings, TrialState,
};
pub use role::{ModelRole, RoleError, TIER_MAX_MODELS};
pub use scripted::{ScriptedModel, ScriptedReply};
pub use tiers::{
    Complexity, QuestionKind, Routed, RouterDecision, Tier, TierError, Tiers, TriedMember, route,
};
pub use upstream::{
    UPSTREAM_PROBE_INTERVAL, Upstream, UpstreamSettings, UpstreamState, UpstreamView,
    upstreams_watch,
};
pub use worker_builds::{
    BuildChoice, ChosenBuild, OpenedBuild, PassedOver, WorkerBuild, WorkerBuilds,
};
